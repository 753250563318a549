"""Heads and read marks moved forward, for many conversations in one statement.

A statement per row would be a round trip per row to a database server: a batch of 2,000 messages would take seconds.
SQLite has no round trips and takes them one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, update

from twim.storage.schema import participant

_CHUNK: Final = 500  # rows in one statement

# On MySQL row by row of what moves, by the primary key: otherwise a small table is read whole, and each row that is
# read is locked, so that two servers' batches wait for each other in a circle.
_HEADS: Final = {
    "mysql": (
        "UPDATE ({rows}) AS moved STRAIGHT_JOIN conversation FORCE INDEX (PRIMARY) ON conversation.id = moved.a"
        " SET conversation.head = moved.b"
    ),
    "postgresql": "UPDATE conversation SET head = moved.b FROM ({rows}) AS moved WHERE conversation.id = moved.a",
}
_MARKS: Final = {
    "mysql": (
        "UPDATE ({rows}) AS moved STRAIGHT_JOIN participant FORCE INDEX (PRIMARY) ON participant.userid = moved.a"
        " AND participant.conversation = moved.b SET participant.`read` = moved.c WHERE participant.`read` < moved.c"
    ),
    "postgresql": (
        "UPDATE participant SET read = moved.c FROM ({rows}) AS moved WHERE participant.userid = moved.a"
        " AND participant.conversation = moved.b AND read < moved.c"
    ),
}
_forward = (
    update(participant)
    .where(
        participant.c.userid == bindparam("b_user"),
        participant.c.conversation == bindparam("b_place"),
        participant.c.read < bindparam("b_seq"),
    )
    .values(read=bindparam("b_seq"))
)


def move_heads(connection: Connection, heads: Iterable[tuple[int, int]]) -> None:
    """Store the newest seq of conversations whose rows are locked: `(conversation id, seq)` each. Not for SQLite,
    which reads it from the log."""
    _move(connection, _HEADS, sorted(heads))


def move_marks(connection: Connection, marks: Iterable[tuple[int, int, int]]) -> None:
    """Move read marks forward: `(userid, conversation id, seq)` each. None goes back."""
    rows = sorted(marks)
    if connection.dialect.name == "sqlite":
        if rows:
            connection.execute(_forward, [{"b_user": u, "b_place": p, "b_seq": s} for u, p, s in rows])
    else:
        _move(connection, _MARKS, rows)


def _move(connection: Connection, statement: dict[str, str], rows: Sequence[tuple[int, ...]]) -> None:
    # The numbers stand in the text: as parameters they would be escaped and sent one by one.
    kind = "mysql" if connection.dialect.name in ("mysql", "mariadb") else "postgresql"
    for start in range(0, len(rows), _CHUNK):
        lines = [_line(row) for row in rows[start : start + _CHUNK]]
        connection.exec_driver_sql(statement[kind].format(rows=" UNION ALL ".join(lines)))


def _line(row: tuple[int, ...]) -> str:
    return "SELECT " + ",".join(f"{int(value)} AS {name}" for name, value in zip("abc", row, strict=False))
