"""What there is to know of single messages: who has read one, what it said before it was edited, which carry files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, func, select

from twim.errors import NotFound, NotYours, Refusal
from twim.storage import conversation_table, versions
from twim.storage.conversation_settings import NO_CONVERSATION
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Key
from twim.storage.schema import participant
from twim.wire.message import Shown, decode_shown

T = TypeVar("T")

READERS: Final = 50  # members of a group of which it is told who has read
LOOKED_AT: Final = 2_000  # messages among which those of one kind are looked for in one transaction
PIECE: Final = 100  # of these in memory at a time: a message may have 100 KiB
FILE_BYTES: Final = 256 * 1024  # of messages in one page of a kind, of which the last may be large
NO_MESSAGE: Final = "seq: there is no such message"


class Kind(NamedTuple):
    """Messages of one kind, newest first."""

    bodies: list[bytes]
    next: int
    """Before which seq to go on; 0 at the end."""


class _Looked(msgspec.Struct):
    media: int = 0
    seq: int = 0
    recalled: int = 0


_looked = msgspec.json.Decoder(_Looked).decode


class MessageDetailStore:
    """Reads them, for who may read the messages. `NotYours` for a conversation that the user takes no part in, and
    `NotFound` for a message that the user may not read."""

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._dialect = database.dialect
        self._indexing = indexing

    async def readers(self, userid: int, key: Key, seq: int) -> list[tuple[int, int]]:
        """`(userid, at in ms)` of those who have read the message, apart from its author: `at` is 0 where it isn't
        known. `Refusal` in a group of more than `READERS`."""

        def work(connection: Connection, conversation_id: int, floor: int) -> list[tuple[int, int]]:
            author = self._message(connection, conversation_id, seq, floor).userid
            here = participant.c.conversation == conversation_id
            if connection.execute(select(func.count()).select_from(participant).where(here)).scalar_one() > READERS:
                raise Refusal(f"dstid: a group of more than {READERS}")
            wanted = select(participant).where(
                here, participant.c.read >= seq, participant.c.floor <= seq, participant.c.userid != author
            )
            return [
                (one.userid, one.readat if one.readfrom < seq <= one.readto else 0)
                for one in connection.execute(wanted.order_by(participant.c.userid))
            ]

        return await self._read(userid, key, work)

    async def edits(self, userid: int, key: Key, seq: int) -> list[tuple[str, int]]:
        """`(content, at in ms)` of what an edited message has said, the first one first; none of a message that wasn't
        edited, or that was recalled."""

        def work(connection: Connection, conversation_id: int, floor: int) -> list[tuple[str, int]]:
            shown = self._message(connection, conversation_id, seq, floor)
            return versions.read(connection, conversation_id, shown) if shown.edited else []

        return await self._read(userid, key, work)

    async def of_kind(self, userid: int, key: Key, media: int, before: int, limit: int) -> Kind:
        """At most `limit` messages of this media before a seq, or of all for 0. `next` may be there though there are
        fewer: only so many messages are looked at."""

        def work(connection: Connection, conversation_id: int, floor: int) -> Kind:
            head = self._dialect.messages.head(connection, conversation_id)
            last = min(before - 1, head) if before else head
            first = max(last - LOOKED_AT + 1, floor)
            return _of_kind(self._downwards(connection, conversation_id, last, first), media, limit, first, floor)

        return await self._read(userid, key, work)

    def _downwards(self, connection: Connection, conversation_id: int, last: int, first: int) -> Iterator[bytes]:
        """The bodies of these messages, newest first, a few in memory at a time."""
        while last >= first:
            count = min(PIECE, last - first + 1)
            bodies, _ = self._dialect.messages.slice_before(connection, conversation_id, last, count, None)
            yield from reversed(bodies)
            last -= count

    def _message(self, connection: Connection, conversation_id: int, seq: int, floor: int) -> Shown:
        body = self._dialect.messages.body_at(connection, conversation_id, seq) if seq >= floor else None
        if body is None:
            raise NotFound(NO_MESSAGE)
        return decode_shown(body)

    async def _read(self, userid: int, key: Key, work: Callable[[Connection, int, int], T]) -> T:
        await self._indexing.written()

        def within(connection: Connection) -> T:
            conversation_id = conversation_table.id_of(self._dialect, connection, key)
            floor = conversation_id and conversation_table.floor_of(self._dialect, connection, userid, conversation_id)
            if not conversation_id or not floor:
                raise NotYours(NO_CONVERSATION)
            return work(connection, conversation_id, floor)

        return await self._database.read(within)


def _of_kind(bodies: Iterable[bytes], media: int, limit: int, first: int, floor: int) -> Kind:
    found: list[bytes] = []
    size = 0
    for body in bodies:
        looked = _looked(body)
        if looked.media != media or looked.recalled:
            continue
        if len(found) == limit or size >= FILE_BYTES:
            return Kind(found, _looked(found[-1]).seq)
        found.append(body)
        size += len(body)
    return Kind(found, first if first > floor else 0)
