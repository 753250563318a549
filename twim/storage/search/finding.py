"""Answering a search: the newest messages first that the caller may read and that have all of the words.

Segments tell which messages may be meant; what no segment has, as the newest messages, is read from the log. Either way
each message is looked at as it is now, together with the caller's right to read it (see `statements`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from twim.storage.database import Database
from twim.storage.dialect import Dialect
from twim.storage.interface import Key
from twim.storage.search import segments, statements
from twim.storage.search.directories import Directories
from twim.storage.search.pages import PAGES, Page, numbers_in, page_of
from twim.storage.search.segments import Segment
from twim.storage.search.statements import FETCHED, WINDOW
from twim.storage.search.texts import Said, said_in
from twim.storage.search.words import Question, Range, of_media, of_sender
from twim.wire.commands import TEXT
from twim.wire.message import ID_LIMIT, decode_shown, encode

LOOKED_AT: Final = 20_000  # messages that one search looks at: some 50 ms
WALKED: Final = 64  # windows of the log that it reads
TOGETHER: Final = (4, 16, 64)  # segments whose pages are read at once: the newest ones often are enough
PAGE_BYTES: Final = 256 * 1024  # of messages in one answer, of which the last may be large


class Search(NamedTuple):
    """What is looked for."""

    userid: int
    """Who asks."""
    words: Question
    limit: int
    before: int = 0
    """Only messages with a row id below this; 0 for all."""
    conversation_id: int = 0
    """Only in this conversation; 0 for all."""
    sender: int = 0
    media: int = 0
    since: int = 0
    """Only messages from this time on (ms), until that one."""
    until: int = ID_LIMIT

    def wants(self, said: Said) -> bool:
        """Whether it is one that is looked for."""
        return (
            (not self.sender or said.userid == self.sender)
            and (not self.media or said.media == self.media)
            and self.since <= said.at <= self.until
            and bool(said.text)
            and self.words.is_answered_by(said.text)
        )

    def lookups(self) -> list[Range]:
        """The entries of the index that it needs."""
        found = self.words.lookups()
        if self.sender:
            found.append(of_sender(self.sender))
        if self.media and self.media != TEXT:
            found.append(of_media(self.media))
        return found


class Found(NamedTuple):
    """A page of messages."""

    rows: list[bytes]
    """JSON: the messages, with `scope` and `dstid` as the caller names the conversation."""
    next: int
    """Before which row id to go on; 0 at the end."""


class SearchStore:
    """Searches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directories = Directories()

    async def find(self, search: Search) -> Found:
        """The newest messages that are looked for. A page may have fewer than asked for, or none, and still not be the
        last: only so many messages are looked at."""

        def work(connection: Connection) -> Found:
            return _Finding(self._database.dialect, connection, self._directories, search).found()

        return await self._database.read(work)

    async def conversation_of(self, userid: int, key: Key) -> int:
        """The id of the conversation, where the user takes part in it; else 0."""
        scope, a, b = key
        asked = {"b_user": userid, "b_scope": scope, "b_a": a, "b_b": b}
        fetch = self._database.dialect.fetch
        rows = await self._database.read(lambda connection: fetch(connection, statements.my_conversation, asked))
        return int(rows[0][0]) if rows else 0


class _Finding:
    def __init__(self, dialect: Dialect, connection: Connection, directories: Directories, search: Search) -> None:
        self._dialect = dialect
        self._connection = connection
        self._directories = directories
        self._search = search
        self._left = LOOKED_AT
        self._windows = WALKED
        self._rows: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._lookups = search.lookups()
        oldest, newest = self._fetch(statements.ends)[0]
        self._oldest = oldest
        self._top = min(search.before - 1, newest) if search.before else newest
        self._mine = [search.conversation_id] if search.conversation_id else self._all_mine()
        self._members = frozenset(self._mine)
        self._edited = [one for (one,) in self._fetch(statements.edited, b_last=self._top)]

    def found(self) -> Found:
        """See `SearchStore.find`."""
        if self._mine and self._top > 0:
            for reached in self._walk():
                limit = self._search.limit
                if len(self._rows) > limit or self._bytes >= PAGE_BYTES:
                    rows = self._rows[:limit]
                    return Found([row for _, row in rows], rows[-1][0])
                if self._left <= 0 or self._windows <= 0:
                    return Found([row for _, row in self._rows], reached if reached > self._oldest else 0)
        return Found([row for _, row in self._rows], 0)

    def _walk(self) -> Iterator[int]:
        """Look at what may be meant, the newest first. Gives the row ids down to which that is done."""
        at = self._top
        live = [one for one in segments.live(self._connection) if one.first <= at]
        for one, pages in self._with_pages(live):
            if one.last < at:
                yield from self._read_log(one.last + 1, at)
                at = one.last
            yield from self._look(one, pages, at)
            at = one.first - 1
        yield from self._read_log(self._oldest, at)

    def _with_pages(self, live: Sequence[Segment]) -> Iterator[tuple[Segment, dict[int, bytes]]]:
        numbers = sorted({page_of(one.first) for one in self._lookups})
        start = group = 0
        while start < len(live):
            some = live[start : start + TOGETHER[min(group, len(TOGETHER) - 1)]]
            ids = [one.id * PAGES + number for one in some if self._concerns(one) for number in numbers]
            pages = segments.read_pages(self._connection, ids)
            for one in some:
                yield one, pages
            start += len(some)
            group += 1

    def _concerns(self, one: Segment) -> bool:
        return one.since <= self._search.until and one.until >= self._search.since

    def _read_log(self, first: int, last: int) -> Iterator[int]:
        search = self._search
        statement = statements.between_of_one if search.conversation_id else statements.between
        asked = {"b_conversation": search.conversation_id} if search.conversation_id else {}
        while last >= first:
            start = max(first, last - WINDOW + 1)
            self._take(self._fetch(statement, b_user=search.userid, b_first=start, b_last=last, **asked))
            self._windows -= 1
            yield start
            last = start - 1

    def _look(self, one: Segment, pages: dict[int, bytes], last: int) -> Iterator[int]:
        meant = set(self._meant(one, pages)) if self._concerns(one) else set()
        meant.update(row_id for row_id in self._edited if row_id >= one.first)
        ids = sorted((row_id for row_id in meant if row_id <= last), reverse=True)
        for start in range(0, len(ids), FETCHED):
            some = ids[start : start + FETCHED]
            asked = {"b_user": self._search.userid, "b_ids": some}
            self._take(self._connection.execute(statements.of_ids, asked))
            yield some[-1]

    def _meant(self, one: Segment, pages: dict[int, bytes]) -> list[int]:
        """The row ids of messages of the caller's conversations that have all the entries."""
        found = []
        for entries in self._lookups:
            data = pages.get(one.id * PAGES + page_of(entries.first))
            numbers = Page(data).of(*entries) if data else ()
            if not numbers:
                return []
            found.append(numbers)
        found.sort(key=len)
        directory = self._directories.get(self._connection, one)
        left = directory.within(self._mine, self._members, found[0] if found else None)
        for numbers in found[1:]:
            left = numbers_in(left, numbers)
        return directory.ids(left)

    def _take(self, rows: Iterable[Any]) -> None:
        for row_id, scope, dstid, body in rows:
            self._left -= 1
            body = bytes(body)
            if self._search.wants(said_in(body)):
                row = _shown(scope, dstid, body)
                self._rows.append((row_id, row))
                self._bytes += len(row)
                if len(self._rows) > self._search.limit or self._bytes >= PAGE_BYTES:
                    return

    def _all_mine(self) -> list[int]:
        return [one for (one,) in self._fetch(statements.mine, b_user=self._search.userid)]

    def _fetch(self, statement: Any, **asked: int) -> Sequence[Sequence[Any]]:
        return self._dialect.fetch(self._connection, statement, asked)


def _shown(scope: int, dstid: int, body: bytes) -> bytes:
    """A message with the names that the caller has for its conversation."""
    shown = decode_shown(body)
    shown.dstid = dstid
    return b'{"scope":%d,' % scope + encode(shown)[1:]
