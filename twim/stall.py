"""How long the reactor is blocked, measured by how late a timer fires that repeats all the time."""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

TICK_SECONDS: Final = 0.02
WINDOW_SECONDS: Final = 60.0


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
        """End the measuring."""
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
