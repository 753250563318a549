"""What a transaction says differently to SQLite, MySQL and PostgreSQL, as a role.

`sqlite.dialect`, `server.mysql` and `server.postgresql` play it; `backends` chooses the one of a database when that is
opened. Every method is a part of a transaction: it takes its connection, and blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Select

from twim.storage.interface import Conversation, Key
from twim.storage.message_index import MessageIndex
from twim.storage.unread_index import UnreadIndex


class LockTimeout(Exception):
    """Another node has held the lock of the schema for too long."""


class Dialect(Protocol):
    """How a transaction speaks to one kind of database."""

    @property
    def defers_index(self) -> bool:
        """Whether what finds messages, and the read marks of their senders, are written after the messages."""

    @property
    def holding_seconds(self) -> float:
        """How long a transaction of many small steps goes on before it lets others write: where there is one writer,
        all messages wait for it."""

    @property
    def messages(self) -> MessageIndex:
        """What finds messages in the log."""

    @property
    def unread(self) -> UnreadIndex:
        """What writes the tables by which unread messages are counted."""

    def fetch(
        self, connection: Connection, statement: Select[Any], parameters: Mapping[str, int]
    ) -> Sequence[Sequence[Any]]:
        """All rows of a `statement` that is built once and kept for ever, whose columns are numbers and blobs."""

    def schema_lock(self, connection: Connection, seconds: int) -> AbstractContextManager[None]:
        """Keeps other nodes from changing the schema. `LockTimeout` after `seconds`."""

    def write_index(self, connection: Connection) -> None:
        """Write what follows from the messages stored since it was last written; this transaction's own, too."""

    def conversation_ids(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
        """The ids of those conversations that are stored."""

    def make_missing(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
        """Store those of the single chats that there aren't yet, and that no other server stores meanwhile."""

    def heads(self, connection: Connection, conversation_ids: Iterable[int]) -> dict[int, int]:
        """The newest seq of each conversation, by its id; 0 for an empty one. Where several servers share the database
        the conversations are locked until the transaction ends."""

    def heads_without_lock(self, connection: Connection, conversation_ids: Iterable[int]) -> dict[int, int]:
        """The newest seq of each conversation, by its id, where no other server may append meanwhile; else nothing."""

    def stored_cids(self, connection: Connection, pairs: Sequence[tuple[int, bytes]]) -> Iterable[Sequence[Any]]:
        """`(sender, cid, body)` of those `(sender, cid)` that are stored."""

    def insert_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """Append these rows, of which there is one at least, to the log."""

    def store_unread(
        self, connection: Connection, silent: Iterable[tuple[int, int]], named: Iterable[tuple[int, int, int]]
    ) -> None:
        """Store, unless that is deferred, which new messages nobody has to read, `(conversation id, seq)` each, and
        whom they name, `(userid, conversation id, seq)` each."""

    def move_heads(self, connection: Connection, heads: Iterable[tuple[int, int]]) -> None:
        """Store the newest seq of conversations that `heads` locked: `(conversation id, seq)` each."""

    def mark_senders(self, connection: Connection, marks: Iterable[tuple[int, int, int]]) -> bool:
        """Move the read marks of senders to what they sent, unless that is deferred: `(userid, conversation id, seq)`
        each. False when some have no mark there, which means that they are no participants any more."""

    def list_unread(self, connection: Connection, listed: Select[Any], userid: int) -> Sequence[Sequence[Any]]:
        """The rows of `listed`, each with what counts as unread in it (`Counts`) as its last four columns. `listed` is
        built once and kept for ever, has the parameter `b_user`, selects from `participant` and begins with the columns
        conversation id, scope, dstid, seq and read. The transaction must have read nothing before."""

    @property
    def commits_in_order(self) -> bool:
        """Whether rows become visible in the order of their ids."""

    def transaction_mark(self, connection: Connection) -> int:
        """A number for `are_void`: where transactions have come to now."""

    def are_void(self, connection: Connection, ids: Column[int], gaps: Sequence[tuple[int, int]], mark: int) -> bool:
        """Whether the transactions have ended that may still insert rows whose `ids` are in these gaps, first and last
        each, which were seen before the `mark` was taken, at least a second ago."""

    def finish_copy(self, connection: Connection, source_defers_index: bool) -> None:
        """Make what follows from the log, after the log was copied here from another database."""
