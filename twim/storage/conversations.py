"""Conversations as their participants see them: finding one, its history, its read marks, the list of all.

What the transactions do stands in `conversation_table`, `conversation_list` and `conversation_pages`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from twim.errors import NotYours, TooMany, Unavailable
from twim.storage import conversation_list, conversation_pages, conversation_table
from twim.storage.append import first_answers
from twim.storage.conversation_list import Row
from twim.storage.conversation_pages import NO_PART, PAGE, Page, SeqRange
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Conversation, Key
from twim.wire.commands import SINGLE

T = TypeVar("T")

TOGETHER: Final = 250  # conversations looked for in one transaction
MAX_WAITING: Final = 20_000  # requests that may wait for conversations to be found; more are refused
TRIES: Final = 3  # attempts to find conversations that other servers are making at the same time
KEPT: Final = 100_000  # conversations whose head is kept in memory, about 200 bytes each
LEAVING: Final = 1_000  # conversations that aren't kept any more and may have messages that aren't indexed


class Conversations:
    """Reads the log and moves read marks. Every method is one transaction on a thread of the storage, except where the
    answer is cached."""

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._dialect = database.dialect
        self._indexing = indexing
        # There is one object of a conversation at a time, since it carries the head: whoever still holds one that
        # isn't kept any more shares it with who asks next.
        self._alive: WeakValueDictionary[Key, Conversation] = WeakValueDictionary()
        self._kept: OrderedDict[Key, Conversation] = OrderedDict()
        # What is found has its head from the index. So whatever may have messages that aren't indexed yet stays alive.
        self._leaving: list[Conversation] = []
        # Who waits for which conversation, also of those that are being looked for: whoever asks for one of them
        # later stands in the same queue, so that no message overtakes an earlier one.
        self._queues: dict[Key, deque[Deferred[Conversation | None]]] = {}
        self._waiting = 0
        self._wanted: list[Key] = []
        self._finding = False

    def at_hand(self, key: Key) -> Conversation | None:
        """The conversation of `key` if it can be had at once: it is in memory, or in the pages of SQLite's cache. None
        also while it is being looked for, so that no message overtakes an earlier one."""
        if self._queues.get(key):
            return None
        if (found := self._alive.get(key)) is not None:
            return found
        if key in self._queues or len(self._leaving) >= LEAVING:
            return None
        if (found := self._database.backend.conversation_here(key)) is None:
            return None
        self._keep(key, found)
        return found

    def find(self, key: Key) -> Deferred[Conversation | None]:
        """The conversation of `key`. A single chat is made when it is new; None for a group that isn't there. Fails
        with `TooMany` when too many wait, as while the database hangs.

        What is asked for while others are looked for is looked for together: after a restart everybody's first
        message asks at once.
        """
        if (found := self.at_hand(key)) is not None:
            return succeed(found)
        queue = self._queues.get(key)
        if self._waiting >= MAX_WAITING:
            return fail(TooMany("the server is busy"))
        self._waiting += 1
        if queue is None:
            queue = self._queues[key] = deque()
            self._wanted.append(key)
        waiting: Deferred[Conversation | None] = Deferred()
        queue.append(waiting)
        if not self._finding:
            self._find_wanted()
        return waiting

    async def seek(self, key: Key) -> Conversation | None:
        """The conversation of `key` if there is one; makes none."""
        kept = self._alive.get(key)
        if kept is not None:
            return kept
        found = await self._read(partial(conversation_table.find, self._dialect, keys=[key]))
        return found.get(key)

    def _find_wanted(self) -> None:
        keys = self._wanted[:TOGETHER]
        del self._wanted[:TOGETHER]
        self._finding = True
        finding = Deferred.fromCoroutine(self._find_or_make(keys))
        finding.addBoth(self._found, keys)

    async def _find_or_make(self, keys: list[Key]) -> dict[Key, Conversation]:
        if (leaving := len(self._leaving)) >= LEAVING:
            await self._indexing.written()
            del self._leaving[:leaving]
        found = {key: alive for key in keys if (alive := self._alive.get(key)) is not None}
        for _ in range(TRIES):
            missing = [key for key in keys if key not in found]
            if missing:
                found |= await self._database.read(partial(conversation_table.find, self._dialect, keys=missing))
            new = [key for key in missing if key not in found and key[0] == SINGLE]
            if not new:
                break
            # Those that another server makes at the same moment are looked for once more.
            found |= await self._database.write(partial(self._dialect.make_missing, keys=new))
        return found

    def _found(self, result: Any, keys: list[Key]) -> None:
        # Kept before anything else is looked for, so that there is never a second object of one conversation.
        if isinstance(result, Failure):
            answers: dict[Key, Any] = dict.fromkeys(keys, result)
        else:
            answers = {key: result.get(key) or _absent(key) for key in keys}
        for key, found in answers.items():
            if isinstance(found, Conversation):
                self._keep(key, found)
        for key, found in answers.items():
            queue = self._queues[key]
            while queue:
                self._waiting -= 1
                queue.popleft().callback(found)
            del self._queues[key]
        self._finding = False
        if self._wanted:
            self._find_wanted()

    def _keep(self, key: Key, found: Conversation) -> None:
        self._alive[key] = self._kept[key] = found
        if len(self._kept) > KEPT:
            self._leaving.append(self._kept.popitem(last=False)[1])

    def cut(self, key: Key, floor: int) -> None:
        """What came before `floor` was deleted."""
        kept = self._alive.get(key)
        if kept is not None:
            kept.floor = max(kept.floor, floor)

    def rows(self, userid: int) -> Deferred[list[Row]]:
        """Every conversation of the user that has a message, newest first, without the messages themselves."""
        return self._read(lambda connection: conversation_list.rows_of(self._dialect, connection, userid))

    def lasts(self, rows: Sequence[Row], most: int) -> Deferred[list[bytes]]:
        """The newest messages of the first of these rows, as they were listed, until they are `most` bytes."""
        # The newest message of a conversation is never deleted, so none is missing.
        ids = [row.last_id for row in rows]
        return self._read(lambda connection: self._dialect.messages.bodies_of(connection, ids, most))

    def after(self, userid: int, wanted: Sequence[SeqRange], most: int) -> Deferred[tuple[list[bytes], list[SeqRange]]]:
        """Messages of `(conversation id, after, up to)`, ascending in each, until they are `most` bytes; and what is
        left to be read of them. None of those of which the user is no participant any more,
        nor of what the user may not read."""

        def work(connection: Connection) -> tuple[list[bytes], list[SeqRange]]:
            return conversation_pages.read_after(self._dialect, connection, userid, wanted, most)

        return self._read(work)

    def heads_of(self, userids: Sequence[int]) -> Deferred[dict[Key, int]]:
        """The newest seq of each conversation of these users that has a message. Not for SQLite."""
        return self._database.read(lambda connection: conversation_table.heads_of(connection, userids))

    def between(self, key: Key, after: int, up_to: int) -> Deferred[list[bytes]]:
        """The bodies of messages `after` < seq <= `up_to`, at most a page of them."""

        def work(connection: Connection) -> list[bytes]:
            conversation_id = conversation_table.id_of(self._dialect, connection, key)
            if conversation_id is None:
                return []
            return self._dialect.messages.bodies_after(connection, conversation_id, after, up_to, PAGE)

        return self._read(work)

    def page(
        self, conversation: Conversation, before: int | None, after: int | None, limit: int, most: int | None = None
    ) -> Deferred[Page]:
        """The page before or after a seq, the newest one without either; or its first messages, until they are
        `most` bytes."""

        def work(connection: Connection) -> Page:
            return conversation_pages.read_page(self._dialect, connection, conversation.id, before, after, limit, most)

        return self._read(work)

    def page_for(
        self, reader: int, key: Key, before: int | None, after: int | None, limit: int, most: int
    ) -> Deferred[Page | None]:
        """The same of the conversation of `key`; None if there is none. `NotYours` if `reader` is no participant."""

        def work(connection: Connection) -> Page | None:
            conversation_id = conversation_table.id_of(self._dialect, connection, key)
            if conversation_id is None:
                return None
            floor = conversation_table.floor_of(self._dialect, connection, reader, conversation_id)
            if floor is None:
                raise NotYours(NO_PART)
            return conversation_pages.read_page(
                self._dialect, connection, conversation_id, before, after, limit, most, floor
            )

        return self._read(work)

    def first_answer(self, userid: int, cid: str) -> Deferred[tuple[int, int, int, int] | None]:
        """`(scope, dstid, seq, at)` of the message that the user called `cid`; None if there is none."""
        asked = (userid, cid.encode())
        return self._read(lambda connection: first_answers(self._dialect, connection, [asked]).get(asked))

    def mark_read(
        self, userid: int, conversation: Conversation, seq: int, at: int = 0
    ) -> Deferred[tuple[int, int, bool]]:
        """Move the user's mark to `seq`, never back, at the time `at` (ms). Gives the head, where the mark
        stands, and whether it moved; beyond the head nothing moves. `NotYours` if the user is no participant of the
        conversation."""
        return self._database.write(
            lambda connection: conversation_pages.move_mark(self._dialect, connection, userid, conversation.id, seq, at)
        )

    def _read(self, work: Callable[[Connection], T]) -> Deferred[T]:
        written = self._indexing.written()
        return written.addCallbacks(lambda _: self._database.read(work), self._read_unwritten, errbackArgs=(work,))

    def _read_unwritten(self, failure: Failure, work: Callable[[Connection], T]) -> Deferred[T]:
        """While nothing can be written, as on a full disk, what follows from the log is made for this reader alone."""
        failure.trap(Unavailable)

        def made_and_undone(connection: Connection) -> T:
            self._dialect.write_index(connection)
            found = work(connection)
            connection.rollback()
            return found

        return self._database.write(made_and_undone)


def _absent(key: Key) -> Failure | None:
    """A group may not be there. Of a pair there is always one: it couldn't be found or made in time."""
    return Failure(TooMany("the server is busy")) if key[0] == SINGLE else None
