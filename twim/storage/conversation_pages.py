"""Messages of conversations in pieces: a page of one, what a catch-up misses of many, and the read marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, select, update

from twim.errors import NotYours
from twim.storage.conversation_table import floors
from twim.storage.dialect import Dialect
from twim.storage.happenings import note_read
from twim.storage.schema import participant

SeqRange = tuple[int, int, int]
"""Messages of one conversation: its id, the seq after which they begin, and the seq of the last one."""

PAGE: Final = 200  # messages in one page of history, and of one conversation in a catch-up
CHECKED: Final = 16  # conversations of which it is asked at once whether the reader takes part in them
NO_PART: Final = "you are not in that group"


class Page(NamedTuple):
    """Messages of one conversation, ascending."""

    bodies: list[bytes]
    head: int
    """The newest seq."""
    last: int
    """The seq of the last one."""
    left: int
    """How many of the page may follow: asked for again, after `last`."""


def read_after(
    dialect: Dialect, connection: Connection, userid: int, wanted: Sequence[SeqRange], most: int
) -> tuple[list[bytes], list[SeqRange]]:
    """The messages of these ranges, ascending in each, until they are `most` bytes; and the ranges that are left. None
    of the conversations of which the user is no participant any more, nor of what the user may not read."""
    bodies: list[bytes] = []
    for start in range(0, len(wanted), CHECKED):
        some = wanted[start : start + CHECKED]
        readable = floors(connection, userid, [conversation_id for conversation_id, _, _ in some])
        for done, (conversation_id, after, up_to) in enumerate(some, start + 1):
            if conversation_id not in readable:
                continue
            after = max(after, readable[conversation_id] - 1)
            found, last = dialect.messages.slice_after(connection, conversation_id, after, up_to, PAGE, most)
            bodies += found
            most -= sum(map(len, found))
            if most <= 0:
                begun = [(conversation_id, last, up_to)] if last < up_to else []
                return bodies, [*begun, *wanted[done:]]
    return bodies, []


def read_page(
    dialect: Dialect,
    connection: Connection,
    conversation_id: int,
    before: int | None,
    after: int | None,
    limit: int,
    most: int | None,
    floor: int = 1,
) -> Page:
    """See `Conversations.page_for`; `floor` is the first seq that may be read."""
    head = dialect.messages.head(connection, conversation_id)
    up_to = head
    if after is None:
        up_to = head if before is None else min(before - 1, head)
        # No message is missing between the floor and the head.
        limit = min(limit, up_to - floor + 1)
        if limit < 1:
            return Page([], head, up_to, 0)
        bodies, last = dialect.messages.slice_before(connection, conversation_id, up_to, limit, most)
    else:
        after = max(after, floor - 1)
        bodies, last = dialect.messages.slice_after(connection, conversation_id, after, up_to, limit, most)
    return Page(bodies, head, last, min(limit - len(bodies), up_to - last) if bodies else 0)


def move_mark(
    dialect: Dialect, connection: Connection, userid: int, conversation_id: int, seq: int, at: int
) -> tuple[int, int, bool]:
    """See `Conversations.mark_read`."""
    dialect.write_index(connection)
    head = dialect.messages.head(connection, conversation_id)
    stored = select(participant.c.read).where(
        participant.c.userid == userid, participant.c.conversation == conversation_id
    )
    stands = connection.execute(stored).scalar_one_or_none()
    if stands is None:
        raise NotYours(NO_PART)
    if seq > head or seq <= stands:
        return head, stands, False
    forward = update(participant).where(
        participant.c.userid == userid, participant.c.conversation == conversation_id, participant.c.read < seq
    )
    connection.execute(forward.values(read=seq, readfrom=stands, readto=seq, readat=at))
    note_read(connection, conversation_id, userid, seq, at)
    return head, seq, True
