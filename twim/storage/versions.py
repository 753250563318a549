"""What an edited message said before: its first words are kept, and each edit of the log has those that followed.

Recall, erasure and deletion by age empty the edits; what is kept here goes with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from twim.storage.schema import message, original
from twim.wire.commands import EDIT
from twim.wire.message import Shown, decode_shown

EDITS: Final = 50  # the newest edits that are told, of at most 32 kB each
LOOKED_AT: Final = 5_000  # answers, reactions and edits of one message among which its edits are looked for


def keep(connection: Connection, conversation_id: int, shown: Shown) -> None:
    """The message is about to be edited. What was edited before this was kept has lost its first words."""
    if not shown.edited:
        row = {"conversation": conversation_id, "seq": shown.seq, "content": shown.content.encode()}
        connection.execute(insert(original).values(row))


def forget(connection: Connection, conversation_id: int, seqs: Sequence[int]) -> None:
    """Nobody is told any more what these messages said."""
    these = (original.c.conversation == conversation_id, original.c.seq.in_(seqs))
    connection.execute(delete(original).where(*these))


def forget_between(connection: Connection, conversation_id: int, first: int, end: int) -> None:
    """The same for all messages `first` <= seq < `end`."""
    these = (original.c.conversation == conversation_id, original.c.seq >= first, original.c.seq < end)
    connection.execute(delete(original).where(*these))


def read(connection: Connection, conversation_id: int, shown: Shown) -> list[tuple[str, int]]:
    """`(content, at in ms)` of the versions that are known of an edited message: its first words and the newest edits,
    the first one first."""
    first = select(original.c.content).where(original.c.conversation == conversation_id, original.c.seq == shown.seq)
    said = [(bytes(content).decode(), shown.at) for content in connection.scalars(first)]
    about = select(message.c.body).where(message.c.conversation == conversation_id, message.c.ref == shown.seq)
    newest = about.order_by(message.c.seq.desc()).limit(LOOKED_AT)
    edits = [one for body in connection.scalars(newest) if (one := decode_shown(bytes(body))).media == EDIT]
    return said + [(one.content, one.at) for one in reversed(edits[:EDITS]) if one.content]
