"""Conversations and their participants, as they stand in their tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy import exc as sql_errors

from twim.storage.dialect import Dialect
from twim.storage.interface import UNKNOWN, Conversation, Key
from twim.storage.schema import conversation, participant

_id_of = select(conversation.c.id).where(
    conversation.c.scope == bindparam("b_scope"),
    conversation.c.a == bindparam("b_a"),
    conversation.c.b == bindparam("b_b"),
)
_participant = select(participant.c.conversation, participant.c.floor).where(
    participant.c.userid == bindparam("b_user")
)
_kept = select(conversation.c.id, conversation.c.floor).where(conversation.c.id.in_(bindparam("b_ids", expanding=True)))
_TOGETHER: Final = 500  # conversations in one question
_of_one = _participant.where(participant.c.conversation == bindparam("b_id"))
_of_some = _participant.where(participant.c.conversation.in_(bindparam("b_ids", expanding=True)))


def make(connection: Connection, key: Key, users: Sequence[int]) -> Conversation:
    """Store a new conversation with its participants."""
    scope, a, b = key
    made = connection.execute(insert(conversation).values(scope=scope, a=a, b=b, head=0))
    assert made.inserted_primary_key is not None
    new = Conversation(made.inserted_primary_key[0], scope, a, b, 0)
    for userid in sorted(set(users)):
        join(connection, new.id, scope, new.called_by(userid), userid, 0)
    return new


def make_all(dialect: Dialect, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
    """Store those of the single chats that there aren't yet, all at once. For a database to which nobody else writes
    now."""
    missing = sorted(set(keys) - dialect.conversation_ids(connection, keys).keys())
    if not missing:
        return {}
    connection.execute(insert(conversation), [{"scope": scope, "a": a, "b": b, "head": 0} for scope, a, b in missing])
    ids = dialect.conversation_ids(connection, missing)
    made = {key: Conversation(ids[key], *key, 0) for key in missing}
    takes_part = [
        {"userid": userid, "conversation": one.id, "scope": one.scope, "dstid": one.called_by(userid), "read": 0}
        for key, one in made.items()
        for userid in sorted(set(key[1:]))
    ]
    connection.execute(insert(participant), takes_part)
    return made


def make_each(dialect: Dialect, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
    """Store those of the single chats that nobody else stores meanwhile. They are made in one order on all servers, so
    that two servers don't deadlock; and each in a savepoint, so that the others stay when another server was faster
    with one."""
    made = {}
    for key in sorted(keys):
        if id_of(dialect, connection, key) is None:
            with suppress(sql_errors.IntegrityError), connection.begin_nested():
                made[key] = make(connection, key, key[1:])
    return made


def join(
    connection: Connection, conversation_id: int, scope: int, dstid: int, userid: int, read: int, floor: int = 1
) -> None:
    """Make the user a participant who has read up to `read`, and may read from `floor` on."""
    values = {"userid": userid, "conversation": conversation_id, "scope": scope, "dstid": dstid, "read": read}
    if floor > 1:
        values["floor"] = floor
    connection.execute(insert(participant).values(values))


def floors(connection: Connection, userid: int, conversation_ids: Sequence[int]) -> dict[int, int]:
    """Those of the conversations of which the user is a participant now, and the first seq that the user may read."""
    asked = {"b_user": userid, "b_ids": conversation_ids}
    return {line.conversation: line.floor for line in connection.execute(_of_some, asked)}


def floor_of(dialect: Dialect, connection: Connection, userid: int, conversation_id: int) -> int | None:
    """The first seq that the user may read of the conversation; None if the user is no participant of it now."""
    found = dialect.fetch(connection, _of_one, {"b_user": userid, "b_id": conversation_id})
    return int(found[0][1]) if found else None


def id_of(dialect: Dialect, connection: Connection, key: Key) -> int | None:
    """The id of the conversation; None when it isn't stored."""
    scope, a, b = key
    found = dialect.fetch(connection, _id_of, {"b_scope": scope, "b_a": a, "b_b": b})
    return int(found[0][0]) if found else None


def heads_of(connection: Connection, userids: Sequence[int]) -> dict[Key, int]:
    """The newest seq of each conversation of these users that has a message. Not for SQLite, which stores no heads."""
    theirs = select(participant.c.conversation).where(participant.c.userid.in_(userids))
    stored = select(conversation.c.scope, conversation.c.a, conversation.c.b, conversation.c.head).where(
        conversation.c.head > 0, conversation.c.id.in_(theirs)
    )
    return {(scope, a, b): head for scope, a, b, head in connection.execute(stored)}


def find(dialect: Dialect, connection: Connection, keys: Sequence[Key]) -> dict[Key, Conversation]:
    """Those of the conversations that are stored, with their heads where these are known."""
    ids = dialect.conversation_ids(connection, keys)
    heads = dialect.heads_without_lock(connection, ids.values())
    # Where other servers append, what is kept is read with each batch.
    kept = kept_from(connection, list(heads))
    return {key: Conversation(one, *key, heads.get(one, UNKNOWN), kept.get(one, 1)) for key, one in ids.items()}


def kept_from(connection: Connection, conversation_ids: Sequence[int]) -> dict[int, int]:
    """The first seq that is kept of each conversation, by its id."""
    found: dict[int, int] = {}
    for start in range(0, len(conversation_ids), _TOGETHER):
        some = {"b_ids": conversation_ids[start : start + _TOGETHER]}
        found.update((one, floor) for one, floor in connection.execute(_kept, some))
    return found
