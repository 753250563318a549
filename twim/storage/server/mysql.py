"""What is only MySQL's and MariaDB's: how a connection is bounded, and the statements that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, select, text

from twim.storage.dialect import LockTimeout
from twim.storage.server import bounds
from twim.storage.server.dialect import ServerDialect
from twim.storage.server.unread_index import MysqlUnreadIndex
from twim.storage.unread import EVERYBODY, NOTHING

_CHUNK: Final = 400  # pairs in one IN (…)
_ROWS_BYTES: Final = 500_000  # of messages in one INSERT, unless a single one is longer: a packet may have 16 MiB
_TOGETHER: Final = 250  # conversations counted by one statement

# MySQL would read a conversation's index from its beginning for each: it takes `seq > x` from it only where x stands in
# the statement.
_COUNTS: Final = (
    ("silent AS s", "TRUE", "s"),
    ("named AS n JOIN silent AS s ON s.conversation = n.conversation AND s.seq = n.seq", "n.userid = {user}", "n"),
    ("named AS n", "n.userid = {user}", "n"),
    (
        "named AS n LEFT JOIN named AS m ON m.userid = {user} AND m.conversation = n.conversation AND m.seq = n.seq",
        f"n.userid = {EVERYBODY} AND m.userid IS NULL",
        "n",
    ),
)


def connect_arguments(patient: bool) -> dict[str, Any]:
    """The driver's arguments; a `patient` connection waits for answers and locks as long as it takes."""
    if patient:
        return {"connect_timeout": bounds.CONNECT_SECONDS}
    # The comment is for MariaDB alone. Strict, so that what doesn't fit is refused and not cut.
    session = (
        f"SET SESSION innodb_lock_wait_timeout={bounds.LOCK_SECONDS}, wait_timeout={bounds.SESSION_SECONDS}, "
        f"sql_mode='TRADITIONAL' /*M!100300 , idle_transaction_timeout={bounds.IDLE_SECONDS} */"
    )
    return {
        "connect_timeout": bounds.CONNECT_SECONDS,
        "read_timeout": bounds.ANSWER_SECONDS,
        "write_timeout": bounds.ANSWER_SECONDS,
        "init_command": session,
    }


class MysqlDialect(ServerDialect):
    """See `Dialect`."""

    # Row by row of what moves, by the primary key: otherwise a small table is read whole, and each row that is read is
    # locked, so that two servers' batches deadlock.
    _move_heads = (
        "UPDATE ({rows}) AS moved STRAIGHT_JOIN conversation FORCE INDEX (PRIMARY) ON conversation.id = moved.a"
        " SET conversation.head = moved.b"
    )
    _move_marks = (
        "UPDATE ({rows}) AS moved STRAIGHT_JOIN participant FORCE INDEX (PRIMARY) ON participant.userid = moved.a"
        " AND participant.conversation = moved.b SET participant.`read` = moved.c WHERE participant.`read` < moved.c"
    )

    def __init__(self) -> None:
        super().__init__(MysqlUnreadIndex())

    @contextmanager
    def schema_lock(self, connection: Connection, seconds: int) -> Iterator[None]:
        """See `Dialect`."""
        # The server's locks have no database of their own, but 64 characters of name.
        name = text("concat('twim ', md5(database()))")
        if connection.execute(text(f"SELECT GET_LOCK({name}, {seconds})")).scalar_one() != 1:
            raise LockTimeout
        try:
            yield
        finally:
            connection.execute(text(f"DO RELEASE_LOCK({name})"))

    # Values stand in the text, numbers as such and bytes as hexadecimal digits: as parameters the driver would escape
    # them one by one, in Python.

    def stored_cids(self, connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterator[Sequence[Any]]:
        """See `Dialect`."""
        for start in range(0, len(pairs), _CHUNK):
            asked = ",".join([f"({int(sender)},x'{cid.hex()}')" for sender, cid in pairs[start : start + _CHUNK]])
            yield from connection.exec_driver_sql(
                f"SELECT sender, cid, body FROM message WHERE (sender, cid) IN ({asked})"
            )

    def insert_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """See `Dialect`."""
        together: list[str] = []
        size = 0
        for row in rows:
            together.append(_values(row))
            size += len(row["body"])
            if size > _ROWS_BYTES:
                _insert(connection, together)
                together, size = [], 0
        if together:
            _insert(connection, together)

    def transaction_mark(self, connection: Connection) -> int:
        """See `Dialect`. MySQL tells no user which transactions run."""
        return 0

    def are_void(self, connection: Connection, ids: Column[int], gaps: Sequence[tuple[int, int]], mark: int) -> bool:
        """See `Dialect`. A statement takes the ids of its rows and inserts the first of them at once, which then is
        locked until its transaction ends: whoever wants to lock it as well waits for that."""
        for first, last in gaps:
            connection.execute(select(ids).where(ids >= first, ids <= last).with_for_update(read=True)).all()
        return True

    def list_unread(self, connection: Connection, listed: Select[Any], userid: int) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""
        # Of this transaction, which has read nothing yet: all its statements read one snapshot.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        lines = self.fetch(connection, listed, {"b_user": userid})
        marks = [(line[0], line[4]) for line in lines if line[3] > line[4]]
        counted = _count(connection, userid, marks)
        return [(*line, *counted.get(line[0], NOTHING)) for line in lines]


def _values(row: Mapping[str, Any]) -> str:
    cid, ref = row["cid"], row["ref"]
    stored_cid = f"x'{cid.hex()}'" if cid else "NULL"
    stored_ref = int(ref) if ref else "NULL"
    return (
        f"({row['conversation']:d},{row['seq']:d},{row['sender']:d},{stored_cid},{stored_ref},x'{row['body'].hex()}')"
    )


def _insert(connection: Connection, lines: Sequence[str]) -> None:
    connection.exec_driver_sql(
        f"INSERT INTO message (conversation, seq, sender, cid, ref, body) VALUES {','.join(lines)}"
    )


def _count(connection: Connection, userid: int, marks: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """`Counts` by conversation, for `(conversation id, mark)` each."""
    found: dict[int, list[int]] = {conversation_id: [0, 0, 0, 0] for conversation_id, _ in marks}
    for start in range(0, len(marks), _TOGETHER):
        some = marks[start : start + _TOGETHER]
        for number, (source, where, name) in enumerate(_COUNTS):
            after_marks = " OR ".join(
                f"({name}.conversation = {int(conversation_id)} AND {name}.seq > {int(mark)})"
                for conversation_id, mark in some
            )
            counted = f"SELECT {name}.conversation, count(*) FROM {source} WHERE {where} AND ({after_marks}) GROUP BY 1"
            for conversation_id, count in connection.exec_driver_sql(counted.format(user=int(userid))):
                found[conversation_id][number] = count
    return found
