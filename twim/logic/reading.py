"""Read marks: how far a user has read each conversation, told to the peer and to the user's other devices."""

from __future__ import annotations

from collections.abc import Callable

from twim.errors import NotYours, Refusal
from twim.hub.session import Session, SessionUser
from twim.logic.policy import check_participant, is_told
from twim.logic.routing import Routing
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, key_of
from twim.wire import envelope
from twim.wire.commands import SINGLE


class Reading:
    """Stores read marks, and tells the others of them."""

    def __init__(self, conversations: Conversations, routing: Routing, now_ms: Callable[[], int]) -> None:
        self._conversations = conversations
        self._routing = routing
        self._now_ms = now_ms

    async def read(self, session: Session, scope: int, dstid: int, seq: int) -> None:
        """The user of `session` has read up to `seq`. `Refusal` beyond the newest message."""
        userid = session.user.id
        conversation, tells = await self._find(session.user, scope, dstid)
        head, read_up_to, moved = await self._conversations.mark_read(userid, conversation, seq, self._now_ms())
        if seq > head:
            raise Refusal("seq: there is no such message")
        if not moved:
            return
        self._routing.to_users([userid], envelope.read(scope, dstid, userid, read_up_to), but=session)
        if tells and scope == SINGLE and dstid != userid:
            self._routing.to_users([dstid], envelope.read(SINGLE, userid, userid, read_up_to))
        self._routing.flush()

    async def _find(self, user: SessionUser, scope: int, dstid: int) -> tuple[Conversation, bool]:
        """The conversation, and whether its peer is to be told."""
        key = key_of(scope, user.id, dstid)
        try:
            check_participant(user, scope, dstid)
        except NotYours:
            # What two users said while they were friends stays in the list, where it must not stay unread for ever.
            conversation = await self._conversations.seek(key) if scope == SINGLE else None
            if conversation is None:
                raise
            return conversation, False
        conversation = await self._conversations.find(key)
        if conversation is None:
            raise Refusal("dstid: no such conversation")
        return conversation, is_told(user, scope, dstid)
