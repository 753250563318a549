"""When SQLite's write-ahead log is copied back into the database: beside the commits, not in one of them.

By itself SQLite does it in the commit that makes the log longer than `wal_autocheckpoint`, and whoever waits for that
commit waits for the copy and for two syncs of the disk, too. A passive checkpoint keeps no writer away
(https://www.sqlite.org/wal.html, "Concurrency"), but what is committed meanwhile isn't copied, and the log begins anew
only when all of it is. So it is done twice: first in a thread beside the commits, which copies nearly everything, and
then once more while nobody writes, which copies the little that came meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from twim.storage.sqlite.write_lock import WriteLock

PAGES: Final = 8_000  # written since the last time, by a rough count: a page written often is copied once
COMMIT_PAGES: Final = 2  # that a commit writes besides its rows
PAGE_BYTES: Final = 4_096
ROW_BYTES: Final = 50  # of a message besides its body
SMALL_PAGES: Final = 8  # that a transaction of a few rows writes
LARGE_PAGES: Final = 128  # that one writes which is not synced: it deletes or indexes a lot
_CHECKPOINT: Final = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """Counts what is written, and copies it back when it is much. Reactor thread only."""

    log = Logger()

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        write_lock: WriteLock,
        beside: ThreadPool,
        writer: ThreadPool,
        reactor: Any,
    ) -> None:
        self._connect = connect
        self._write_lock = write_lock
        self._beside = beside
        self._writer = writer
        self._reactor = reactor
        self._connection: sqlite3.Connection | None = None
        self._written = 0
        self._running = False
        self._stopped = False

    def wrote(self, pages: int) -> None:
        """About so many pages have been committed."""
        self._written += pages
        if self._written >= PAGES and not self._running and not self._stopped:
            self._written = 0
            self._running = True
            self._copy_beside().addErrback(self._failed).addBoth(self._ended)

    def stop(self) -> None:
        """Close the connection. The threads have ended."""
        self._stopped = True
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _copy_beside(self) -> Deferred[Any]:
        copying: Deferred[Any] = deferToThreadPool(self._reactor, self._beside, self._checkpoint)
        return copying.addCallback(lambda _: self._copy_rest())

    def _copy_rest(self) -> Deferred[None]:
        if self._stopped:
            return succeed(None)
        copied: Deferred[None] = Deferred()

        def acquired() -> None:
            copying = deferToThreadPool(self._reactor, self._writer, self._checkpoint)
            copying.addBoth(self._release).chainDeferred(copied)

        self._write_lock.acquire(acquired)
        return copied

    def _release(self, result: Any) -> Any:
        self._write_lock.release()
        return result

    def _checkpoint(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
            # Whoever holds the lock of checkpoints does what is to be done here.
            self._connection.execute("PRAGMA busy_timeout=0")
        self._connection.execute(_CHECKPOINT).fetchall()

    def _failed(self, failure: Failure) -> None:
        # Nothing is lost: what is not copied stays in the log, and SQLite copies it by itself when it grows long.
        failure.trap(sqlite3.Error, sql_errors.SQLAlchemyError)
        self.log.debug("the write-ahead log was not copied back: {why}", why=failure.getErrorMessage())

    def _ended(self, result: Any) -> Any:
        self._running = False
        return result
