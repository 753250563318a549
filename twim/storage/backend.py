"""How a database of one kind is reached, as a role: its connections, its threads, and what its errors mean.

`sqlite.backend` and `server.backend` play it; `backends` chooses one by the database's URL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool

from twim.errors import Unavailable
from twim.storage.dialect import Dialect
from twim.storage.interface import Conversation, Key

T = TypeVar("T")

UNUSABLE: Final = (
    sql_errors.OperationalError,
    sql_errors.InterfaceError,
    sql_errors.InternalError,
)


class CannotOpen(Exception):
    """The database can't be used at all; the text is for the operator."""


class InUse(CannotOpen):
    """Another process holds the lock on it: a server, or a command that keeps servers away."""


class Backend(Protocol):
    """One database, as its kind is reached."""

    @property
    def dialect(self) -> Dialect:
        """The statements in which its transactions differ from those of other kinds."""

    @property
    def path(self) -> Path | None:
        """The file in which it is kept, if it is kept in one."""

    @property
    def snapshot_options(self) -> Mapping[str, Any]:
        """The execution options of a transaction that reads one state from its beginning to its end."""

    @property
    def readers(self) -> ThreadPool:
        """The threads in which transactions read."""

    @property
    def writers(self) -> ThreadPool:
        """The threads in which transactions write; they may be the same."""

    @property
    def is_lost(self) -> bool:
        """Whether it is known that the database can't be reached now."""

    def engine(self, synced: bool = True) -> Engine:
        """The engine of its connections. With `synced` off a crash may undo what was committed, where that makes a
        difference."""

    def patient_engine(self) -> AbstractContextManager[Engine]:
        """A connection on which a change of the schema may wait for another node's."""

    def serialised(self, transaction: Callable[[], Deferred[T]], synced: bool = True) -> Deferred[T]:
        """Begin `transaction`, which writes, when it may: at once where the database itself orders its writers. With
        `synced` off it is one that `engine` gives such a connection to, and may be large."""

    def conversation_here(self, key: Key) -> Conversation | None:
        """The conversation of `key` with its head, where that is looked up faster than a thread is told; None when it
        has to be looked for, and perhaps isn't stored. Reactor thread only. What counts for its head are indexed
        messages alone."""

    def prepare(self) -> None:
        """Make what has to be there before the database is opened. `CannotOpen` when that can't be."""

    def save_before_upgrade(self, revision: str) -> None:
        """Keep the database as it is, with the schema `revision`, where the program can. `CannotOpen` when that
        fails."""

    def opened(self) -> None:
        """The database has been opened for the first time."""

    def lock(self) -> int | None:
        """Take the lock that keeps a second server off, where one server alone may use the database; the descriptor
        holds it. `CannotOpen` when another server has it."""

    def check(self) -> None:
        """Raise `Unavailable` if the database must not be used now."""

    def noticed(self, error: sql_errors.DBAPIError) -> None:
        """A transaction was refused with `Unavailable` because of this error. Reactor thread only."""

    def worth_another_try(self, error: sql_errors.DBAPIError) -> bool:
        """Whether another transaction was in the way, so that the same may succeed now."""

    def lost_race(self, error: sql_errors.DBAPIError) -> bool:
        """Whether other transactions were faster, as against one that keeps a lock: the database is there."""

    def waiting_may_help(self, error: sql_errors.DatabaseError | Unavailable) -> bool:
        """Whether it may become usable by itself after this error at its opening."""

    def stop(self) -> None:
        """Close its connections and end what it waits for; its threads have ended."""


def unusable(error: sql_errors.DBAPIError) -> bool:
    """Whether the database couldn't do its work, as against refusing a statement."""
    return error.connection_invalidated or isinstance(error, UNUSABLE)
