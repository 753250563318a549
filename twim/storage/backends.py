"""The kinds of databases: the one place where SQLite, MySQL and PostgreSQL are told apart."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import URL

from twim.storage.backend import Backend
from twim.storage.dialect import Dialect
from twim.storage.server.backend import ServerBackend
from twim.storage.server.dialect import ServerDialect
from twim.storage.server.mysql import MysqlDialect
from twim.storage.server.postgresql import PostgresqlDialect
from twim.storage.sqlite.backend import SqliteBackend
from twim.storage.sqlite.dialect import SqliteDialect


def backend_for(url: URL, reactor: Any) -> Backend:
    """How the database at `url` is reached."""
    if url.drivername == "sqlite":
        return SqliteBackend(url, reactor)
    return ServerBackend(url, _server_dialect(url.drivername.partition("+")[0]), reactor)


def dialect_named(name: str) -> Dialect:
    """The dialect of a database that SQLAlchemy calls so."""
    return SqliteDialect() if name == "sqlite" else _server_dialect(name)


def _server_dialect(name: str) -> ServerDialect:
    return PostgresqlDialect() if name == "postgresql" else MysqlDialect()
