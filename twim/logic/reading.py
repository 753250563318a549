"""Read marks: how far a user has read each conversation, told to the peer and to the user's other devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twim.access.session import Session
from twim.errors import NotYours, Refusal
from twim.logic.policy import check_place
from twim.logic.routing import Routing
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, key_of
from twim.wire import envelope
from twim.wire.commands import SINGLE

if TYPE_CHECKING:
    from twim.access.roster import Present


class Reading:
    """Stores and tells read marks."""

    def __init__(self, conversations: Conversations, routing: Routing) -> None:
        self._conversations = conversations
        self._routing = routing

    async def read(self, session: Session, scope: int, dstid: int, seq: int) -> None:
        """The user of `session` has read up to `seq`. `Refusal` beyond the newest message."""
        userid = session.user.id
        place, tells = await self._find(session.user, scope, dstid)
        head, stands, moved = await self._conversations.mark_read(userid, place, seq)
        if seq > head:
            raise Refusal("seq: there is no such message")
        if not moved:
            return
        self._routing.to_users([userid], envelope.read(scope, dstid, userid, stands), but=session)
        if tells and scope == SINGLE and dstid != userid:
            self._routing.to_users([dstid], envelope.read(SINGLE, userid, userid, stands))
        self._routing.flush()

    async def _find(self, user: Present, scope: int, dstid: int) -> tuple[Conversation, bool]:
        """The conversation, and whether its peer is told."""
        key = key_of(scope, user.id, dstid)
        try:
            check_place(user, scope, dstid)
        except NotYours:
            # What two said while they were friends stays in the list, and must not stay unread there for ever.
            place = await self._conversations.seek(key) if scope == SINGLE else None
            if place is None:
                raise
            return place, False
        place = await self._conversations.find(key)
        if place is None:
            raise Refusal("dstid: no such conversation")
        return place, True
