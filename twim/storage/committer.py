"""One thread that commits. Twisted's pool takes 60 µs to hand over a call and its result, which is as long as a small
commit; a queue and `callFromThread` take 20.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

Done = Callable[[BaseException | None], None]


class Committer:
    """Runs calls one after the other in a thread of its own, and tells the reactor's thread how each ended."""

    log = Logger()

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._from_thread: Callable[..., Any] = reactor.callFromThread
        self._calls: SimpleQueue[tuple[Callable[[], None], Done] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def run(self, call: Callable[[], None], done: Done) -> None:
        """Run `call` in the thread, then `done` on the reactor's with what it raised, or None."""
        if self._thread is None:
            self._thread = Thread(target=self._loop, name="commit", daemon=True)
            self._thread.start()
        self._calls.put((call, done))

    def stop(self) -> None:
        """End the thread after what it was given."""
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
            self._thread = None

    def _loop(self) -> None:
        while (given := self._calls.get()) is not None:
            call, done = given
            try:
                call()
            except Exception as error:
                self._from_thread(done, error)
            else:
                self._from_thread(done, None)
