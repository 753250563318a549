"""Transactions off the reactor's thread: one hop each, in a small pool of the storage's own.

`read` and `write` take a function of a SQLAlchemy connection, run it as one transaction and give a Deferred of what
it returned. It may be run again after a deadlock, so it must do nothing but use its connection.
Whatever says that the database can't be used now becomes `Unavailable`. Nothing was done then, but that a connection
lost during a commit leaves it open: who asks again with the same `cid` learns which.
A server that can't be reached is looked for until it is there; meanwhile everything is refused at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import uniform
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from twim.errors import TooMany, Unavailable
from twim.storage.engine import open_engine
from twim.storage.outage import may_try_again, unavailable, unusable
from twim.storage.turn import Turn

T = TypeVar("T")

THREADS: Final = 6  # transactions that run at once on a database server
SQLITE_READERS: Final = 3  # SQLite reads from memory: more threads than cores only fight for the interpreter
WAITING: Final = 2_000  # transactions that may wait for a thread; more are refused
TRIES: Final = 8  # of a transaction that the database gave up for another's sake
TRYING_SECONDS: Final = 4.0  # after which it isn't tried again
PAUSE_SECONDS: Final = 0.05  # the longest pause between two tries
PROBE_SECONDS: Final = 0.5  # how often a server that was lost is looked for


class Database:
    """One database, its connections and its threads. `stop` waits for what runs."""

    log = Logger()

    def __init__(self, url: URL, reactor: Any) -> None:
        self.url = url
        self.is_sqlite = url.drivername == "sqlite"
        self._reactor = reactor
        readers = SQLITE_READERS if self.is_sqlite else THREADS
        self.engine = open_engine(url, readers + 1)
        self._unsynced = open_engine(url, 1, synced=False) if self.is_sqlite else self.engine
        self._readers = ThreadPool(0, readers, "storage")
        self._writers = ThreadPool(0, 1, "storage-writer") if self.is_sqlite else self._readers
        self.turn = Turn()
        self._waiting = 0
        self._file: tuple[int, int] | None = None
        self._lost = False
        self._locked_at = 0.0
        self._probe: IDelayedCall | None = None
        self.stopped = False

    def start(self) -> None:
        """Start the threads."""
        self._readers.start()
        if self._writers is not self._readers:
            self._writers.start()

    def stop(self) -> None:
        """End the threads after what they do, and close every connection."""
        if self.stopped:
            return
        self.stopped = True
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
        self._readers.stop()
        if self._writers is not self._readers:
            self._writers.stop()
        self._unsynced.dispose()
        self.engine.dispose()

    def read(self, work: Callable[[Connection], T]) -> Deferred[T]:
        """Run `work` in a transaction that only reads."""
        return self._hop(self._readers, work, False)

    def write(self, work: Callable[[Connection], T], synced: bool = True) -> Deferred[T]:
        """Run `work` in a transaction that may write; it is committed when the Deferred fires. With `synced` off, on
        SQLite, a crash may undo it: for what can be made again from the log."""
        if not self.is_sqlite:
            return self._hop(self._writers, work, True)
        done: Deferred[T] = Deferred()
        asked = monotonic()

        def go() -> None:
            # Who waited while another process held the lock is refused with the one who waited for it: if each
            # waited in its turn, the last would be told only after minutes.
            if asked < self._locked_at:
                done.errback(Unavailable())
                self.turn.release()
                return
            hop = self._hop(self._writers, work, True, synced)
            # In this order: what follows from the commit is settled before the next writer's turn begins.
            hop.chainDeferred(done)
            hop.addBoth(lambda _: self.turn.release())

        self.turn.ask(go)
        return done

    def in_writer(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work` in the writer's thread, while nobody else uses the database."""
        return deferToThreadPool(self._reactor, self._writers, work)

    def _hop(self, pool: ThreadPool, work: Callable[[Connection], T], writes: bool, synced: bool = True) -> Deferred[T]:
        if self._lost:
            return fail(Unavailable())
        if self._waiting >= WAITING:
            return fail(TooMany("the storage is busy"))
        self._waiting += 1
        return deferToThreadPool(self._reactor, pool, self._attempt, work, writes, synced).addBoth(self._done)

    def _attempt(self, work: Callable[[Connection], T], writes: bool, synced: bool) -> T:
        # It may have waited in the line while the server was lost.
        if self._lost:
            raise Unavailable
        return self.transact(work, writes, synced)

    def _done(self, result: Any) -> Any:
        self._waiting -= 1
        if isinstance(result, Failure) and isinstance(result.value, Unavailable) and not self._lost:
            cause = result.value.__cause__
            if self.is_sqlite and isinstance(cause, sql_errors.DBAPIError) and "locked" in str(cause.orig):
                self._locked_at = monotonic()
            if not self.is_sqlite and isinstance(cause, sql_errors.DBAPIError) and unavailable(cause):
                self._lost = True
                self.log.error("the database is lost; sends are refused until it is back")
                self._look(0)
        return result

    def _look(self, seconds: float) -> None:
        if not self.stopped:
            self._probe = self._reactor.callLater(seconds, self._look_now)

    def _look_now(self) -> None:
        self._probe = None
        looking = deferToThreadPool(self._reactor, self._readers, self._ask)
        looking.addCallbacks(self._found, lambda _: self._look(PROBE_SECONDS))
        looking.addErrback(lambda failure: self.log.failure("looking for the database failed", failure))

    def _ask(self) -> None:
        with self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def _found(self, _: None) -> None:
        self._lost = False
        self.log.info("the database is back")

    def transact(self, work: Callable[[Connection], T], writes: bool, synced: bool = True) -> T:
        """Run `work` as a transaction, here and now. For the storage's threads; blocks."""
        until = monotonic() + TRYING_SECONDS
        engine = self.engine if synced else self._unsynced
        for left in range(TRIES - 1, -1, -1):
            try:
                self.check_file()
                with engine.connect().execution_options(write=writes) as connection, connection.begin():
                    return work(connection)
            except sql_errors.DBAPIError as error:
                if left and may_try_again(error) and monotonic() < until:
                    # Those who met each other must not meet again.
                    sleep(uniform(0, PAUSE_SECONDS))
                    continue
                if not unusable(error):
                    raise
                self._say_unusable(error)
                raise Unavailable from error
            except sql_errors.TimeoutError as error:
                self._say_unusable(error)
                raise Unavailable from error
        raise AssertionError("unreachable")

    def check_file(self) -> None:
        """Refuse when SQLite's file is no longer the one that was opened: what is written to a file that was
        moved or deleted under an open connection is lost. `Unavailable` until it is back."""
        if not self.is_sqlite or self._file is None:
            return
        try:
            now = os.stat(self.url.database or "")
        except OSError as error:
            raise Unavailable("the database file is gone") from error
        if (now.st_dev, now.st_ino) != self._file:
            raise Unavailable("the database file was replaced")

    def remember_file(self) -> None:
        """From now on the file is expected to stay the one it is (see `check_file`)."""
        if self.is_sqlite:
            found = os.stat(self.url.database or "")
            self._file = (found.st_dev, found.st_ino)

    def _say_unusable(self, error: Exception) -> None:
        self.log.error("storage unavailable: {why}", why=str(getattr(error, "orig", None) or error))
