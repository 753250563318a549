"""How SQLite is reached: several threads read, one writes, and whoever writes holds the write lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy import Engine
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from twim.errors import Unavailable
from twim.storage.engine import POOL_SECONDS
from twim.storage.interface import Conversation, Key
from twim.storage.sqlite.checkpoints import LARGE_PAGES, SMALL_PAGES, Checkpoints
from twim.storage.sqlite.dialect import SqliteDialect
from twim.storage.sqlite.engine import open_sqlite
from twim.storage.sqlite.file import DatabaseFile
from twim.storage.sqlite.saving import save_before_upgrade
from twim.storage.sqlite.write_lock import WriteLock

T = TypeVar("T")

SLOW_SECONDS: Final = 0.01  # a look that takes so long has waited for the disk
LOOKING_KIB: Final = 8 * 1024  # page cache of the connection for it
PAUSE_SECONDS: Final = 5.0  # how long looks go to the threads after a slow one
_LOOK: Final = (
    "SELECT id, (SELECT last FROM run WHERE conversation = conversation.id ORDER BY first DESC LIMIT 1), floor"
    " FROM conversation WHERE scope = ? AND a = ? AND b = ?"
)
READERS: Final = 3  # SQLite reads from memory: more threads than cores only contend for the GIL


class SqliteBackend:
    """See `Backend`."""

    is_lost = False

    def __init__(self, url: URL, reactor: Any) -> None:
        self.dialect = SqliteDialect()
        self.path = Path(url.database or "")
        self.snapshot_options: dict[str, Any] = {}
        self.readers = ThreadPool(0, READERS, "storage")
        self.writers = ThreadPool(0, 1, "storage-writer")
        self.write_lock = WriteLock()
        self._file = DatabaseFile(self.path)
        self._engine = open_sqlite(url, READERS + 1, POOL_SECONDS)
        self._unsynced = open_sqlite(url, 1, POOL_SECONDS, synced=False)
        self.checkpoints = Checkpoints(self.own_connection, self.write_lock, self.readers, self.writers, reactor)
        self._locked_at = 0.0
        self._looking: sqlite3.Connection | None = None
        self._look_again_at = 0.0
        # Bound here: both are called for every batch of messages.
        self.check = self._file.check

    def engine(self, synced: bool = True) -> Engine:
        """See `Backend`."""
        return self._engine if synced else self._unsynced

    def own_connection(self) -> sqlite3.Connection:
        """A connection for whoever uses it on one thread at a time, and closes it."""
        raw: Any = self._engine.raw_connection()
        connection: sqlite3.Connection = raw.driver_connection
        raw.detach()
        return connection

    @contextmanager
    def patient_engine(self) -> Iterator[Engine]:
        """See `Backend`."""
        yield self._engine

    def serialised(self, transaction: Callable[[], Deferred[T]], synced: bool = True) -> Deferred[T]:
        """See `Backend`."""
        done: Deferred[T] = Deferred()
        asked = monotonic()

        def acquired() -> None:
            # Who waited while another process held the lock is refused with the one who waited for it: if each
            # waited for it after the other, the last would be told only after minutes.
            if asked < self._locked_at:
                done.errback(Unavailable())
                self.write_lock.release()
                return
            writing = transaction()
            # In this order: what follows from the commit is settled before the next writer begins.
            writing.chainDeferred(done)
            writing.addBoth(released)

        def released(_: object) -> None:
            self.write_lock.release()
            self.checkpoints.wrote(SMALL_PAGES if synced else LARGE_PAGES)

        self.write_lock.acquire(acquired)
        return done

    def conversation_here(self, key: Key) -> Conversation | None:
        """See `Backend`. While the disk is slow it is left to the threads, of which each may wait for it."""
        began = monotonic()
        if began < self._look_again_at:
            return None
        try:
            self.check()
            if self._looking is None:
                self._looking = self.own_connection()
                # Nothing may stop the reactor, and few pages are enough.
                self._looking.execute("PRAGMA busy_timeout=0")
                self._looking.execute(f"PRAGMA cache_size=-{LOOKING_KIB}")
            found = self._looking.execute(_LOOK, key).fetchone()
        except (Unavailable, sqlite3.Error, sql_errors.SQLAlchemyError):
            return None
        ended = monotonic()
        if ended - began > SLOW_SECONDS:
            self._look_again_at = ended + PAUSE_SECONDS
        return Conversation(found[0], *key, found[1] or 0, found[2]) if found else None

    def prepare(self) -> None:
        """See `Backend`."""
        self._file.prepare_folder()

    def save_before_upgrade(self, revision: str) -> None:
        """See `Backend`."""
        save_before_upgrade(self.path, revision)

    def opened(self) -> None:
        """See `Backend`."""
        self._file.remember()

    def lock(self) -> int:
        """See `Backend`."""
        return self._file.lock()

    def noticed(self, error: sql_errors.DBAPIError) -> None:
        """See `Backend`."""
        if "locked" in str(error.orig):
            self._locked_at = monotonic()

    def worth_another_try(self, error: sql_errors.DBAPIError) -> bool:
        """See `Backend`. Nobody else writes meanwhile."""
        return False

    def lost_race(self, error: sql_errors.DBAPIError) -> bool:
        """See `Backend`."""
        return False

    def waiting_may_help(self, error: sql_errors.DatabaseError | Unavailable) -> bool:
        """See `Backend`."""
        return False

    def stop(self) -> None:
        """See `Backend`."""
        if self._looking is not None:
            self._looking.close()
            self._looking = None
        self.checkpoints.stop()
        self._unsynced.dispose()
        self._engine.dispose()
