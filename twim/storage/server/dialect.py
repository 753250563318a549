"""The dialect of database servers, which several nodes may share. The indexes are written together with the messages.

`mysql` and `postgresql` add what differs between the two.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import product
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, delete, func, insert, select, tuple_, update

from twim.storage import unread
from twim.storage.conversation_table import make_each
from twim.storage.interface import Conversation, Key
from twim.storage.schema import conversation, message, meta
from twim.storage.server.message_index import ColumnIndex
from twim.storage.server.moving import move
from twim.storage.unread_index import UnreadIndex
from twim.storage.written_through import THROUGH, newest_id, set_written_through, written_through

_CHUNK: Final = 400  # ids in one IN (…)
_insert = insert(message)


class ServerDialect(ABC):
    """See `Dialect`."""

    defers_index = False
    commits_in_order = False
    holding_seconds = 0.02
    _move_heads: str
    _move_marks: str

    def __init__(self, unread_index: UnreadIndex) -> None:
        self.messages = ColumnIndex()
        self.unread = unread_index

    def fetch(
        self, connection: Connection, statement: Select[Any], parameters: Mapping[str, int]
    ) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""
        return connection.execute(statement, parameters).all()

    @abstractmethod
    def schema_lock(self, connection: Connection, seconds: int) -> AbstractContextManager[None]:
        """See `Dialect`."""

    @abstractmethod
    def stored_cids(self, connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterable[Sequence[Any]]:
        """See `Dialect`."""

    @abstractmethod
    def list_unread(self, connection: Connection, listed: Select[Any], userid: int) -> Sequence[Sequence[Any]]:
        """See `Dialect`."""

    def write_index(self, connection: Connection) -> None:  # noqa: B027 - it is meant to do nothing
        """See `Dialect`. Nothing is deferred here."""

    def conversation_ids(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
        """See `Dialect`."""
        stored = select(conversation.c.scope, conversation.c.a, conversation.c.b, conversation.c.id)
        found: dict[Key, int] = {}
        for scope, start in product({key[0] for key in keys}, range(0, len(keys), _CHUNK)):
            # The scope apart: MariaDB then finds the pairs by the index.
            pairs = [key[1:] for key in keys[start : start + _CHUNK] if key[0] == scope]
            if pairs:
                asked = (conversation.c.scope == scope, tuple_(conversation.c.a, conversation.c.b).in_(pairs))
                found.update(((one, a, b), its_id) for one, a, b, its_id in connection.execute(stored.where(*asked)))
        return found

    def make_missing(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
        """See `Dialect`."""
        return make_each(self, connection, keys)

    def heads(self, connection: Connection, conversation_ids: Iterable[int]) -> dict[int, int]:
        """See `Dialect`. Locked in the order of ids, so that two batches never wait for each other."""
        ordered = sorted(conversation_ids)
        found: dict[int, int] = {}
        for start in range(0, len(ordered), _CHUNK):
            # As text: expanding an IN (…) of parameters takes longer than the statement.
            ids = ",".join([str(int(one)) for one in ordered[start : start + _CHUNK]])
            found.update(
                (one, head)
                for one, head in connection.exec_driver_sql(
                    f"SELECT id, head FROM conversation WHERE id IN ({ids}) ORDER BY id FOR UPDATE"
                )
            )
        return found

    def heads_without_lock(self, connection: Connection, conversation_ids: Iterable[int]) -> dict[int, int]:
        """See `Dialect`. Another server may append at any moment."""
        return {}

    def insert_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """See `Dialect`."""
        connection.execute(_insert, rows)

    def store_unread(
        self, connection: Connection, silent: Iterable[tuple[int, int]], named: Iterable[tuple[int, int, int]]
    ) -> None:
        """See `Dialect`."""
        unread.add_silent(connection, silent)
        unread.add_names(connection, named)

    def move_heads(self, connection: Connection, heads: Iterable[tuple[int, int]]) -> None:
        """See `Dialect`."""
        move(connection, self._move_heads, sorted(heads))

    def mark_senders(self, connection: Connection, marks: Iterable[tuple[int, int, int]]) -> bool:
        """See `Dialect`. Costs no statement beyond the one that moves the marks."""
        rows = sorted(marks)
        return move(connection, self._move_marks, rows) >= len(rows)

    @abstractmethod
    def transaction_mark(self, connection: Connection) -> int:
        """See `Dialect`."""

    @abstractmethod
    def are_void(self, connection: Connection, ids: Column[int], gaps: Sequence[tuple[int, int]], mark: int) -> bool:
        """See `Dialect`."""

    def finish_copy(self, connection: Connection, source_defers_index: bool) -> None:
        """See `Dialect`."""
        self.unread.derive(connection, 0, newest_id(connection))
        if source_defers_index:
            self.recover_marks(connection)
        connection.execute(delete(meta).where(meta.c.name == THROUGH))
        heads = select(func.coalesce(func.max(message.c.seq), 0)).where(message.c.conversation == conversation.c.id)
        connection.execute(update(conversation).values(head=heads.scalar_subquery()))

    def recover_marks(self, connection: Connection) -> None:
        """Make the read marks of messages that were copied without them."""
        sent = (
            select(message.c.sender, message.c.conversation, func.max(message.c.seq))
            .where(message.c.id > written_through(connection))
            .group_by(message.c.sender, message.c.conversation)
        )
        marks = [(user, where, seq) for user, where, seq in connection.execute(sent)]
        move(connection, self._move_marks, sorted(marks))
        set_written_through(connection, newest_id(connection))
