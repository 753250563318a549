"""Deleting messages by their age, in short transactions between which everybody else goes on.

First the floor of a conversation rises: from then on nobody reads, counts or refers to what lies below. Then its rows
are deleted, some at a time. A stop in the middle leaves rows that nobody sees, and the next deletion begins with them.

No `seq` and no row id is given a second time: the newest row of each conversation, and of the log, stays without its
words. From it the next numbers follow on SQLite, and the others only wait for it to be replaced by a newer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update
from twisted.internet.defer import Deferred

from twim.storage import attachments, conversation_table, versions
from twim.storage.database import Database
from twim.storage.dialect import Dialect
from twim.storage.files.interface import NAME
from twim.storage.indexing import Indexing
from twim.storage.interface import Key
from twim.storage.message_index import Stored
from twim.storage.schema import IN_MESSAGE, attachment, conversation, named, participant, silent
from twim.storage.search import changes
from twim.storage.unread import REMOVED
from twim.storage.written_through import newest_id
from twim.wire.commands import NOTICE
from twim.wire.message import Shown, decode_shown, encode

LISTED: Final = 10  # conversations whose age is looked at in one transaction: a hundred short statements
DELETED: Final = 200  # messages deleted in one transaction, at most
PIECE: Final = 10  # of them after which it looks at the time


class Aged(NamedTuple):
    """A conversation of which messages are too old: those before `floor`, of which `first` is the first row."""

    conversation_id: int
    key: Key
    first: int
    floor: int
    emptied: int
    """The seq of the row that has stayed of an earlier deletion, without its words; 0 where there is none."""


class Deleted(NamedTuple):
    """What one transaction did."""

    messages: int
    files: set[str]
    """The names of the files that the messages carried."""
    left: list[Aged]


class _At(msgspec.Struct):
    at: int = 0


_at = msgspec.json.Decoder(_At).decode
_listed = (
    select(conversation.c.id, conversation.c.scope, conversation.c.a, conversation.c.b, conversation.c.floor)
    .where(conversation.c.id > bindparam("b_after"))
    .order_by(conversation.c.id)
    .limit(LISTED)
)
_one = _listed.where(
    conversation.c.scope == bindparam("b_scope"), conversation.c.a == bindparam("b_a"), conversation.c.b == 0
)


class RetentionStore:
    """The store of what is deleted by age."""

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._dialect = database.dialect
        self._indexing = indexing

    async def aged(self, after: int, before: int, only: Key | None) -> tuple[list[Aged], int]:
        """Of some conversations with an id above `after`, or of the `only` one, those that have messages from before
        the time `before` (ms); and the id to go on from, 0 at the end."""
        await self._indexing.written()

        def work(connection: Connection) -> tuple[list[Aged], int]:
            asked = {"b_after": after}
            if only is not None:
                lines = connection.execute(_one, asked | {"b_scope": only[0], "b_a": only[1]}).all()
            else:
                lines = connection.execute(_listed, asked).all()
            found = [_aged(self._dialect, connection, line.id, tuple(line[1:4]), line.floor, before) for line in lines]
            return [one for one in found if one], lines[-1].id if lines and only is None else 0

        return await self._database.read(work)

    def raise_floors(self, aged: Sequence[Aged]) -> Deferred[None]:
        """Nobody reads any more what is too old; all of it counts as read."""

        def work(connection: Connection) -> None:
            # In the order of ids, as batches of messages lock them.
            for one in sorted(aged):
                _raise_floor(connection, one.conversation_id, one.floor)

        return self._database.write(work)

    def delete(self, aged: Sequence[Aged]) -> Deferred[Deleted]:
        """Delete the first rows of these conversations, whose floors are raised."""

        def work(connection: Connection) -> Deleted:
            newest = newest_id(connection)
            left = list(aged)
            messages, files = 0, set[str]()
            until = monotonic() + self._dialect.holding_seconds
            while left and messages < DELETED and (not messages or monotonic() < until):
                one = left.pop(0)
                end = min(one.first + min(PIECE, DELETED - messages), one.floor)
                messages += _delete(self._dialect, connection, one, end, newest, files)
                if end < one.floor:
                    left.insert(0, one._replace(first=end))
            return Deleted(messages, files, left)

        # A crash may bring rows back that nobody sees.
        return self._database.write(work, synced=False)

    def conversation_exists(self, key: Key) -> Deferred[bool]:
        """Whether there is such a conversation."""
        return self._database.read(lambda c: conversation_table.id_of(self._dialect, c, key) is not None)


def _raise_floor(connection: Connection, conversation_id: int, floor: int) -> None:
    here = update(conversation).where(conversation.c.id == conversation_id, conversation.c.floor < floor)
    connection.execute(here.values(floor=floor))
    takes_part = participant.c.conversation == conversation_id
    connection.execute(update(participant).where(takes_part, participant.c.floor < floor).values(floor=floor))
    connection.execute(update(participant).where(takes_part, participant.c.read < floor - 1).values(read=floor - 1))


def _aged(
    dialect: Dialect, connection: Connection, conversation_id: int, key: Key, floor: int, before: int
) -> Aged | None:
    index = dialect.messages
    first, head = index.first(connection, conversation_id), index.head(connection, conversation_id)

    def is_old(seq: int) -> bool:
        body = index.body_at(connection, conversation_id, seq)
        return body is None or _at(body).at < before

    # The next one of which it isn't known: all below `low` are old, all from `high` on aren't.
    low, high = max(first, min(floor, head + 1)), head + 1
    if first and low < high and is_old(low):
        low += 1
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if is_old(middle) else (low, middle)
    # The newest row alone, without its words, is all that stays.
    if not first or low <= first or (floor > head and first == head):
        return None
    return Aged(conversation_id, key, first, low, first if first == floor - 1 else 0)


def _delete(dialect: Dialect, connection: Connection, aged: Aged, end: int, newest: int, files: set[str]) -> int:
    """Delete the rows before `end`. Gives how many messages that were."""
    conversation_id, first = aged.conversation_id, aged.first
    head = dialect.messages.head(connection, conversation_id)
    gone, count = [], 0
    rows = dialect.messages.stored_between(connection, conversation_id, first, end - 1)
    changes.note(connection, [row.id for row in rows])
    for row in rows:
        said = decode_shown(row.body)
        files |= files_of(said)
        _forget_names(connection, conversation_id, said)
        count += not (row.seq == aged.emptied and said.recalled)
        if row.seq == head or row.id == newest:
            dialect.messages.replace_body(connection, conversation_id, row.seq, encode(emptied(said)))
        else:
            gone.append(row)
    if gone:
        dialect.messages.forget(connection, conversation_id, gone)
        _forget_silence(connection, conversation_id, gone)
    versions.forget_between(connection, conversation_id, first, end)
    carried = (attachment.c.place == conversation_id, attachment.c.seq >= first, attachment.c.seq < end)
    connection.execute(delete(attachment).where(*carried, attachment.c.cate == IN_MESSAGE))
    return count


def _forget_names(connection: Connection, conversation_id: int, said: Shown) -> None:
    names = set(said.mentions)
    if said.media == NOTICE and said.content == REMOVED and said.memo.isdecimal():
        names.add(int(said.memo))
    for userid in sorted(names):
        this = (named.c.userid == userid, named.c.conversation == conversation_id, named.c.seq == said.seq)
        connection.execute(delete(named).where(*this))


def _forget_silence(connection: Connection, conversation_id: int, gone: Sequence[Stored]) -> None:
    seqs = [row.seq for row in gone]
    connection.execute(delete(silent).where(silent.c.conversation == conversation_id, silent.c.seq.in_(seqs)))


def emptied(said: Shown) -> Shown:
    """The message without its words: as a recalled one."""
    said.content = said.pic = said.url = said.memo = ""
    said.amount = said.edited = 0
    said.mentions, said.reactions = (), {}
    said.recalled = 1
    return said


def files_of(said: Shown) -> set[str]:
    """The names of the files that a message carries."""
    found = (NAME.search(url) for url in (said.url, said.pic) if url and attachments.stem_in(url))
    return {one[0] for one in found if one}
