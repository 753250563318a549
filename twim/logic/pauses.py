"""The pauses of long work in the storage, in which everybody else goes on."""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twim.errors import Unavailable

PAUSE_SECONDS: Final = 0.005  # the shortest pause between two transactions
PAUSE_FACTOR: Final = 4  # or so many times as long as the last one took: four fifths of the time are the others'


class Pauses:
    """Pauses between the transactions of work that goes on for long. After `stop` each of them refuses instead."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: set[Deferred[None]] = set()
        self._stopped = False

    def now(self) -> float:
        """The time at which a transaction begins, for `after`."""
        return self._clock.seconds()

    async def after(self, began: float) -> None:
        """Pause after a transaction that began then. `Unavailable` when the node stops."""
        if not self._stopped:
            took = self._clock.seconds() - began
            waiting: Deferred[None] = deferLater(self._clock, max(PAUSE_SECONDS, PAUSE_FACTOR * took))
            self._waiting.add(waiting)
            try:
                await waiting
                return
            except CancelledError:
                pass
            finally:
                self._waiting.discard(waiting)
        raise Unavailable("the server is stopping")

    def stop(self) -> None:
        """End the work that pauses now or later."""
        self._stopped = True
        for waiting in list(self._waiting):
            waiting.cancel()
