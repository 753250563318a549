"""The database, opened to be read and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy import exc as sql_errors
from sqlalchemy.pool import NullPool

from twim.storage.engine import open_engine, parse_url

BUSY_SECONDS: Final = 2.0  # how long another program's lock on a SQLite file is waited for


class Unreadable(Exception):
    """The database can't be read; the text says why, for the operator."""


class DatabaseReader:
    """The database at `url`. `path` is its file on SQLite, None on a server."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.path = Path(self.url.database or "") if self.url.drivername == "sqlite" else None
        self._unreachable: Unreadable | None = None

    @property
    def shown(self) -> str:
        """How it may be called in a text that others see."""
        return str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)

    @property
    def is_missing(self) -> bool:
        """Whether it is a SQLite file that no server has made yet."""
        return self.path is not None and (not self.path.exists() or not self.path.stat().st_size)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection. `Unreadable` when there is none, or when a statement fails; a server that couldn't be reached
        once isn't waited for again."""
        if self._unreachable is not None:
            raise self._unreachable
        if self.is_missing:
            raise Unreadable("no server has made it yet")
        engine = self._engine()
        try:
            with self._connected(engine) as connection:
                yield connection
        except sql_errors.DBAPIError as error:
            raise Unreadable(_why(error)) from error
        finally:
            engine.dispose()

    def _connected(self, engine: Engine) -> Connection:
        try:
            return engine.connect()
        except (sql_errors.DBAPIError, sql_errors.TimeoutError) as error:
            self._unreachable = Unreadable(_why(error))
            raise self._unreachable from error

    def _engine(self) -> Engine:
        path = self.path
        if path is None:
            return open_engine(self.url, 1)

        def connect() -> sqlite3.Connection:
            # Without a log beside it nobody uses the database. Then SQLite must not make one, as it does for a reader.
            alone = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
            return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{alone}", BUSY_SECONDS, uri=True)

        return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _why(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())
