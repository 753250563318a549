"""Read marks: how far a user has read each conversation, told to the peer and to the user's other devices."""

from __future__ import annotations

from twim.access.session import Session
from twim.errors import Refusal
from twim.logic.routing import Routing
from twim.storage.conversations import Conversations
from twim.storage.interface import key_of
from twim.wire import envelope
from twim.wire.commands import SINGLE


class Reading:
    """Stores and tells read marks."""

    def __init__(self, conversations: Conversations, routing: Routing) -> None:
        self._conversations = conversations
        self._routing = routing

    async def read(self, session: Session, scope: int, dstid: int, seq: int) -> None:
        """The user of `session` has read up to `seq`. `Refusal` beyond the newest message."""
        userid = session.user.id
        place = await self._conversations.find(key_of(scope, userid, dstid))
        if place is None:
            raise Refusal("dstid: no such conversation")
        head, stands, moved = await self._conversations.mark_read(userid, place, seq)
        if seq > head:
            raise Refusal("seq: there is no such message")
        if not moved:
            return
        self._routing.to_users([userid], envelope.read(scope, dstid, userid, stands), but=session)
        if scope == SINGLE and dstid != userid:
            self._routing.to_users([dstid], envelope.read(SINGLE, userid, userid, stands))
        self._routing.flush()
