"""Writing the index of words: new segments from the log, a large one from small ones, and what has to be put right.

All of it follows from the log, after the commit that stored it, in short transactions with pauses between them. Nothing
is lost by a crash: what was begun is thrown away, and what no segment has is found again by looking. Where several
nodes share the database one at a time does it; should two, the later one's work is thrown away.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import thread_time
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, bindparam, select, update

from twim.storage.database import Database
from twim.storage.schema import message
from twim.storage.search import segments
from twim.storage.search.draft import Draft
from twim.storage.search.pages import PAGES, Directory, Page, pack_directory, pack_page, page_of
from twim.storage.search.segments import Overview, Segment
from twim.storage.search.tables import BUILDING, DEAD, LIVE, page
from twim.storage.search.texts import said_in
from twim.storage.search.words import entries_of, entry_of_media, entry_of_sender
from twim.wire.commands import TEXT

T = TypeVar("T")
Pace = Callable[[float], Awaitable[None]]
"""Waits after work that took so many seconds of CPU."""

PIECE: Final = 512  # messages read at once: some milliseconds
WRITTEN: Final = 64  # pages written in one transaction: few milliseconds on SQLite, whose one writer they keep
MERGED: Final = 4  # pages that are merged at once
KEPT_MS: Final = 60_000  # how long the pages of a dead segment stay, for searches that have begun

_piece = (
    select(message.c.id, message.c.conversation, message.c.body)
    .where(message.c.id >= bindparam("b_first"), message.c.id <= bindparam("b_last"))
    .order_by(message.c.id)
)
_replace = update(page).where(page.c.id == bindparam("b_id")).values(data=bindparam("b_data"))


class SearchIndexing:
    """Writes the index. Each method is a row of transactions, between which `pace` waits."""

    def __init__(self, database: Database, now_ms: Callable[[], int], pace: Pace) -> None:
        self._database = database
        self._dialect = database.dialect
        self._now_ms = now_ms
        self._pace = pace

    async def overview(self) -> Overview:
        """How far the index is."""
        return await self._read(segments.overview)

    async def build(self, first: int, last: int) -> bool:
        """Index the messages with these row ids, or the first of them where they have too many words. False where
        another node was faster."""
        changes = list(await self._read(lambda c: segments.changes_between(c, first, last)))
        draft = Draft(first)

        def add(connection: Connection, start: int, end: int) -> None:
            asked = {"b_first": start, "b_last": end}
            for row_id, conversation_id, body in self._dialect.fetch(connection, _piece, asked):
                draft.add(row_id, conversation_id, bytes(body))

        for start in range(first, last + 1, PIECE):
            end = min(start + PIECE - 1, last)
            await self._read(partial(add, start=start, end=end))
            if draft.is_full:
                # The rest is the next that isn't indexed.
                last = end
                break
        segment_id = await self._write(lambda c: segments.begin(c, first, last, self._now_ms()))
        messages = draft.count
        await self._run(draft.order)
        for start in range(0, draft.count, PIECE):
            await self._run(partial(draft.index, start, start + PIECE))
        await self._run(draft.close)
        for number in range(0, PAGES, WRITTEN):
            pages = await self._run(partial(draft.pages, number, number + WRITTEN))
            await self._write(partial(segments.write_pages, segment_id=segment_id, pages=pages))
        values = {"since": draft.since, "until": draft.until, "messages": messages, "directory": draft.directory}
        return await self._finish(segment_id, values, (), changes)

    async def merge(self, parts: Sequence[Segment]) -> bool:
        """Make one segment of these, which follow each other, the oldest first."""
        first, last = parts[0].first, parts[-1].last

        def combine(connection: Connection) -> tuple[bytes, list[array[int]]]:
            return _combined([Directory(one.first, segments.directory_of(connection, one.id)) for one in parts], first)

        directory, numbers = await self._read(combine)
        segment_id = await self._write(lambda c: segments.begin(c, first, last, self._now_ms()))

        def merged(connection: Connection, start: int) -> dict[int, bytes]:
            ids = [one.id * PAGES + number for one in parts for number in range(start, start + MERGED)]
            found = segments.read_pages(connection, ids)
            made = {}
            for number in range(start, start + MERGED):
                entries: dict[int, list[int]] = {}
                for one, new in zip(parts, numbers, strict=True):
                    for entry, some in Page(found.get(one.id * PAGES + number, b"")).items():
                        entries.setdefault(entry, []).extend([new[n] for n in some])
                if entries:
                    made[number] = pack_page({entry: sorted(some) for entry, some in entries.items()})
            return made

        for start in range(0, PAGES, MERGED):
            pages = await self._read(partial(merged, start=start))
            await self._write(partial(segments.write_pages, segment_id=segment_id, pages=pages))
        values = {
            "since": min((one.since for one in parts if one.since), default=0),
            "until": max(one.until for one in parts),
            "messages": sum(map(len, numbers)),
            "directory": directory,
        }
        return await self._finish(segment_id, values, parts, ())

    async def repair(self, one: Segment) -> None:
        """Put right what a segment has of messages that changed."""

        def look(connection: Connection) -> tuple[list[int], set[int], dict[int, set[int]]]:
            changes = segments.changes_between(connection, one.first, one.last)
            directory = Directory(one.first, segments.directory_of(connection, one.id))
            numbers = directory.numbers_of(changes.values())
            return list(changes), set(numbers.values()), self._entries_now(connection, numbers)

        changes, numbers, added = await self._read(look)

        def mend(connection: Connection, start: int) -> None:
            ids = [one.id * PAGES + number for number in range(start, start + WRITTEN)]
            found = segments.read_pages(connection, ids, locked=True)
            new: dict[int, bytes] = {}
            for row_id in ids:
                data = _mended(found.get(row_id, b""), numbers, row_id - one.id * PAGES, added)
                if data is not None and row_id in found:
                    connection.execute(_replace, {"b_id": row_id, "b_data": data})
                elif data is not None:
                    new[row_id - one.id * PAGES] = data
            segments.write_pages(connection, one.id, new)

        if numbers:
            for start in range(0, PAGES, WRITTEN):
                await self._write(partial(mend, start=start))
        await self._write(lambda c: segments.forget_changes(c, changes))

    def _entries_now(self, connection: Connection, numbers: dict[int, int]) -> dict[int, set[int]]:
        """The entries of these messages as they are now, each with its messages' numbers."""
        found: dict[int, set[int]] = {}
        ids = sorted(numbers)
        for start in range(0, len(ids), PIECE):
            wanted = select(message.c.id, message.c.body).where(message.c.id.in_(ids[start : start + PIECE]))
            for row_id, body in connection.execute(wanted):
                said = said_in(bytes(body))
                if not said.text:
                    continue
                media = [entry_of_media(said.media)] if said.media != TEXT else []
                for entry in (*entries_of(said.text), entry_of_sender(said.userid), *media):
                    found.setdefault(entry, set()).add(numbers[row_id])
        return found

    async def tidy(self, seen: Overview, mine: bool) -> None:
        """Delete what nobody needs: segments of messages that are all deleted, those that took another's place, and,
        while this node writes none and is the only one that may, those that a crash has left unfinished."""
        now = self._now_ms()
        gone = [one.id for one in seen.segments if one.state == LIVE and one.last < seen.oldest]
        gone += [one.id for one in seen.segments if mine and one.state == BUILDING]
        if gone:
            await self._write(lambda c: segments.kill(c, gone, now))
        kept = min([seen.oldest, *(one.first for one in seen.live)])
        if min(seen.changed, default=kept) < kept:
            await self._write(partial(segments.forget_changes_before, oldest=kept))
        for one in seen.segments:
            if one.state == DEAD and one.at < now - KEPT_MS:
                for start in range(0, PAGES, WRITTEN):
                    await self._write(
                        partial(segments.delete_pages, segment_id=one.id, first=start, end=start + WRITTEN)
                    )
                await self._write(partial(segments.forget, segment_id=one.id))

    async def _finish(
        self, segment_id: int, values: dict[str, Any], replaced: Sequence[Segment], changes: Sequence[int]
    ) -> bool:
        values = values | {"at": self._now_ms()}
        return await self._write(lambda c: segments.finish(c, segment_id, values, replaced, changes))

    async def _run(self, work: Callable[[], T]) -> T:
        """Work that needs no database, in a thread of the storage all the same."""
        return await self._read(lambda _: work())

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._timed(self._database.read, work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._timed(lambda timed: self._database.write(timed, synced=False), work)

    async def _timed(
        self,
        run: Callable[[Callable[[Connection], tuple[T, float]]], Awaitable[tuple[T, float]]],
        work: Callable[[Connection], T],
    ) -> T:
        def timed(connection: Connection) -> tuple[T, float]:
            began = thread_time()
            result = work(connection)
            return result, thread_time() - began

        result, took = await run(timed)
        await self._pace(took)
        return result


def _combined(directories: Sequence[Directory], first: int) -> tuple[bytes, list[array[int]]]:
    """One directory of several, and by what number each message of each is known in it."""
    conversations: dict[int, list[int]] = {}
    for one in directories:
        for place, conversation_id in enumerate(one.conversations):
            some = one.offsets[one.starts[place] : one.starts[place + 1]]
            conversations.setdefault(conversation_id, []).extend([one.first + offset for offset in some])
    data, numbers = pack_directory(conversations, first)
    return data, [array("H", (numbers[one.first + offset] for offset in one.offsets)) for one in directories]


def _mended(data: bytes, numbers: set[int], page_number: int, added: dict[int, set[int]]) -> bytes | None:
    """The page without these messages and with the entries that they have now; None where it stays as it is."""
    old = Page(data)
    more = {entry: some for entry, some in added.items() if page_of(entry) == page_number}
    if not more and numbers.isdisjoint(old.numbers):
        return None
    entries = {entry: [one for one in some if one not in numbers] for entry, some in old.items()}
    for entry, some in more.items():
        entries.setdefault(entry, []).extend(some)
    return pack_page({entry: sorted(set(some)) for entry, some in entries.items() if some})
