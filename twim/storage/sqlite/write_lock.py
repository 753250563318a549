"""The lock of SQLite's one writer: those who want to write wait for it, first come, first served.

Waiting here costs nothing; waiting in SQLite's busy handler sleeps, blocks a thread and is unfair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class WriteLock:
    """Callbacks of which one runs at a time; each must end with `release`. Reactor thread only."""

    def __init__(self) -> None:
        self._taken = False
        self._releasing = False
        self._waiting: deque[Callable[[], None]] = deque()

    def acquire(self, acquired: Callable[[], None]) -> None:
        """Call `acquired` with the lock held: at once when nobody writes, else after those who asked before."""
        if self._taken:
            self._waiting.append(acquired)
        else:
            self._taken = True
            acquired()

    def release(self) -> None:
        """Give the lock to the next one who waits."""
        self._taken = False
        if self._releasing:
            return
        # A loop, not a call in a call: many may release it at once, being refused.
        self._releasing = True
        while self._waiting and not self._taken:
            self._taken = True
            self._waiting.popleft()()
        self._releasing = False

    def __len__(self) -> int:
        return len(self._waiting)
