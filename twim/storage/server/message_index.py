"""Finding messages on a database server, by the unique index of conversation and seq."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, select

from twim.storage.message_index import MessageIndex, Stored
from twim.storage.schema import message, participant

FETCHED: Final = 10  # messages fetched at once; each may have 100 KiB

# Built once: that takes longer than to look messages up.
_newest = select(func.coalesce(func.max(message.c.seq), 0)).where(message.c.conversation == bindparam("b_id"))
_oldest = select(func.coalesce(func.min(message.c.seq), 0)).where(message.c.conversation == bindparam("b_id"))
_stored = (
    select(message.c.id, message.c.seq, message.c.body)
    .where(
        message.c.conversation == bindparam("b_id"),
        message.c.seq >= bindparam("b_first"),
        message.c.seq <= bindparam("b_last"),
    )
    .order_by(message.c.seq)
)
_between = (
    select(message.c.body, message.c.seq)
    .where(
        message.c.conversation == bindparam("b_id"),
        message.c.seq > bindparam("b_after"),
        message.c.seq <= bindparam("b_up_to"),
    )
    .order_by(message.c.seq)
    .limit(bindparam("b_limit"))
    # Without it a server sends all that was asked for before the first row is looked at.
    .execution_options(yield_per=FETCHED)
)
_of_ids = (
    select(message.c.body)
    .where(message.c.id.in_(bindparam("b_ids", expanding=True)))
    .order_by(message.c.id.desc())
    .execution_options(yield_per=FETCHED)
)
_seqs_before = (
    select(message.c.seq)
    .where(message.c.conversation == bindparam("b_id"), message.c.seq < bindparam("b_before"))
    .order_by(message.c.seq.desc())
    .limit(bindparam("b_limit"))
)


class ColumnIndex(MessageIndex):
    """Finds messages by the columns of the log."""

    def head(self, connection: Connection, conversation_id: int) -> int:
        """See `MessageIndex`."""
        return int(connection.execute(_newest, {"b_id": conversation_id}).scalar_one())

    def first(self, connection: Connection, conversation_id: int) -> int:
        """See `MessageIndex`."""
        return int(connection.execute(_oldest, {"b_id": conversation_id}).scalar_one())

    def stored_between(self, connection: Connection, conversation_id: int, first: int, last: int) -> list[Stored]:
        """See `MessageIndex`."""
        found = connection.execute(_stored, {"b_id": conversation_id, "b_first": first, "b_last": last})
        return [Stored(one, seq, bytes(body)) for one, seq, body in found]

    def forget(self, connection: Connection, conversation_id: int, gone: Sequence[Stored]) -> None:
        """See `MessageIndex`."""
        connection.execute(delete(message).where(message.c.id.in_([one.id for one in gone])))

    @staticmethod
    def is_newest() -> ColumnElement[bool]:
        """See `MessageIndex`."""
        # Not max(seq), for which MySQL reads all of a conversation's index.
        any_message = message.alias()
        newest = (
            select(any_message.c.seq)
            .where(any_message.c.conversation == participant.c.conversation)
            .order_by(any_message.c.seq.desc())
            .limit(1)
        )
        same_conversation = message.c.conversation == participant.c.conversation
        return and_(same_conversation, message.c.seq == newest.correlate(participant).scalar_subquery())

    def _is_at(self, connection: Connection, conversation_id: int, seq: int) -> ColumnElement[bool]:
        return and_(message.c.conversation == conversation_id, message.c.seq == seq)

    def slice_after(
        self, connection: Connection, conversation_id: int, after: int, up_to: int, limit: int, most: int | None
    ) -> tuple[list[bytes], int]:
        """See `MessageIndex`."""
        found: list[bytes] = []
        left = most
        asked = {"b_id": conversation_id, "b_after": after, "b_up_to": up_to, "b_limit": limit}
        with connection.execute(_between, asked) as rows:
            for body, seq in rows:
                found.append(bytes(body))
                after = seq
                if left is not None:
                    left -= len(body)
                    if left <= 0:
                        break
        return found, after

    def bodies_of(self, connection: Connection, ids: Sequence[int], most: int) -> list[bytes]:
        """See `MessageIndex`."""
        found: list[bytes] = []
        with connection.execute(_of_ids, {"b_ids": ids}) as bodies:
            for (body,) in bodies:
                found.append(bytes(body))
                most -= len(body)
                if most <= 0:
                    break
        return found

    def first_before(self, connection: Connection, conversation_id: int, before: int, limit: int) -> int:
        """See `MessageIndex`."""
        asked = {"b_id": conversation_id, "b_before": before, "b_limit": limit}
        seqs = connection.scalars(_seqs_before, asked).all()
        return int(seqs[-1]) if seqs else before
