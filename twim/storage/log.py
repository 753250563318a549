"""Group commit: everything that arrives while one transaction runs is the next one.

One message alone pays one commit; under load hundreds share it. A commit writes each page it touches once, so when
the last batch was large the next one gathers for a few milliseconds; at light load nothing waits.

How a batch becomes a transaction is the appender's business (see `appender`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal, TooMany, Unavailable
from twim.internals.epoll import ReactorIterations
from twim.measures import LogMeasures
from twim.storage.appender import Appender
from twim.storage.interface import LogListener, Post

BATCH: Final = 4_000  # posts in one transaction: they keep the reactor for some 15 ms
QUEUE: Final = 20_000  # posts that may wait for their transaction; more are refused
LARGE: Final = 64  # from this size on a batch shows that many are sending
GATHER_SECONDS: Final = 0.002  # the longest that the batch after a large one gathers


class SqlLog:
    """The log of every conversation (see `interface.MessageLog`). Reactor thread only."""

    log = Logger()

    def __init__(
        self, appender: Appender, iterations: ReactorIterations, clock: IReactorTime, now_ms: Callable[[], int]
    ) -> None:
        self._appender = appender
        self._iterations = iterations
        self._clock = clock
        self._now_ms = now_ms
        self._queue: list[Post] = []
        self._batch: list[Post] = []
        self._scheduled = False
        self._committing = False
        self._last_size = 0
        self._gathered = 0
        self._gather_until = 0.0
        self._last_at = 0
        self._idle: list[Deferred[None]] = []
        self._settling: list[Deferred[None]] = []
        self._decided = 0
        self._deciding: list[tuple[int, Deferred[None]]] = []
        self._oldest = 0.0  # when the first of what waits began to wait
        self._batch_began = 0.0
        self._commit_began = 0.0
        self.listener: LogListener | None = None
        self.measures = LogMeasures()
        self.committed_at: float | None = None  # by the clock: when something was stored last
        self.batches = 0
        self.posts = 0

    def append(self, post: Post) -> None:
        """Queue `post` for the next commit. `TooMany` when the queue is full."""
        waiting = len(self._queue)
        if waiting >= QUEUE:
            raise TooMany("the server is busy")
        if not waiting:
            self._oldest = perf_counter()
        self._queue.append(post)
        if not self._scheduled and not self._committing:
            self._schedule()

    @property
    def waiting(self) -> int:
        """Posts that wait for their transaction."""
        return len(self._queue)

    def drained(self) -> Deferred[None]:
        """Fires when nothing waits and nothing runs."""
        done: Deferred[None] = Deferred()
        if self._queue or self._committing:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def settled(self) -> Deferred[None]:
        """Fires when the listener has heard of everything that this server has on disk now."""
        done: Deferred[None] = Deferred()
        if self._committing:
            self._settling.append(done)
        else:
            done.callback(None)
        return done

    def decided(self) -> Deferred[None]:
        """Fires when everything that was appended until now is stored or refused."""
        done: Deferred[None] = Deferred()
        if waiting := len(self._batch) + len(self._queue):
            self._deciding.append((self._decided + waiting, done))
        else:
            done.callback(None)
        return done

    def _schedule(self) -> None:
        self._scheduled = True
        self._gathered = 0
        self._gather_until = self._clock.seconds() + GATHER_SECONDS
        # Not at once: what others say in the same iteration shares the commit.
        self._iterations.at_end(self._commit_or_gather)

    def _commit_or_gather(self) -> None:
        before, self._gathered = self._gathered, len(self._queue)
        if (
            self._last_size < LARGE
            or self._gathered == before
            or self._gathered >= BATCH
            or self._clock.seconds() >= self._gather_until
        ):
            self._commit()
        else:
            self._iterations.at_next_end(self._commit_or_gather)

    def _commit(self) -> None:
        self._scheduled = False
        self._committing = True
        self._batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        self._last_size = len(self._batch)
        # A clock that was set back must not make a later message look older than an earlier one.
        self._last_at = at = max(self._now_ms(), self._last_at)
        self._batch_began = self._oldest
        self._commit_began = perf_counter()
        self._appender.append(self._batch, at, self._ended)

    def _ended(self, failure: Failure | None) -> None:
        batch, self._batch = self._batch, []
        try:
            if failure is None:
                self._committed(batch)
            else:
                self._failed(failure, batch)
        except Exception:
            self.log.failure("delivering a stored batch failed")
        self._decided += len(batch)
        self._next()

    def _committed(self, batch: Sequence[Post]) -> None:
        self.batches += 1
        self.posts += len(batch)
        self.committed_at = self._clock.seconds()
        stored = perf_counter()
        if self.listener is not None:
            self.listener.committed(batch)
        delivered = perf_counter()
        # Once a batch, never once a message.
        measures = self.measures
        measures.sizes.observe(len(batch))
        measures.commit.observe(stored - self._commit_began)
        measures.delivery.observe(delivered - stored)
        measures.batch.observe(delivered - self._batch_began)

    def _failed(self, failure: Failure, batch: Sequence[Post]) -> None:
        refused: Refusal = Unavailable()
        if failure.check(Refusal):
            refused = failure.value  # type: ignore[assignment]
        else:
            self.log.failure("a batch of {count} messages was not stored", failure, count=len(batch))
        for post in batch:
            post.refused = refused
        if self.listener is not None:
            self.listener.failed(batch, refused)

    def _next(self) -> None:
        self._committing = False
        settling, self._settling = self._settling, []
        for done in settling:
            done.callback(None)
        while self._deciding and self._deciding[0][0] <= self._decided:
            self._deciding.pop(0)[1].callback(None)
        if self._queue:
            self._schedule()
            return
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)
