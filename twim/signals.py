"""Which signals a running server obeys: TERM and INT end it in good order (Twisted's own handlers), QUIT and KILL at
once. HUP reads again what may have changed. No other signal that somebody may send by mistake ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from threading import current_thread, main_thread
from typing import Any, Final

from twisted.logger import Logger

AGAIN: Final = ("SIGHUP", "SIGUSR1")
"""The second reopens the log for many programs that rotate logs."""
IGNORED: Final = ("SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO", "SIGPWR", "SIGSTKFLT", "SIGXCPU")
_log = Logger()


def obey(reactor: Any, read_again: Callable[[], None]) -> Callable[[], None]:
    """Begin, with `read_again` to be called on the reactor's thread at a HUP. Gives what undoes it. Only the main
    thread may do this; in any other nothing is done."""
    if current_thread() is not main_thread():
        return lambda: None

    def hang_up(number: int, frame: object) -> None:
        reactor.callFromThread(_read_again, signal.Signals(number).name, read_again)

    before: dict[int, Any] = {}
    for number in _numbers(AGAIN):
        before[number] = signal.signal(number, hang_up)
    for number in (*_numbers(IGNORED), *_real_time()):
        # Whoever gave it a meaning keeps it.
        if signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, signal.SIG_IGN)

    def undo() -> None:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    return undo


def _read_again(name: str, read_again: Callable[[], None]) -> None:
    read_again()
    _log.info("{name}: certificates were read and log files opened again", name=name)


def _numbers(names: tuple[str, ...]) -> Iterator[int]:
    # Not every system has all of them.
    return (getattr(signal, name) for name in names if hasattr(signal, name))


def _real_time() -> range:
    first, last = getattr(signal, "SIGRTMIN", None), getattr(signal, "SIGRTMAX", None)
    return range(0) if first is None or last is None else range(first, last + 1)
