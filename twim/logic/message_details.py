"""What there is to know of single messages, as users ask for it."""

from __future__ import annotations

from twim.errors import Malformed
from twim.storage.interface import key_of
from twim.storage.message_details import Kind, MessageDetailStore
from twim.wire.commands import SCOPES


class MessageDetails:
    """Readers, edits and files, by the name that the user has for the conversation. `NotYours` and `NotFound` as of the
    store."""

    def __init__(self, store: MessageDetailStore) -> None:
        self._store = store

    async def readers(self, userid: int, scope: int, dstid: int, seq: int) -> list[dict[str, int]]:
        """Rows of those who have read a message."""
        found = await self._store.readers(userid, _key(scope, userid, dstid), seq)
        return [{"userid": reader, "at": at} for reader, at in found]

    async def edits(self, userid: int, scope: int, dstid: int, seq: int) -> list[dict[str, object]]:
        """Rows of what a message has said."""
        found = await self._store.edits(userid, _key(scope, userid, dstid), seq)
        return [{"content": content, "at": at} for content, at in found]

    async def of_kind(self, userid: int, scope: int, dstid: int, media: int, before: int, limit: int) -> Kind:
        """A page of the messages of one kind."""
        return await self._store.of_kind(userid, _key(scope, userid, dstid), media, before, limit)


def _key(scope: int, userid: int, dstid: int) -> tuple[int, int, int]:
    if scope not in SCOPES:
        raise Malformed("scope: 10 or 11")
    return key_of(scope, userid, dstid)
