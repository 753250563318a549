"""Writes the tables by which unread messages are counted, on a database server. Whom a message names is found out here,
by decoding the message."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text

from twim.storage.unread import names
from twim.storage.unread_index import UnreadIndex
from twim.wire.message import decode_shown

_PIECE: Final = 1_000  # messages decoded at a time


class ServerUnreadIndex(UnreadIndex):
    """See `UnreadIndex`."""

    insert_new_row: str
    """An SQL statement: insert one row, written as `{into}`, unless it is there."""

    def derive(self, connection: Connection, after: int, up_to: int) -> None:
        """See `UnreadIndex`."""
        self._run(connection, f"message.id > {int(after)} AND message.id <= {int(up_to)}")
        self._derive_names(connection, after, up_to)

    def _derive_names(self, connection: Connection, after: int, up_to: int) -> None:
        wanted = (
            "SELECT id, conversation, seq, body FROM message WHERE id > :after AND id <= :up_to"
            f" AND ({self._names_somebody()} OR {self._is_removal()}) ORDER BY id LIMIT {_PIECE}"
        )
        into = "INTO named (userid, conversation, seq) VALUES (:userid, :conversation, :seq)"
        store = self.insert_new_row.format(into=into)
        while True:
            found = connection.execute(text(wanted), {"after": after, "up_to": up_to}).all()
            rows = [
                {"userid": userid, "conversation": line.conversation, "seq": line.seq}
                for line in found
                for userid in names(decode_shown(bytes(line.body)))
            ]
            if rows:
                connection.execute(text(store), rows)
            if len(found) < _PIECE:
                return
            after = found[-1].id


class MysqlUnreadIndex(ServerUnreadIndex):
    """For MySQL and MariaDB."""

    contains = "LOCATE(x'{hex}', substring(body, 1, {first})) > 0"
    insert_new = "INSERT IGNORE INTO {into} SELECT {what}"
    insert_new_row = "INSERT IGNORE {into}"


class PostgresqlUnreadIndex(ServerUnreadIndex):
    """For PostgreSQL."""

    contains = "position(decode('{hex}', 'hex') in substring(body from 1 for {first})) > 0"
    insert_new = "INSERT INTO {into} SELECT {what} ON CONFLICT DO NOTHING"
    insert_new_row = "INSERT {into} ON CONFLICT DO NOTHING"
