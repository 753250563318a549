"""Where a message lies: by its place in a conversation, `(conversation id, seq)`.

A database server keeps an index of it, which it writes with each message. SQLite would write a page of the table and a
page of the index for every conversation of a commit. There messages are only appended, and what finds them is written
behind (see `behind`), in table `run`: messages `first` to `last` of a conversation have row ids from `id` on.
Whoever reads here has waited for `Behind.written`, or called `catch_up` in the same transaction.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, update

from twim.storage.schema import message, participant, run

_NONE: Final = -1  # no row has this id


def head(connection: Connection, place: int) -> int:
    """The newest seq of a conversation, 0 when it is empty."""
    if _is_sqlite(connection):
        newest = select(run.c.last).where(run.c.conversation == place).order_by(run.c.first.desc()).limit(1)
        return connection.execute(newest).scalar_one_or_none() or 0
    newest = select(func.coalesce(func.max(message.c.seq), 0)).where(message.c.conversation == place)
    return int(connection.execute(newest).scalar_one())


def body_at(connection: Connection, place: int, seq: int) -> bytes | None:
    """The body of one message."""
    found = connection.execute(select(message.c.body).where(_at(connection, place, seq))).scalar_one_or_none()
    return None if found is None else bytes(found)


def replace_body(connection: Connection, place: int, seq: int, body: bytes) -> None:
    """Store another body of a message."""
    connection.execute(update(message).where(_at(connection, place, seq)).values(body=body))


def bodies_after(connection: Connection, place: int, after: int, up_to: int, limit: int) -> list[bytes]:
    """The bodies of messages `after` < seq <= `up_to`, ascending, at most `limit`."""
    if _is_sqlite(connection):
        wanted = _in_runs(place, after, up_to).order_by(run.c.first, message.c.id)
    else:
        wanted = _in_index(place, after, up_to).order_by(message.c.seq)
    return [bytes(body) for (body,) in connection.execute(wanted.limit(limit))]


def bodies_before(connection: Connection, place: int, before: int, limit: int) -> list[bytes]:
    """The bodies of the last messages with seq < `before`, ascending, at most `limit`."""
    if _is_sqlite(connection):
        wanted = _in_runs(place, 0, before - 1).order_by(run.c.first.desc(), message.c.id.desc())
    else:
        wanted = _in_index(place, 0, before - 1).order_by(message.c.seq.desc())
    return [bytes(body) for (body,) in connection.execute(wanted.limit(limit))][::-1]


def is_newest(connection: Connection) -> ColumnElement[bool]:
    """To join `message` to `participant`: the newest message of the participant's conversation."""
    if _is_sqlite(connection):
        newest_run = (
            select(run.c.id + run.c.last - run.c.first)
            .where(run.c.conversation == participant.c.conversation)
            .order_by(run.c.first.desc())
            .limit(1)
        )
        return message.c.id == newest_run.correlate(participant).scalar_subquery()
    # Not max(seq), for which MySQL reads all of a conversation's index.
    any_of_it = message.alias()
    newest = (
        select(any_of_it.c.seq)
        .where(any_of_it.c.conversation == participant.c.conversation)
        .order_by(any_of_it.c.seq.desc())
        .limit(1)
    )
    place = message.c.conversation == participant.c.conversation
    return and_(place, message.c.seq == newest.correlate(participant).scalar_subquery())


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _at(connection: Connection, place: int, seq: int) -> ColumnElement[bool]:
    if not _is_sqlite(connection):
        return and_(message.c.conversation == place, message.c.seq == seq)
    holding = (
        select(run.c.id, run.c.first, run.c.last)
        .where(run.c.conversation == place, run.c.first <= seq)
        .order_by(run.c.first.desc())
        .limit(1)
    )
    found = connection.execute(holding).one_or_none()
    return message.c.id == (_NONE if found is None or found.last < seq else found.id + seq - found.first)


def _in_index(place: int, after: int, up_to: int) -> Select[tuple[Any]]:
    here = (message.c.conversation == place, message.c.seq > after, message.c.seq <= up_to)
    return select(message.c.body).where(*here)


def _in_runs(place: int, after: int, up_to: int) -> Select[tuple[Any]]:
    # The run in which the first of them is, or would be, is the last one that begins no later.
    begin = select(func.coalesce(func.max(run.c.first), 0)).where(run.c.conversation == place, run.c.first <= after + 1)
    # max and min of two values, as only SQLite has them.
    lies = message.c.id.between(
        run.c.id + func.max(after + 1 - run.c.first, 0), run.c.id + func.min(up_to, run.c.last) - run.c.first
    )
    here = (run.c.conversation == place, run.c.first >= begin.scalar_subquery(), run.c.first <= up_to)
    return select(message.c.body).select_from(run.join(message, lies)).where(*here)
