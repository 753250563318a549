"""SQLAlchemy engines: how each database is opened so that a commit is on disk and text is whole UTF-8.

A transaction that writes asks for ``execution_options(write=True)``: on SQLite it then takes the write lock at its
start, so that it can't fail halfway because another writer was faster.

A database server may hang, or the network to it swallow everything: nothing waits for it longer than
`ANSWER_SECONDS`. And a server program that dies holding locks must not keep them: the database ends its transaction
after `IDLE_SECONDS`.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

SQLITE_BUSY_SECONDS: Final = 5.0  # how long a thread waits for another process's lock before it refuses
SQLITE_CACHE_KIB: Final = 64 * 1024  # page cache of one connection
SQLITE_CHECKPOINT_PAGES: Final = 8_000  # the WAL is copied back after 32 MiB, so a page written often is copied once
POOL_SECONDS: Final = 5  # how long a thread waits for a free connection; there is one for each
RECYCLE_SECONDS: Final = 240  # below the idle time-outs of servers and the firewalls before them
CONNECT_SECONDS: Final = 3  # with ANSWER_SECONDS the longest that a send waits before it is refused
ANSWER_SECONDS: Final = 4  # how long a statement may take; all of ours take milliseconds
LOCK_SECONDS: Final = 2  # how long a statement waits for another transaction's lock; less than ANSWER_SECONDS
IDLE_SECONDS: Final = 10  # how long a transaction may do nothing
SESSION_SECONDS: Final = 600  # how long MySQL keeps an idle connection, and on old servers an idle transaction

DRIVERS: Final = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


def parse_url(text: str) -> URL:
    """The database URL with the driver this server uses. `ValueError` when it is none we know."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(f"not a database URL: {text!r}") from None
    kind = url.drivername.partition("+")[0]
    if kind not in DRIVERS:
        raise ValueError(f"no database {kind!r}: use sqlite, mysql or postgresql")
    if kind == "sqlite" and not url.database:
        raise ValueError("a sqlite URL names a file: sqlite:///path/to/im.db")
    url = url.set(drivername=DRIVERS[kind])
    module = url.drivername.partition("+")[2]
    if module and find_spec(module) is None:
        extra = "mysql" if module == "pymysql" else "postgresql"
        raise ValueError(f"{kind} needs the package {module}: pip install 'twim[{extra}]'")
    if kind != "sqlite" and not url.database:
        raise ValueError(f"a {kind} URL names a database: {kind}://USER:PASSWORD@HOST/NAME")
    return url


def open_engine(url: URL, connections: int, patient: bool = False, synced: bool = True) -> Engine:
    """An engine of at most `connections` connections. Connects only when first used. A `patient` one waits for
    answers and locks as long as it takes: for work on whole tables. With `synced` off, of SQLite alone, a commit is on
    disk only when a later one of another engine is: for what can be made again."""
    if url.drivername == "sqlite":
        return _open_sqlite(url, connections, synced)
    if url.drivername.startswith("mysql"):
        url = url.update_query_dict({"charset": "utf8mb4"})
        arguments = _mysql_arguments(patient)
    else:
        arguments = _postgresql_arguments(patient)
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
        pool_recycle=RECYCLE_SECONDS,
        isolation_level="READ COMMITTED",
        connect_args=arguments,
    )
    if engine.dialect.name == "postgresql" and not patient:
        event.listen(engine, "do_connect", _connect_bounded)
    return engine


def _mysql_arguments(patient: bool) -> dict[str, Any]:
    if patient:
        return {"connect_timeout": CONNECT_SECONDS}
    # The comment is for MariaDB alone. Strict, so that what doesn't fit is refused and not cut.
    bounds = (
        f"SET SESSION innodb_lock_wait_timeout={LOCK_SECONDS}, wait_timeout={SESSION_SECONDS}, "
        f"sql_mode='TRADITIONAL' /*M!100300 , idle_transaction_timeout={IDLE_SECONDS} */"
    )
    return {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": ANSWER_SECONDS,
        "write_timeout": ANSWER_SECONDS,
        "init_command": bounds,
    }


def _postgresql_arguments(patient: bool) -> dict[str, Any]:
    if patient:
        return {"connect_timeout": CONNECT_SECONDS}
    bounds = {
        "lock_timeout": LOCK_SECONDS,
        "statement_timeout": ANSWER_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    options = " ".join(f"-c {name}={seconds}s" for name, seconds in bounds.items())
    return {"connect_timeout": CONNECT_SECONDS, "options": options}


def _connect_bounded(_dialect: object, _record: object, arguments: Any, named: Any) -> Any:
    from twim.storage.postgresql import BoundedConnection

    return BoundedConnection.connect(*arguments, **named)


def _open_sqlite(url: URL, connections: int, synced: bool) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        # Every connection is used by one thread at a time, but not always by the same one.
        connect_args={"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False, "cached_statements": 256},
    )
    # FULL syncs the WAL at every commit; after NORMAL the power's failure undoes the last ones.
    event.listen(engine, "connect", partial(_prepare_sqlite, "FULL" if synced else "NORMAL"))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(synchronous: str, connection: Any, _record: object) -> None:
    # None: the driver starts no transaction by itself; `_begin_sqlite` does, with the lock it needs.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute(f"PRAGMA cache_size=-{SQLITE_CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={SQLITE_CHECKPOINT_PAGES}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
