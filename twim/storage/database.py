"""Transactions off the reactor's thread: each runs on a thread of a small pool of the storage's own.

`read` and `write` take a function of a SQLAlchemy connection, run it as one transaction, and give a Deferred of what it
returned. The function may be run again, after a deadlock or when another server was faster to insert the same row. So
it must do nothing but use its connection, and must look before it inserts: then it finds at the second time what the
other server inserted.

Every error that means that the database can't be used now becomes `Unavailable`. Then nothing was done, with one
exception: if the connection is lost during a commit, the commit may have succeeded. Whoever sends again with the same
`cid` learns it. While a server can't be reached, everything is refused at once, until it is there again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import uniform
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Executable
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from twim.errors import TooMany, Unavailable
from twim.storage import schema_bots as _schema_bots  # noqa: F401 (its tables are copied and moved with all others)
from twim.storage.backend import unusable
from twim.storage.backends import backend_for

T = TypeVar("T")

WAITING: Final = 2_000  # transactions that may wait for a thread; more are refused
TRIES: Final = 8  # attempts at a transaction that the database gave up in favour of another one
TRYING_SECONDS: Final = 4.0  # after which it isn't tried again
PAUSE_SECONDS: Final = 0.05  # the longest pause between two tries


class Database:
    """One database, its connections and its threads. `stop` waits for what runs."""

    log = Logger()

    def __init__(self, url: URL, reactor: Any) -> None:
        self.url = url
        self._reactor = reactor
        self.backend = backend_for(url, reactor)
        self.dialect = self.backend.dialect
        self._pools = {self.backend.readers, self.backend.writers}
        self._waiting = 0
        self.stopped = False

    @property
    def engine(self) -> Engine:
        """Its connections."""
        return self.backend.engine()

    def start(self) -> None:
        """Start the threads."""
        for pool in self._pools:
            pool.start()

    def stop(self) -> None:
        """End the threads after what they do, and close every connection."""
        if self.stopped:
            return
        self.stopped = True
        for pool in self._pools:
            pool.stop()
        self.backend.stop()

    def read(self, work: Callable[[Connection], T]) -> Deferred[T]:
        """Run `work` in a transaction that only reads."""
        return self._hop(self.backend.readers, work, False)

    def write(self, work: Callable[[Connection], T], synced: bool = True) -> Deferred[T]:
        """Run `work` in a transaction that may write; it is committed when the Deferred fires. With `synced` off, on
        SQLite, a crash may undo it: for what can be made again from the log."""
        return self.backend.serialised(lambda: self._hop(self.backend.writers, work, True, synced), synced)

    def execute(self, statement: Executable) -> Deferred[None]:
        """Run one statement whose result is of no interest, as `write` does."""

        def work(connection: Connection) -> None:
            connection.execute(statement)

        return self.write(work)

    def in_writer(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work` in the writer's thread, while nobody else uses the database."""
        return deferToThreadPool(self._reactor, self.backend.writers, work)

    def _hop(self, pool: ThreadPool, work: Callable[[Connection], T], writes: bool, synced: bool = True) -> Deferred[T]:
        if self.backend.is_lost:
            return fail(Unavailable())
        if self._waiting >= WAITING:
            return fail(TooMany("the storage is busy"))
        self._waiting += 1
        return deferToThreadPool(self._reactor, pool, self._attempt, work, writes, synced).addBoth(self._done)

    def _attempt(self, work: Callable[[Connection], T], writes: bool, synced: bool) -> T:
        # It may have waited in the queue while the server was lost.
        if self.backend.is_lost:
            raise Unavailable
        return self.transact(work, writes, synced)

    def _done(self, result: Any) -> Any:
        self._waiting -= 1
        if isinstance(result, Failure) and isinstance(result.value, Unavailable):
            cause = result.value.__cause__
            if isinstance(cause, sql_errors.DBAPIError):
                self.backend.noticed(cause)
        return result

    def transact(self, work: Callable[[Connection], T], writes: bool, synced: bool = True) -> T:
        """Run `work` as a transaction, here and now. For the storage's threads; blocks."""
        until = monotonic() + TRYING_SECONDS
        engine = self.backend.engine(synced)
        for left in range(TRIES - 1, -1, -1):
            try:
                self.backend.check()
                with engine.connect().execution_options(write=writes) as connection, connection.begin():
                    return work(connection)
            except sql_errors.DBAPIError as error:
                if left and self.backend.worth_another_try(error) and monotonic() < until:
                    # A random pause, so that the same transactions don't collide again.
                    sleep(uniform(0, PAUSE_SECONDS))
                    continue
                if self.backend.lost_race(error):
                    raise TooMany("the server is busy") from error
                if not unusable(error):
                    raise
                self._say_unusable(error)
                raise Unavailable from error
            except sql_errors.TimeoutError as error:
                self._say_unusable(error)
                raise Unavailable from error
        raise AssertionError("unreachable")

    def _say_unusable(self, error: Exception) -> None:
        self.log.error("storage unavailable: {why}", why=str(getattr(error, "orig", None) or error))
