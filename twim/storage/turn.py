"""Whose turn it is to write: SQLite has one writer, so those who want to write stand in line, first come first served.

Waiting here costs nothing; waiting in SQLite's busy handler sleeps, blocks a thread and is unfair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Turn:
    """A line of callbacks of which one runs at a time; each must end with `release`. Reactor thread only."""

    def __init__(self) -> None:
        self._taken = False
        self._passing_on = False
        self._waiting: deque[Callable[[], None]] = deque()

    def ask(self, go: Callable[[], None]) -> None:
        """Call `go` when it is its turn: at once when nobody writes."""
        if self._taken:
            self._waiting.append(go)
        else:
            self._taken = True
            go()

    def release(self) -> None:
        """End the turn that runs, and begin the next."""
        self._taken = False
        if self._passing_on:
            return
        # A loop, not a call in a call: many may end their turn at once, being refused.
        self._passing_on = True
        while self._waiting and not self._taken:
            self._taken = True
            self._waiting.popleft()()
        self._passing_on = False

    def __len__(self) -> int:
        return len(self._waiting)
