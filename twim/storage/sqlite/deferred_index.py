"""When SQLite's indexes of the log are written: a moment after the messages, for many of them at once.

A commit that answers a message writes the end of table `message` and nothing else. `index_writing` says what follows
from it; this says when. Whoever needs it sooner calls `write_index` in the same transaction, or waits for
`DeferredIndex.written`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.storage.database import Database
from twim.storage.sqlite.cid_index import CidIndex
from twim.storage.sqlite.driver import executing
from twim.storage.sqlite.index_writing import Noted, write_index

DEFER_SECONDS: Final = 3.0  # how long it may wait: the more at once, the fewer pages for each
DEFER_MESSAGES: Final = 4_000  # or how many messages may wait for it: some 4 ms in which no other commit runs
RETRY_SECONDS: Final = 10.0  # after a refusal: messages go first when the storage is hard to get


class DeferredIndex:
    """See `Indexing`. Reactor thread only."""

    log = Logger()

    def __init__(self, database: Database, index: CidIndex, clock: IReactorTime) -> None:
        self._database = database
        self._index = index
        self._clock = clock
        self._count = 0
        self._waiting: list[Deferred[None]] = []
        self._writing = False
        self._timer: IDelayedCall | None = None
        self._stopping = False
        self._noted: Noted | None = Noted([], [])
        self.cids: defaultdict[int, set[str]] = defaultdict(set)
        """The cids, by their senders, of messages that the index of cids may not have yet, and perhaps of some that
        aren't stored."""

    def note(self, count: int, cids: Iterable[tuple[int, str]] = ()) -> None:
        """See `Indexing`."""
        for sender, cid in cids:
            self.cids[sender].add(cid)
        self._noted = None
        self._note(count)

    def note_known(self, count: int, concerned: Sequence[int], cids: Sequence[int]) -> None:
        """As `note`, of messages whose cids are here already. Of these only the ones with the ids `concerned` name
        somebody or need not be read, and the index of cids gets the entries `cids`: then they aren't looked at."""
        if self._noted is not None:
            self._noted.concerned.extend(concerned)
            self._noted.cids.extend(cids)
        self._note(count)

    def _note(self, count: int) -> None:
        self._count += count
        if self._count >= DEFER_MESSAGES:
            self._write()
        elif self._timer is None and not self._stopping:
            self._timer = self._clock.callLater(DEFER_SECONDS, self._due)

    def written(self) -> Deferred[None]:
        """Fires when everything is written that follows from the messages stored until now."""
        if not self._count:
            return succeed(None)
        # Also when it is being written: nothing is stored meanwhile.
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        self._write()
        return waiting

    def stop(self) -> Deferred[None]:
        """Write, for the last time. What fails is done at the next start."""
        self._stopping = True
        self._end_timer()
        return self.written().addErrback(lambda _: None)

    def _due(self) -> None:
        self._timer = None
        self._write()

    def _write(self) -> None:
        if not self._writing:
            self._writing = True
            self._database.write(self._write_index, synced=False).addCallbacks(self._done, self._failed)

    def _write_index(self, connection: Connection) -> None:
        # In the writer's thread. Nothing is noted meanwhile, and what was noted before has been stored before.
        self._index.tidy(executing(connection))
        write_index(connection, self._index, self._noted)

    def _done(self, _: None) -> None:
        self._writing = False
        self._count = 0
        self._noted = Noted([], [])
        self.cids.clear()
        self._end_timer()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _failed(self, failure: Failure) -> None:
        self._writing = False
        self.log.error("what follows from messages waits for the storage: {why}", why=failure.getErrorMessage())
        self._end_timer()
        if not self._stopping:
            self._timer = self._clock.callLater(RETRY_SECONDS, self._due)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.errback(failure)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
