"""The log as its readers see it over REST."""

from __future__ import annotations

from twim.access.roster import Roster
from twim.errors import Malformed, NotYours
from twim.storage.conversations import Conversations, Row
from twim.storage.interface import key_of
from twim.storage.relations import Relations
from twim.wire.commands import GROUP, SCOPES, SINGLE


class History:
    """Lists and pages, for those who may read them."""

    def __init__(self, conversations: Conversations, relations: Relations, roster: Roster, epoch: str) -> None:
        self._conversations = conversations
        self._relations = relations
        self._roster = roster
        self.epoch = epoch

    async def conversations(self, userid: int) -> list[Row]:
        """The user's conversations, newest first."""
        return await self._conversations.rows(userid)

    async def page(
        self, userid: int, scope: int, dstid: int, before: int | None, after: int | None, limit: int
    ) -> tuple[list[bytes], int]:
        """`(messages ascending, head)`. Who was a user's friend once may still read what both said."""
        if scope not in SCOPES:
            raise Malformed("scope: 10 or 11")
        if scope == GROUP and not await self._is_member(userid, dstid):
            raise NotYours("you are not in that group")
        place = await self._conversations.seek(key_of(scope, userid, dstid))
        if place is None:
            if scope == SINGLE and dstid != userid and not await self._is_friend(userid, dstid):
                raise NotYours("not your friend")
            return [], 0
        page: tuple[list[bytes], int] = await self._conversations.page(place, before, after, limit)
        return page

    async def _is_member(self, userid: int, group: int) -> bool:
        present = self._roster.users.get(userid)
        circle = present or await self._relations.circle(userid)
        return group in circle.groups

    async def _is_friend(self, userid: int, dstid: int) -> bool:
        present = self._roster.users.get(userid)
        circle = present or await self._relations.circle(userid)
        return dstid in circle.friends
