"""The conversations and messages of the log, as users read them over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from twim.errors import Malformed, NotFound, NotYours
from twim.hub.hub import Hub
from twim.storage.conversation_list import Row
from twim.storage.conversation_pages import NO_PART, Page
from twim.storage.conversations import TOGETHER, Conversations
from twim.storage.interface import key_of
from twim.storage.relations import RelationStore
from twim.wire.commands import GROUP, SCOPES, SINGLE

SLICE: Final = 64 * 1024  # bytes of messages that are read in one transaction; they are sent before more are read


class History:
    """Lists and pages, for those who may read them."""

    def __init__(self, conversations: Conversations, relations: RelationStore, hub: Hub, epoch: str) -> None:
        self._conversations = conversations
        self._relations = relations
        self._hub = hub
        self.epoch = epoch

    async def conversations(self, userid: int) -> list[Row]:
        """The user's conversations, newest first, without their messages."""
        return await self._conversations.rows(userid)

    async def shown(self, rows: Sequence[Row]) -> AsyncIterator[list[bytes]]:
        """These as JSON, with their newest messages: some at a time, read when they are asked for."""
        async for some in shown(self._conversations, rows, SLICE):
            yield [row.json() for row in some]

    async def page(
        self, userid: int, scope: int, dstid: int, before: int | None, after: int | None, limit: int
    ) -> tuple[list[bytes] | AsyncIterator[list[bytes]], int]:
        """`(messages ascending, head)`; of many bytes the messages come some at a time, read when they are asked for.
        A user who was the other's friend once may still read what both said."""
        if scope not in SCOPES:
            raise Malformed("scope: 10 or 11")
        key = key_of(scope, userid, dstid)
        page = await self._conversations.page_for(userid, key, before, after, limit, SLICE)
        if page is None:
            if scope == GROUP:
                raise NotYours(NO_PART)
            if scope == SINGLE and dstid != userid and not await self._is_friend(userid, dstid):
                raise NotYours("not your friend")
            return [], 0
        if not page.left:
            return page.bodies, page.head
        return _in_slices(page, partial(self._conversations.page_for, userid, key, None)), page.head

    async def around(
        self, userid: int, scope: int, dstid: int, seq: int, limit: int
    ) -> tuple[list[bytes] | AsyncIterator[list[bytes]], int]:
        """The same of the page with `seq` in its middle. `NotFound` for a message that the user may not read."""
        check = partial(self._conversations.page_for, userid, key_of(scope, userid, dstid))
        if scope in SCOPES:
            this = await check(seq + 1, None, 1, SLICE)
            if this is not None and not (this.bodies and this.last == seq):
                raise NotFound("seq: there is no such message")
        return await self.page(userid, scope, dstid, None, max(0, seq - 1 - limit // 2), limit)

    async def _is_friend(self, userid: int, dstid: int) -> bool:
        user = self._hub.users.get(userid) or await self._relations.circle(userid)
        return dstid in user.friends


async def _in_slices(
    page: Page | None, more: Callable[[int, int, int], Awaitable[Page | None]]
) -> AsyncIterator[list[bytes]]:
    while page is not None:
        bodies, _, last, left = page
        page = None  # not kept while it is sent
        yield bodies
        if left:
            page = await more(last, left, SLICE)


async def shown(conversations: Conversations, rows: Sequence[Row], most: int) -> AsyncIterator[Sequence[Row]]:
    """The rows with their newest messages, some at a time: until these are `most` bytes. Not those of which their user
    may read nothing yet, or that are hidden."""
    rows = [row for row in rows if row.is_listed]
    at = 0
    while at < len(rows):
        some = rows[at : at + TOGETHER]
        lasts = await conversations.lasts(some, most)
        some = some[: len(lasts)]
        for row, last in zip(some, lasts, strict=True):
            row.last = last
        yield some
        for row in some:
            row.last = b""
        # So that the loop ends even if a message isn't there.
        at += len(lasts) or TOGETHER
