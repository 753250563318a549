"""How a database server is reached: by several threads at once, any of which may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import Engine
from sqlalchemy import exc as sql_errors
from sqlalchemy.engine import URL
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from twim.errors import Unavailable
from twim.storage.engine import open_engine
from twim.storage.interface import Conversation, Key
from twim.storage.server import errors
from twim.storage.server.dialect import ServerDialect
from twim.storage.server.outage import Outage

T = TypeVar("T")

THREADS: Final = 6  # transactions that run at once


class ServerBackend:
    """See `Backend`."""

    path = None

    def __init__(self, url: URL, dialect: ServerDialect, reactor: Any) -> None:
        self.dialect = dialect
        self.snapshot_options = {"isolation_level": "REPEATABLE READ"}
        self.readers = self.writers = ThreadPool(0, THREADS, "storage")
        self._url = url
        self._engine = open_engine(url, THREADS + 1)
        self._outage = Outage(self._engine, self.readers, reactor)

    @property
    def is_lost(self) -> bool:
        """See `Backend`."""
        return self._outage.is_lost

    def engine(self, synced: bool = True) -> Engine:
        """See `Backend`."""
        return self._engine

    @contextmanager
    def patient_engine(self) -> Iterator[Engine]:
        """See `Backend`. This waits longer than a message may."""
        engine = open_engine(self._url, 1, patient=True)
        try:
            yield engine
        finally:
            engine.dispose()

    def serialised(self, transaction: Callable[[], Deferred[T]], synced: bool = True) -> Deferred[T]:
        """See `Backend`."""
        return transaction()

    def conversation_here(self, key: Key) -> Conversation | None:
        """See `Backend`. Asking a server means waiting for it."""
        return None

    def prepare(self) -> None:
        """See `Backend`. The operator has made the database."""

    def save_before_upgrade(self, revision: str) -> None:
        """See `Backend`. That is for the database's own tools."""

    def opened(self) -> None:
        """See `Backend`."""

    def lock(self) -> None:
        """See `Backend`. Many nodes may share it."""

    def check(self) -> None:
        """See `Backend`."""

    def noticed(self, error: sql_errors.DBAPIError) -> None:
        """See `Backend`."""
        if errors.unavailable(error):
            self._outage.begin()

    def worth_another_try(self, error: sql_errors.DBAPIError) -> bool:
        """See `Backend`. Another server may also have inserted the same."""
        return errors.may_try_again(error) or isinstance(error, sql_errors.IntegrityError)

    def lost_race(self, error: sql_errors.DBAPIError) -> bool:
        """See `Backend`."""
        return errors.lost_race(error)

    def waiting_may_help(self, error: sql_errors.DatabaseError | Unavailable) -> bool:
        """See `Backend`."""
        return isinstance(error, Unavailable) or errors.unavailable(error)

    def stop(self) -> None:
        """See `Backend`."""
        self._outage.stop()
        self._engine.dispose()
