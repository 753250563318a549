"""How long to wait before the next attempt to connect."""

from __future__ import annotations

from random import Random
from typing import Final

FIRST_SECONDS: Final = 0.25
LONGEST_SECONDS: Final = 30.0


class Backoff:
    """The pauses double, and are random: after a restart of the server its clients must not come back all at once."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next = FIRST_SECONDS

    def delay(self) -> float:
        """The next pause in seconds: between the half and the whole of a span that doubles each time."""
        span, self._next = self._next, min(self._next * 2, LONGEST_SECONDS)
        return span * self._random.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """The connection works: begin with the shortest span again."""
        self._next = FIRST_SECONDS
