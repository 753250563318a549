"""How a user keeps a conversation, known at once to all of the user's devices."""

from __future__ import annotations

from twim.errors import Malformed, NotYours
from twim.logic.routing import Routing
from twim.storage.conversation_settings import NO_CONVERSATION, ConversationSettingStore
from twim.storage.interface import key_of
from twim.wire import envelope
from twim.wire.commands import SCOPES


class ConversationSettings:
    """Mutes, pins and hides conversations."""

    def __init__(self, store: ConversationSettingStore, routing: Routing) -> None:
        self._store = store
        self._routing = routing

    async def change(self, userid: int, scope: int, dstid: int, changed: dict[str, int]) -> dict[str, int]:
        """Change some of `mute`, `pin` and `hide`; gives all three. `NotYours` for a conversation that the user takes
        no part in."""
        if scope not in SCOPES:
            raise Malformed("scope: 10 or 11")
        if not changed:
            raise Malformed("mute, pin or hide: missing")
        now = await self._store.change(userid, key_of(scope, userid, dstid), changed)
        if now is None:
            raise NotYours(NO_CONVERSATION)
        # Also to the device that asked: one token may be used in several windows.
        self._routing.to_users([userid], envelope.changed("setting", scope=scope, dstid=dstid, **now))
        self._routing.flush()
        return now
