"""Hears what is stored here, after whoever delivers it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twim.errors import Refusal
from twim.storage.interface import LogListener, Post


class Listening:
    """A `LogListener` that calls `stored` after the real one, once for each batch."""

    def __init__(self, listener: LogListener, stored: Callable[[], None]) -> None:
        self._listener = listener
        self._stored = stored

    def committed(self, posts: Sequence[Post]) -> None:
        """See `LogListener`."""
        self._listener.committed(posts)
        self._stored()

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """See `LogListener`."""
        self._listener.failed(posts, refused)
