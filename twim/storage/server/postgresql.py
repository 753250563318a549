"""What is only PostgreSQL's: how a connection is bounded, and the statements that differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, text
from sqlalchemy.exc import OperationalError

from twim.storage.dialect import LockTimeout
from twim.storage.schema import metadata
from twim.storage.server import bounds
from twim.storage.server.dialect import ServerDialect
from twim.storage.server.unread_index import PostgresqlUnreadIndex
from twim.storage.unread import with_counts

_SCHEMA_LOCK: Final = 0x7477696D  # "twim": advisory locks are numbers
_LOCK_NOT_AVAILABLE: Final = "55P03"
_COLUMNS: Final = ("conversation", "seq", "sender", "cid", "ref", "body")
# A row at a time takes three times as long.
_INSERT: Final = (
    "INSERT INTO message (conversation, seq, sender, cid, ref, body)"
    " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bytea[])"
)
# The index isn't used for a list of pairs: everything would be read.
_STORED_CIDS: Final = (
    "SELECT m.sender, m.cid, m.body FROM unnest(%s::bigint[], %s::bytea[]) AS asked(sender, cid)"
    " JOIN message AS m ON m.sender = asked.sender AND m.cid = asked.cid AND m.cid IS NOT NULL"
)


def connect_arguments(patient: bool) -> dict[str, Any]:
    """The driver's arguments; a `patient` connection waits for answers and locks as long as it takes."""
    if patient:
        return {"connect_timeout": bounds.CONNECT_SECONDS}
    session = {
        "lock_timeout": bounds.LOCK_SECONDS,
        "statement_timeout": bounds.ANSWER_SECONDS,
        "idle_in_transaction_session_timeout": bounds.IDLE_SECONDS,
    }
    options = " ".join(f"-c {name}={seconds}s" for name, seconds in session.items())
    return {"connect_timeout": bounds.CONNECT_SECONDS, "options": options}


def connect_bounded(_dialect: object, _record: object, arguments: Any, named: Any) -> Any:
    """SQLAlchemy's hook: connect in such a way that every answer is waited for only so long."""
    # The driver is an extra, which other databases do without.
    from twim.storage.server.bounded_connection import BoundedConnection

    return BoundedConnection.connect(*arguments, **named)


class PostgresqlDialect(ServerDialect):
    """See `Dialect`."""

    _move_heads = "UPDATE conversation SET head = moved.b FROM ({rows}) AS moved WHERE conversation.id = moved.a"
    _move_marks = (
        "UPDATE participant SET read = moved.c FROM ({rows}) AS moved WHERE participant.userid = moved.a"
        " AND participant.conversation = moved.b AND read < moved.c"
    )

    def __init__(self) -> None:
        super().__init__(PostgresqlUnreadIndex())

    @contextmanager
    def schema_lock(self, connection: Connection, seconds: int) -> Iterator[None]:
        """See `Dialect`."""
        connection.execute(text(f"SET LOCAL lock_timeout = '{seconds}s'"))
        try:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise LockTimeout from error
        yield

    def stored_cids(self, connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterable[Sequence[Any]]:
        """See `Dialect`."""
        if not pairs:
            return ()
        senders, cids = zip(*pairs, strict=True)
        return connection.exec_driver_sql(_STORED_CIDS, (list(senders), list(cids)))

    def insert_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """See `Dialect`."""
        if len(rows) > 1:
            connection.exec_driver_sql(_INSERT, tuple([row[name] for row in rows] for name in _COLUMNS))
        else:
            super().insert_messages(connection, rows)

    def list_unread(self, connection: Connection, listed: Select[Any], userid: int) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""
        return self.fetch(connection, with_counts(listed), {"b_user": userid})

    def transaction_mark(self, connection: Connection) -> int:
        """See `Dialect`. No transaction with this number or a higher one had ended yet."""
        return int(connection.exec_driver_sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").scalar_one())

    def are_void(self, connection: Connection, ids: Column[int], gaps: Sequence[tuple[int, int]], mark: int) -> bool:
        """See `Dialect`. Whatever inserts a row has locked another one before, and so has its number before the row
        has its id: all of them with lower numbers than the mark have ended."""
        oldest = connection.exec_driver_sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").scalar_one()
        return int(oldest) >= mark

    def finish_copy(self, connection: Connection, source_defers_index: bool) -> None:
        """See `Dialect`."""
        for table in metadata.sorted_tables:
            if "id" in table.columns:
                next_id = f'SELECT coalesce(max(id), 0) + 1 FROM "{table.name}"'
                sequence = f"pg_get_serial_sequence('\"{table.name}\"', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, ({next_id}), false)"))
        super().finish_copy(connection, source_defers_index)
