"""When the index of words is written: behind the messages, a little at a time.

Searches read from the log what isn't indexed yet, so nothing depends on how far the index is. It takes a small part of
the CPU time that the node takes for everything else, so that messages don't become slower; when hardly anybody writes
it hurries. Of several nodes that share a database the one that has the lease does it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal
from twim.storage.database import Database
from twim.storage.search.indexing import SearchIndexing
from twim.storage.search.lease import Lease
from twim.storage.search.segments import Overview, Segment, mergeable, unindexed

LOOK_SECONDS: Final = 5.0  # how often it is looked whether there is something to do
SHARE: Final = 0.03  # of the node's CPU time
LEAST_SHARE: Final = 0.01  # of one core's time, however little the node does
HURRIED_SHARE: Final = 0.3  # the same while there are few messages
FEW: Final = 20  # messages a second
MEASURED_SECONDS: Final = 1.0  # over which the node's CPU time is measured
# How long a transaction of another node may be on its way: what it stores may have lower row ids than what is there.
SETTLED_SECONDS: Final = 30.0
REPAIR_SECONDS: Final = 600.0  # how long the index may have words of messages that were recalled or edited


class SearchIndexer:
    """Writes the index while the node runs."""

    log = Logger()

    def __init__(
        self,
        database: Database,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        cpu_seconds: Callable[[], float] = time.process_time,
    ) -> None:
        self._indexing = SearchIndexing(database, now_ms, self._pace)
        self._lease = Lease(database)
        self._clock = clock
        self._now_ms = now_ms
        self._cpu_seconds = cpu_seconds
        self._settled_after = SETTLED_SECONDS if self._lease.is_shared else 0.0
        # What the newest row id was, and when.
        self._seen: deque[tuple[float, int]] = deque()
        self._share = LEAST_SHARE
        self._measured = (0.0, 0.0)
        self._hurried = False
        self._stopped = False
        self._waiting: Deferred[None] | None = None
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Begin, while the node does everything else."""
        self._measured = (self._clock.seconds(), self._cpu_seconds())
        self._running = Deferred.fromCoroutine(self._run()).addErrback(self._failed)

    async def stop(self) -> None:
        """End at the next pause. What is begun is done anew at the next start."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while not self._stopped:
            try:
                if await self.step():
                    continue
            except Refusal as refused:
                self.log.debug("the index of words waits: {why}", why=refused.msg)
            except CancelledError:
                return
            except Exception:
                self.log.failure("the index of words can't be written now")
            await self._pause(LOOK_SECONDS)

    async def step(self) -> bool:
        """Do the next of what there is to do. False when there was nothing."""
        if not await self._lease.take(self._now_ms()):
            self._seen.clear()
            return False
        seen = await self._indexing.overview()
        settled = self._look(seen.newest)
        await self._indexing.tidy(seen, True)
        if (piece := unindexed(seen, settled)) is not None:
            return await self._indexing.build(*piece)
        if parts := mergeable(seen):
            return await self._indexing.merge(parts)
        if (one := self._wrong(seen)) is not None:
            await self._indexing.repair(one)
            return True
        return False

    def _look(self, newest: int) -> int:
        """The row id up to which no message is on its way any more."""
        now = self._clock.seconds()
        if self._seen:
            then, before = self._seen[-1]
            self._hurried = newest - before <= FEW * (now - then)
        self._seen.append((now, newest))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self._settled_after:
            self._seen.popleft()
        then, settled = self._seen[0]
        return settled if then <= now - self._settled_after else 0

    def _wrong(self, seen: Overview) -> Segment | None:
        """A segment that has had words for long enough that it shouldn't have."""
        due = self._now_ms() - 1000 * REPAIR_SECONDS
        changed = [message_id for message_id, at in seen.changed.items() if at <= due]
        for one in seen.live:
            if any(one.first <= message_id <= one.last for message_id in changed):
                return one
        return None

    async def _pace(self, took: float) -> None:
        """Wait after work that took so many seconds of CPU."""
        now, cpu = self._clock.seconds(), self._cpu_seconds()
        passed = now - self._measured[0]
        if passed >= MEASURED_SECONDS:
            self._share = max(LEAST_SHARE, SHARE * (cpu - self._measured[1]) / passed)
            self._measured = (now, cpu)
        await self._pause(took / (HURRIED_SHARE if self._hurried else self._share))

    async def _pause(self, seconds: float) -> None:
        if self._stopped:
            raise CancelledError
        waiting: Deferred[None] = deferLater(self._clock, seconds)
        self._waiting = waiting
        try:
            await waiting
        finally:
            self._waiting = None

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the index of words is written no more until the next start", failure)
