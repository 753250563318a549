"""The reactor in a thread beside the command, which waits for what it asks of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

from twim.internals.reactor import use_monotonic_clock

T = TypeVar("T")


class ReactorThread:
    """The process's reactor, in a thread of its own unless it runs already. It can be started once in a process."""

    def __init__(self) -> None:
        # Not before it is wanted: importing it chooses it for the process.
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self._thread: Thread | None = None
        if not self.reactor.running:
            use_monotonic_clock(reactor)
            self._thread = Thread(target=self.reactor.run, args=(False,), name="reactor", daemon=True)
            self._thread.start()

    def do(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the reactor's thread, and give what it returns or raises."""

        def begin() -> Any:
            return Deferred.fromCoroutine(work())

        result: T = blockingCallFromThread(self.reactor, begin)
        return result

    def stop(self) -> None:
        """End it, if it was started here."""
        if self._thread is not None:
            self.reactor.callFromThread(self.reactor.stop)
            self._thread.join()
