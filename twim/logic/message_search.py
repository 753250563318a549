"""Searching messages, as users ask for it."""

from __future__ import annotations

from typing import Final

from twim.errors import Malformed, NotYours
from twim.hub.hub import Hub
from twim.limits.limits import Limits
from twim.storage.conversation_pages import NO_PART
from twim.storage.interface import key_of
from twim.storage.relations import RelationStore
from twim.storage.search.finding import Found, Search, SearchStore
from twim.wire.commands import GROUP, SCOPES, SINGLE

NOTHING: Final = Found([], 0)


class MessageSearch:
    """Searches what the caller may read."""

    def __init__(self, store: SearchStore, relations: RelationStore, hub: Hub, limits: Limits) -> None:
        self._store = store
        self._relations = relations
        self._hub = hub
        self._limits = limits

    async def find(self, search: Search, scope: int, dstid: int) -> Found:
        """A page of the messages that are looked for, in the conversation `scope:dstid`, or in all of the caller's
        where `scope` is 0. `TooMany`; `NotYours` for a conversation that the caller has no part in."""
        self._limits.search(search.userid)
        if scope:
            found = await self._conversation(search.userid, scope, dstid)
            if not found:
                return NOTHING
            search = search._replace(conversation_id=found)
        return NOTHING if search.words.is_empty else await self._store.find(search)

    async def _conversation(self, userid: int, scope: int, dstid: int) -> int:
        """The id of the conversation; 0 for a friend with whom there is none yet."""
        if scope not in SCOPES:
            raise Malformed("scope: 10 or 11")
        found = await self._store.conversation_of(userid, key_of(scope, userid, dstid))
        if not found and scope == GROUP:
            raise NotYours(NO_PART)
        if not found and scope == SINGLE and dstid != userid:
            user = self._hub.users.get(userid) or await self._relations.circle(userid)
            if dstid not in user.friends:
                raise NotYours("not your friend")
        return found
