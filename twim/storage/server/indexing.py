"""On a database server what finds messages is written with them, so there is nothing to do later."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred, succeed


class ImmediateIndex:
    """See `Indexing`."""

    def note(self, count: int, cids: Iterable[tuple[int, str]] = ()) -> None:
        """See `Indexing`."""

    def written(self) -> Deferred[None]:
        """See `Indexing`."""
        return succeed(None)

    def stop(self) -> Deferred[None]:
        """See `Indexing`."""
        return succeed(None)
