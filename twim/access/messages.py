"""``/message/…``: conversations and their history."""

from __future__ import annotations

from klein import Klein
from twisted.web.server import Request

from twim.access.door import Door, route
from twim.access.fields import Fields
from twim.errors import Malformed
from twim.logic.history import History
from twim.storage.conversations import PAGE
from twim.wire import envelope


class Messages:
    """The routes of the log."""

    app = Klein()

    def __init__(self, door: Door, history: History) -> None:
        self._door = door
        self._history = history

    @route(app, "/conversations", "GET", "POST")
    async def conversations(self, request: Request, fields: Fields) -> bytes:
        """The caller's conversations, newest first."""
        who = await self._door.caller(request, fields)
        rows = await self._history.conversations(who.userid)
        return envelope.joined_rows([row.json() for row in rows], len(rows), epoch=self._history.epoch)

    @route(app, "/history", "GET", "POST")
    async def history(self, request: Request, fields: Fields) -> bytes:
        """A page of one conversation, ascending; without `before` and `after` the newest."""
        who = await self._door.caller(request, fields)
        before = fields.whole("before", -1, least=-1)
        after = fields.whole("after", -1, least=-1)
        if before >= 0 and after >= 0:
            raise Malformed("before or after, not both")
        bodies, head = await self._history.page(
            who.userid,
            fields.whole("scope"),
            fields.id("dstid"),
            before if before >= 0 else None,
            after if after >= 0 else None,
            fields.whole("limit", 50, least=1, most=PAGE),
        )
        return envelope.joined_rows(bodies, head)
