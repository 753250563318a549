"""Databases for tests: each run makes one of its own on every server, and drops it at the end.

`TWIM_TEST_MYSQL` and `TWIM_TEST_POSTGRESQL` are URLs of other servers (``mysql://root@127.0.0.1:3306``); the user must
be allowed to create databases. Where none can be reached the tests are skipped, or fail under `TWIM_TEST_NO_SKIP=1`.
"""

from __future__ import annotations

import atexit
import os
import secrets
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from unittest import SkipTest

from sqlalchemy import create_engine
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL

from twim.storage.engine import open_engine, parse_url
from twim.storage.migrations import migrate
from twim.storage.schema import counted, metadata


class Server(NamedTuple):
    """A database server that tests use."""

    name: str
    variable: str
    default: str
    entry: str
    package: str

    def url(self, database: str) -> URL:
        """The URL of one of its databases."""
        given = os.environ.get(self.variable, self.default)
        base = given if given.partition("://")[2].count("/") else f"{given}/{self.entry}"
        return parse_url(base).set(database=database)


MYSQL: Final = Server("MariaDB", "TWIM_TEST_MYSQL", "mysql://root@127.0.0.1:3306", "mysql", "mariadb-server")
POSTGRESQL: Final = Server(
    "PostgreSQL", "TWIM_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432", "postgres", "postgresql"
)
_shared: dict[str, URL] = {}


def empty_database(server: Server) -> URL:
    """A new database without tables, dropped when the run ends. `SkipTest` when the server can't be reached."""
    name = f"twim_test_{secrets.token_hex(4)}"
    try:
        _administer(server, f"CREATE DATABASE {name}")
    except sql_errors.OperationalError as error:
        why = f"no {server.name}: install the package {server.package} or set {server.variable} ({error.orig})"
        if os.environ.get("TWIM_TEST_NO_SKIP") == "1":
            raise AssertionError(why) from error
        raise SkipTest(why) from None
    atexit.register(_drop, server, name)
    return server.url(name)


def sqlite_database(path: Path) -> URL:
    """A new SQLite database at `path` with the newest schema and nothing in it, not even what its opening adds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_bytes(_newest_schema())
    return parse_url(f"sqlite:///{path.absolute()}")


@cache
def _newest_schema() -> bytes:
    """The file of such a database: made once, since all of its migrations take longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "im.db"
        engine = open_engine(parse_url(f"sqlite:///{path}"), 1, patient=True)
        migrate(engine, lambda connection: None)
        engine.dispose()
        return path.read_bytes()


def shared_database(server: Server) -> URL:
    """One database for all tests of the run, its tables empty."""
    if server.name not in _shared:
        url = empty_database(server)
        engine = open_engine(url, 1, patient=True)
        migrate(engine, lambda connection: None)
        engine.dispose()
        _shared[server.name] = url
    url = _shared[server.name]
    engine = open_engine(url, 1)
    with engine.begin() as connection:
        for table in (*metadata.sorted_tables, *counted.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return url


def _drop(server: Server, name: str) -> None:
    force = " WITH (FORCE)" if server is POSTGRESQL else ""
    _administer(server, f"DROP DATABASE {name}{force}")


def _administer(server: Server, statement: str) -> None:
    engine = create_engine(server.url(server.entry), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
