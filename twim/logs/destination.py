"""Where the log goes: standard output, or a file that is rotated by its size and can be opened again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, TextIO

from twisted.logger import ILogObserver, LogEvent
from twisted.python.logfile import LogFile
from zope.interface import implementer

from twim.logs.formats import Format, as_json, as_lines, as_text

STDOUT: Final = "-"


@implementer(ILogObserver)
class LogDestination:
    """Writes events. A file is at most `size` bytes and a line long, and so are the `count` older ones that are kept
    beside it, as `FILE.1` and so on. OSError when the file can't be opened."""

    def __init__(self, file: str, size: int, count: int, is_json: bool) -> None:
        self._file: LogFile | None = None
        self._stdout: TextIO = sys.stdout
        on_terminal = False
        if file == STDOUT:
            on_terminal = sys.stdout.isatty()
        else:
            path = Path(file).absolute()
            self._file = LogFile(path.name, str(path.parent), rotateLength=size, maxRotatedFiles=count)
        self._format: Format = as_json if is_json else as_lines if on_terminal else as_text

    def __call__(self, event: LogEvent) -> None:
        """Twisted's hook: write one event."""
        line = self._format(event)
        if not line:
            return
        if self._file is not None:
            self._file.write(f"{line}\n".encode("utf-8", "replace"))
        else:
            self._stdout.write(f"{line}\n")
            self._stdout.flush()

    def open_again(self) -> None:
        """Open the file anew, after another program has moved it away."""
        if self._file is not None:
            self._file.reopen()


_chosen: list[LogDestination] = []


def choose(destination: LogDestination) -> str:
    """Have `chosen` give it from now on. Gives the name of that function, by which alone twistd takes an observer."""
    _chosen[:] = [destination]
    return f"{__name__}.{chosen.__name__}"


def chosen() -> LogDestination:
    """For twistd's ``--logger``."""
    return _chosen[0]
