"""Group commit: everything that arrives while one transaction runs is the next one.

One message alone pays one commit; under load hundreds share it. A commit writes each page it touches once, so when
the last batch was large the next one gathers for a few milliseconds; at light load nothing waits.

How a batch becomes a transaction is the appender's business: `ThreadAppender` runs the portable transaction in the
storage's thread, `SqliteAppender` (in `sqlite.py`) inserts without changing threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal, TooMany, Unavailable
from twim.storage.append import append
from twim.storage.behind import Behind
from twim.storage.database import Database
from twim.storage.interface import LogListener, Post
from twim.turns import Turns

BATCH: Final = 4_000  # posts in one transaction: they keep the reactor for some 15 ms
QUEUE: Final = 20_000  # posts that may wait for their transaction; more are refused
LARGE: Final = 64  # from this size on a batch shows that many are sending
GATHER_SECONDS: Final = 0.005  # how long the batch after a large one gathers
REPEATS: Final = 3  # of a batch that met another server's message with the same cid


Ended = Callable[[Failure | None], None]
"""Called with None after the commit, or with why nothing is stored. A Deferred would be a tenth of a small batch."""


class Appender(Protocol):
    """Stores one batch and writes on each post what became of it."""

    def append(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        """Begin to store `posts`, accepted at `at` (ms)."""


class SqlLog:
    """The log of every conversation (see `interface.MessageLog`). Reactor thread only."""

    log = Logger()

    def __init__(self, appender: Appender, turns: Turns, clock: IReactorTime, now_ms: Callable[[], int]) -> None:
        self._appender = appender
        self._turns = turns
        self._clock = clock
        self._now_ms = now_ms
        self._queue: list[Post] = []
        self._batch: list[Post] = []
        self._scheduled = False
        self._committing = False
        self._last_size = 0
        self._last_at = 0
        self._idle: list[Deferred[None]] = []
        self._settling: list[Deferred[None]] = []
        self.listener: LogListener | None = None
        self.batches = 0
        self.posts = 0

    def append(self, post: Post) -> None:
        """Queue `post` for the next commit. `TooMany` when the queue is full."""
        if len(self._queue) >= QUEUE:
            raise TooMany("the server is busy")
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

    def _schedule(self) -> None:
        self._scheduled = True
        if self._last_size >= LARGE:
            self._clock.callLater(GATHER_SECONDS, self._commit)
        else:
            # Not at once: what others say in the same turn shares the commit.
            self._turns.at_end(self._commit)

    def _commit(self) -> None:
        self._scheduled = False
        self._committing = True
        self._batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        self._last_size = len(self._batch)
        # A clock that was set back must not make a later message look older than an earlier one.
        self._last_at = at = max(self._now_ms(), self._last_at)
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
        self._next()

    def _committed(self, batch: Sequence[Post]) -> None:
        self.batches += 1
        self.posts += len(batch)
        if self.listener is not None:
            self.listener.committed(batch)

    def _failed(self, failure: Failure, batch: Sequence[Post]) -> None:
        refused: Refusal = Unavailable()
        if failure.check(Refusal):
            refused = failure.value  # type: ignore[assignment]
        else:
            self.log.failure("a batch of {count} messages was not stored", failure, count=len(batch))
        if self.listener is not None:
            self.listener.failed(batch, refused)

    def _next(self) -> None:
        self._committing = False
        settling, self._settling = self._settling, []
        for done in settling:
            done.callback(None)
        if self._queue:
            self._schedule()
            return
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)


class ThreadAppender:
    """The portable transaction, in the storage's thread."""

    def __init__(self, database: Database, behind: Behind) -> None:
        self._database = database
        self._behind = behind

    def append(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        """See `Appender`."""
        done = self._database.write(lambda connection: append(connection, posts, at))
        for _ in range(REPEATS):
            done.addErrback(self._again, posts, at)
        done.addCallback(self._settle, posts)
        done.addCallbacks(ended, ended)

    def _again(self, failure: Failure, posts: Sequence[Post], at: int) -> Deferred[None]:
        # Another server stored the same (sender, cid) in another conversation meanwhile: now it is found.
        failure.trap(sql_errors.IntegrityError)
        return self._database.write(lambda connection: append(connection, posts, at))

    def _settle(self, _: None, posts: Sequence[Post]) -> None:
        stored = [post for post in posts if post.first is None and post.refused is None]
        for post in stored:
            post.conversation.head = post.message.seq
        self._behind.note(
            len(stored), [(one.message.userid, one.message.cid.encode()) for one in stored if one.message.cid]
        )
