"""Where a message is stored: found by its conversation's id and its `seq` in it.

A database server keeps an index of these two columns and writes it with each message. SQLite appends messages only, and
what finds them is written a moment later (`sqlite.deferred_index`). So the two find messages differently, and this
class holds what both do with them. On SQLite whoever reads here has waited for `Indexing.written`, or called
`Dialect.write_index` in the same transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, select, update

from twim.storage.schema import message


class Stored(NamedTuple):
    """A row of the log."""

    id: int
    seq: int
    body: bytes


class MessageIndex(ABC):
    """Finds messages by conversation id and `seq`."""

    @abstractmethod
    def head(self, connection: Connection, conversation_id: int) -> int:
        """The newest seq of a conversation, 0 when it is empty."""

    @abstractmethod
    def first(self, connection: Connection, conversation_id: int) -> int:
        """The lowest seq that a conversation has a row of, 0 when it is empty."""

    @abstractmethod
    def stored_between(self, connection: Connection, conversation_id: int, first: int, last: int) -> list[Stored]:
        """The rows of messages `first` to `last` of a conversation."""

    @abstractmethod
    def forget(self, connection: Connection, conversation_id: int, gone: Sequence[Stored]) -> None:
        """Delete these rows of a conversation, and what finds them."""

    @staticmethod
    @abstractmethod
    def is_newest() -> ColumnElement[bool]:
        """To join `message` to `participant`: the newest message of the participant's conversation."""

    @abstractmethod
    def _is_at(self, connection: Connection, conversation_id: int, seq: int) -> ColumnElement[bool]:
        """The condition that one message meets."""

    @abstractmethod
    def slice_after(
        self, connection: Connection, conversation_id: int, after: int, up_to: int, limit: int, most: int | None
    ) -> tuple[list[bytes], int]:
        """The bodies of messages `after` < seq <= `up_to`, ascending, at most `limit`, and the seq of the last one. No
        more once they are `most` bytes, of which the one that makes them so may be many."""

    @abstractmethod
    def bodies_of(self, connection: Connection, ids: Sequence[int], most: int) -> list[bytes]:
        """The bodies of the messages with these ids, the highest id first, until they are `most` bytes."""

    @abstractmethod
    def first_before(self, connection: Connection, conversation_id: int, before: int, limit: int) -> int:
        """The seq at which the last `limit` messages with seq < `before` begin; `before` when there are none."""

    def slice_before(
        self, connection: Connection, conversation_id: int, up_to: int, limit: int, most: int | None
    ) -> tuple[list[bytes], int]:
        """The same as `slice_after`, of the last `limit` messages with seq <= `up_to`."""
        first = self.first_before(connection, conversation_id, up_to + 1, limit)
        return self.slice_after(connection, conversation_id, first - 1, up_to, limit, most)

    def bodies_after(
        self, connection: Connection, conversation_id: int, after: int, up_to: int, limit: int
    ) -> list[bytes]:
        """The bodies of messages `after` < seq <= `up_to`, ascending, at most `limit`."""
        return self.slice_after(connection, conversation_id, after, up_to, limit, None)[0]

    def body_at(self, connection: Connection, conversation_id: int, seq: int) -> bytes | None:
        """The body of one message; None when there is no such message."""
        wanted = select(message.c.body).where(self._is_at(connection, conversation_id, seq))
        found = connection.execute(wanted).scalar_one_or_none()
        return None if found is None else bytes(found)

    def id_at(self, connection: Connection, conversation_id: int, seq: int) -> int:
        """The row id of one message, which is there."""
        wanted = select(message.c.id).where(self._is_at(connection, conversation_id, seq))
        return int(connection.execute(wanted).scalar_one())

    def replace_body(self, connection: Connection, conversation_id: int, seq: int, body: bytes) -> None:
        """Store another body of a message."""
        connection.execute(update(message).where(self._is_at(connection, conversation_id, seq)).values(body=body))
