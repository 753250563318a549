"""What a transaction says to SQLite, where one process writes and a statement costs no round trip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, delete, insert, update

from twim.storage.conversation_table import make_all
from twim.storage.interface import Conversation, Key
from twim.storage.schema import conversation, message, meta
from twim.storage.sqlite import driver, index_writing
from twim.storage.sqlite.cid_index import CID_KEY, CidIndex
from twim.storage.sqlite.message_index import RunIndex
from twim.storage.sqlite.unread_index import SqliteUnreadIndex
from twim.storage.unread import with_counts
from twim.storage.written_through import THROUGH

_CHUNK: Final = 300  # rows of values in one statement: SQLite takes 32,766 parameters, older ones 999

_BODY: Final = "SELECT body FROM message WHERE id = ?"
_CONVERSATION_IDS: Final = (
    "WITH asked(scope, a, b) AS (VALUES {values}) SELECT c.scope, c.a, c.b, c.id FROM asked"
    " CROSS JOIN conversation AS c ON c.scope = asked.scope AND c.a = asked.a AND c.b = asked.b"
)
_HEADS: Final = (
    "WITH asked(id) AS (VALUES {values}) SELECT id, (SELECT last FROM run"
    " WHERE conversation = asked.id ORDER BY first DESC LIMIT 1) FROM asked"
)
_insert = insert(message)


def _of_each(
    connection: Connection, statement: str, row: str, asked: Sequence[tuple[Any, ...]]
) -> Iterator[Sequence[Any]]:
    """What `statement` finds of the rows of values that it names `asked`, each written as `row`."""
    for start in range(0, len(asked), _CHUNK):
        chunk = asked[start : start + _CHUNK]
        values = ",".join([row] * len(chunk))
        yield from connection.exec_driver_sql(statement.format(values=values), tuple(chain(*chunk)))


class SqliteDialect:
    """See `Dialect`."""

    defers_index = True
    commits_in_order = True
    holding_seconds = 0.001

    def __init__(self) -> None:
        self.messages = RunIndex()
        self.unread = SqliteUnreadIndex()
        self.cids = CidIndex()
        self._texts: dict[Select[Any], driver.Text] = {}

    def fetch(
        self, connection: Connection, statement: Select[Any], parameters: Mapping[str, int]
    ) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""
        text = self._texts.get(statement)
        if text is None:
            text = self._texts[statement] = driver.Text(statement)
        return driver.fetch(connection, text.sql, text.arguments(parameters))

    @contextmanager
    def schema_lock(self, connection: Connection, seconds: int) -> Iterator[None]:
        """See `Dialect`. The connection was opened with `write=True`, so its transaction takes the write lock."""
        connection.begin()
        yield

    def write_index(self, connection: Connection) -> None:
        """See `Dialect`."""
        index_writing.write_index(connection, self.cids)

    def conversation_ids(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
        """See `Dialect`."""
        found = _of_each(connection, _CONVERSATION_IDS, "(?,?,?)", keys)
        return {(scope, a, b): one for scope, a, b, one in found}

    def make_missing(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
        """See `Dialect`."""
        return make_all(self, connection, keys)

    def heads(self, connection: Connection, conversation_ids: Iterable[int]) -> dict[int, int]:
        """See `Dialect`. No lock: this process alone appends."""
        found = _of_each(connection, _HEADS, "(?)", [(one,) for one in conversation_ids])
        return {one: head or 0 for one, head in found}

    heads_without_lock = heads

    def stored_cids(self, connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterator[Sequence[Any]]:
        """See `Dialect`."""
        execute = driver.executing(connection)
        for sender, cid in pairs:
            found = self.cids.find(execute, sender, cid)
            if found is not None:
                yield sender, cid, execute(_BODY, (found,))[0][0]

    def insert_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """See `Dialect`."""
        connection.execute(_insert, rows)

    def store_unread(
        self, connection: Connection, silent: Iterable[tuple[int, int]], named: Iterable[tuple[int, int, int]]
    ) -> None:
        """See `Dialect`. Deferred: `write_index` does it."""

    def move_heads(self, connection: Connection, heads: Iterable[tuple[int, int]]) -> None:
        """See `Dialect`. Heads are read from the log here."""

    def mark_senders(self, connection: Connection, marks: Iterable[tuple[int, int, int]]) -> bool:
        """See `Dialect`. Deferred: `write_index` does it."""
        return True

    def list_unread(self, connection: Connection, listed: Select[Any], userid: int) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""
        return self.fetch(connection, with_counts(listed), {"b_user": userid})

    def transaction_mark(self, connection: Connection) -> int:
        """See `Dialect`. One process writes, one transaction after the other."""
        return 0

    def are_void(self, connection: Connection, ids: Column[int], gaps: Sequence[tuple[int, int]], mark: int) -> bool:
        """See `Dialect`."""
        return True

    def finish_copy(self, connection: Connection, source_defers_index: bool) -> None:
        """See `Dialect`."""
        connection.execute(delete(meta).where(meta.c.name.in_([THROUGH, CID_KEY])))
        self.write_index(connection)
        connection.execute(update(conversation).values(head=0))
