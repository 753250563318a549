"""SQLAlchemy engines of SQLite: a commit is on disk when it returns, and a transaction that writes takes the write lock
at its start, so that it can't fail halfway because another writer was faster."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

BUSY_SECONDS: Final = 5.0  # how long a thread waits for another process's lock before it refuses
CACHE_KIB: Final = 64 * 1024  # page cache of one connection
CHECKPOINT_PAGES: Final = 32_000  # of the WAL, 128 MiB: then whoever commits copies it back (see `checkpoints`)


def open_sqlite(url: URL, connections: int, pool_seconds: float, synced: bool = True) -> Engine:
    """An engine of at most `connections` connections. With `synced` off a commit is on disk only when a later one of
    another engine is: for what can be made again."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=pool_seconds,
        # Every connection is used by one thread at a time, but not always by the same one.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 256},
    )
    # FULL syncs the WAL at every commit; after NORMAL the power's failure undoes the last ones.
    event.listen(engine, "connect", partial(_prepare, "FULL" if synced else "NORMAL"))
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(synchronous: str, connection: Any, _record: object) -> None:
    # None: the driver starts no transaction by itself; `_begin` does, with the lock it needs.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
