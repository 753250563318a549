"""How long the reactor is kept from its work: measured by the lateness of a timer that is always due, and bounded by
what one turn takes on.
"""

from __future__ import annotations

import select
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

TICK_SECONDS: Final = 0.02
WINDOW_SECONDS: Final = 60.0
EVENTS: Final = 256  # sockets looked at in one turn of the reactor: 5 to 10 ms of frames, connects or disconnects


class ShortTurns:
    """The reactor's epoll, which gives a few events at a time.

    Twisted asks for as many as there are connections, and sees to all of them before the next timer or what a thread
    has done: when 10,000 clients vanish at once, that is 150 ms. What is left out is ready still, and epoll gives it
    before what comes ready later.
    """

    def __init__(self, poller: Any) -> None:
        self._poller = poller

    def poll(self, timeout: float, maxevents: int) -> Any:
        """As `select.epoll.poll`."""
        return self._poller.poll(timeout, min(maxevents, EVENTS))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poller, name)


def shorten_turns(reactor: Any) -> None:
    """Bound what one turn of an epoll reactor takes on. Others, which ask for less, are left as they are."""
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, getattr(select, "epoll", ())):
        reactor._poller = ShortTurns(poller)


class StallMeter:
    """The longest stall since the start, and of the last minute or two, in seconds."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._due = 0.0
        self._window_end = 0.0
        self._now = 0.0
        self._before = 0.0
        self._call: IDelayedCall | None = None
        self.longest = 0.0

    @property
    def recent(self) -> float:
        """The longest stall of this minute and the one before."""
        return max(self._now, self._before)

    def start(self) -> None:
        """Begin to measure."""
        self._window_end = self._clock.seconds() + WINDOW_SECONDS
        self._wait()

    def stop(self) -> None:
        """Measure no more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _wait(self) -> None:
        self._due = self._clock.seconds() + TICK_SECONDS
        self._call = self._clock.callLater(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        now = self._clock.seconds()
        late = max(0.0, now - self._due)
        self._now = max(self._now, late)
        self.longest = max(self.longest, late)
        if now > self._window_end:
            self._before, self._now = self._now, 0.0
            self._window_end = now + WINDOW_SECONDS
        self._wait()
