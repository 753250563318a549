"""What counts as unread: messages of others after the user's read mark that the user can still read.

Nothing is counted message by message. Everything after a read mark is unread, except the few messages that nobody has
to read: their numbers are in the table `silent`, and the users whom a message names are in `named`. A user's own
messages need no attention, since sending moves the read mark.

Where several servers share the database, both tables are written together with the message; on SQLite a moment later
(see `unread_index`). A recall or an edit changes them in the transaction that stores it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from twim.storage.schema import named, participant, silent
from twim.wire.commands import EVENTS, NOTICE
from twim.wire.message import Message

EXACT: Final = 1_000  # the highest exact count; one more means that there are more
EVERYBODY: Final = 0
REMOVED: Final = "removed"  # the notice of a removal; its memo is the id of the removed member


def names(said: Message) -> set[int]:
    """Whom the message names. An edit by itself names nobody: the message that it edits does."""
    if said.media == NOTICE:
        return {int(said.memo)} if said.content == REMOVED else set(said.mentions)
    return set() if said.media in EVENTS else set(said.mentions)


Counts = tuple[int, int, int, int]
"""Of what came after a mark: how many messages nobody has to read, how many of these are notices about the user, how
many messages name the user, and how many of the others name everybody."""

NOTHING: Final[Counts] = (0, 0, 0, 0)


def told(distance: int, counts: Counts) -> tuple[int, int]:
    """How many are unread and how many mention the user, as they are told, where `distance` messages came after the
    mark."""
    if counts == NOTHING and 0 <= distance <= EXACT:
        return distance, 0
    silences, notices, naming_me, naming_all = counts
    return _bounded(distance - silences + notices), _bounded(naming_me + naming_all)


def _bounded(count: int) -> int:
    return max(0, min(count, EXACT + 1))


def _columns(userid: ColumnElement[int]) -> tuple[ScalarSelect[Any], ...]:
    """`Counts`, beside a row of `participant`."""

    def count(table: Any, source: Any, *where: Any) -> ScalarSelect[Any]:
        here = (table.c.conversation == participant.c.conversation, table.c.seq > participant.c.read)
        return select(func.count()).select_from(source).where(*where, *here).correlate(participant).scalar_subquery()

    mine, all_of_us = named.alias("mine"), named.alias("all_of_us")
    both = and_(mine.c.conversation == silent.c.conversation, mine.c.seq == silent.c.seq)
    also = and_(mine.c.userid == userid, mine.c.conversation == all_of_us.c.conversation, mine.c.seq == all_of_us.c.seq)
    return (
        count(silent, silent),
        # Whom a recalled message named is forgotten, so what is both is a notice.
        count(mine, mine.join(silent, both), mine.c.userid == userid),
        count(mine, mine, mine.c.userid == userid),
        count(all_of_us, all_of_us.outerjoin(mine, also), all_of_us.c.userid == EVERYBODY, mine.c.userid.is_(None)),
    )


@lru_cache
def with_counts(listed: Select[Any]) -> Select[Any]:
    """`listed`, which selects from `participant`, with the four of `Counts` as further columns. Not for MySQL."""
    # In the same statement: at whatever moment it is read, a row agrees with itself.
    return listed.add_columns(*_columns(bindparam("b_user")))


def add_silent(connection: Connection, messages: Iterable[tuple[int, int]]) -> None:
    """Nobody has to read these messages: `(conversation id, seq)` each, none of which is there yet."""
    if rows := [{"conversation": conversation_id, "seq": seq} for conversation_id, seq in messages]:
        connection.execute(insert(silent), rows)


def add_names(connection: Connection, names: Iterable[tuple[int, int, int]]) -> None:
    """Messages name users: `(userid, conversation id, seq)` each, none of which is there yet."""
    if rows := [{"userid": user, "conversation": where, "seq": seq} for user, where, seq in names]:
        connection.execute(insert(named), rows)


def replace_names(
    connection: Connection, conversation_id: int, seq: int, before: Iterable[int], now: Iterable[int]
) -> None:
    """A message names other users than before."""
    before, now = set(before), set(now)
    for userid in sorted(before - now):
        # By its whole key, so that no row but this one is locked.
        this = (named.c.userid == userid, named.c.conversation == conversation_id, named.c.seq == seq)
        connection.execute(delete(named).where(*this))
    add_names(connection, [(userid, conversation_id, seq) for userid in sorted(now - before)])
