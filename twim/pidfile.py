"""twistd's pid file, which outlives a server that was killed.

twistd refuses to start where the file names a process that lives. In a container, where numbers begin at 1 each time,
that is often the new server itself; after a restart of the machine it is any other process. Their port and the lock on
their database keep two servers from running at once, whatever the file says.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from twisted.logger import Logger
from twisted.python import usage

DEFAULT: Final = "twistd.pid"
_PID: Final = re.compile(rb"[\s\0]*([0-9]*)[\s\0]*")
_MOST_BYTES: Final = 64  # of a file that has a number; anything larger is no pid file
_LATER_SECONDS: Final = 2.0  # the time of the machine's start is known to the second
_log = Logger()


def settle(twistd: usage.Options) -> None:
    """Before twistd reads its pid file: use none for a server in the foreground unless one was named, and delete one
    that is stale."""
    named: str = twistd.get("pidfile") or ""
    if named == DEFAULT and (twistd.get("nodaemon") or twistd.get("debug")):
        twistd["pidfile"] = ""
    elif named and is_stale(Path(named)):
        _log.info("{path} is of a server that is gone", path=named)
        Path(named).unlink(missing_ok=True)


def is_stale(path: Path, processes: Path = Path("/proc")) -> bool:
    """Whether a pid file can't be of a twistd that lives: its process is this one, began after the file was written, or
    is another program. False where that can't be found out."""
    try:
        with path.open("rb") as file:
            said, written = file.read(_MOST_BYTES + 1), os.fstat(file.fileno()).st_mtime
        found = _PID.fullmatch(said)
        if found is None or len(said) > _MOST_BYTES:
            return False
        pid = int(found[1] or b"0")  # nothing, or zeros, is what a power cut may leave
        if pid in (0, os.getpid()):
            return True
        process = processes / str(pid)
        if not process.exists():
            return (processes / "self").exists()
        began = _began(process, processes)
        return b"twist" not in (process / "cmdline").read_bytes() or began > written + _LATER_SECONDS
    except OSError:
        return False


def _began(process: Path, processes: Path) -> float:
    """When a process began, in seconds since 1970 (proc(5))."""
    # The name, in brackets, may have anything in it.
    after_name = (process / "stat").read_bytes().rpartition(b")")[2].split()
    ticks = int(after_name[19])
    started = re.search(rb"^btime ([0-9]+)", (processes / "stat").read_bytes(), re.MULTILINE)
    return (int(started[1]) if started else 0) + ticks / os.sysconf("SC_CLK_TCK")
