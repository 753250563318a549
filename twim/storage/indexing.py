"""What finds messages, as the log and its readers see it: written with them, or a moment later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from twisted.internet.defer import Deferred


class Indexing(Protocol):
    """Decides when what follows from stored messages is written. Reactor thread only."""

    def note(self, count: int, cids: Iterable[tuple[int, str]] = ()) -> None:
        """So many messages have been stored, with these `(sender, cid)`. Called before the next writer begins."""

    def written(self) -> Deferred[None]:
        """Fires when everything is written that follows from the messages stored until now."""

    def stop(self) -> Deferred[None]:
        """Write, for the last time. What fails is done at the next start."""
