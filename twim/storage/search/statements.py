"""What a search asks the database for. Each message comes with the caller's own row of `participant`, so that none is
given to who may not read it now."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select

from twim.storage.schema import conversation, message, participant
from twim.storage.search.tables import change

WINDOW: Final = 1_024  # row ids read from the log at once
FETCHED: Final = 64  # messages that may be meant and are read at once
EDITED: Final = 5_000  # edited messages that aren't in the index yet


def _readable(limit: int, *where: ColumnElement[bool]) -> Select[Any]:
    # With its limit no database takes the inner question apart, to begin with all that the caller may read.
    some = (
        select(message.c.id, message.c.conversation, message.c.seq, message.c.body)
        .where(*where)
        .order_by(message.c.id.desc())
        .limit(limit)
        .subquery()
    )
    may_read = and_(
        participant.c.userid == bindparam("b_user"),
        participant.c.conversation == some.c.conversation,
        participant.c.floor <= some.c.seq,
    )
    columns = (some.c.id, participant.c.scope, participant.c.dstid, some.c.body)
    return select(*columns).join(participant, may_read).order_by(some.c.id.desc())


_between: Final = (message.c.id >= bindparam("b_first"), message.c.id <= bindparam("b_last"))
between: Final = _readable(WINDOW, *_between)
"""What the user may read of some row ids, the newest first."""
between_of_one: Final = _readable(WINDOW, *_between, message.c.conversation == bindparam("b_conversation"))
"""The same of one conversation."""
of_ids: Final = _readable(FETCHED, message.c.id.in_(bindparam("b_ids", expanding=True)))
"""The same of these row ids."""

mine: Final = (
    select(participant.c.conversation)
    .where(participant.c.userid == bindparam("b_user"))
    .order_by(participant.c.conversation)
)
"""The conversations of a user."""
edited: Final = (
    select(change.c.message)
    .where(change.c.edited == 1, change.c.message <= bindparam("b_last"))
    .order_by(change.c.message.desc())
    .limit(EDITED)
)
"""The edited messages whose words the index doesn't have yet."""
ends: Final = select(func.coalesce(func.min(message.c.id), 0), func.coalesce(func.max(message.c.id), 0))
"""The row ids of the oldest and of the newest message."""
my_conversation: Final = (
    select(participant.c.conversation)
    .join(conversation, conversation.c.id == participant.c.conversation)
    .where(
        conversation.c.scope == bindparam("b_scope"),
        conversation.c.a == bindparam("b_a"),
        conversation.c.b == bindparam("b_b"),
        participant.c.userid == bindparam("b_user"),
    )
)
"""A conversation that the user takes part in."""
