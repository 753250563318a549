"""``/message/…``: conversations and their history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.fields import Fields
from twim.access.http.route import route
from twim.access.http.streaming import rows_in_pieces
from twim.errors import Malformed
from twim.hub.backlog import ANSWER_BYTES, LIST_BYTES, ROW_BYTES
from twim.logic.conversation_settings import ConversationSettings
from twim.logic.history import History
from twim.logic.message_details import MessageDetails
from twim.logic.message_search import MessageSearch
from twim.storage.conversation_pages import PAGE
from twim.storage.search.finding import Search
from twim.storage.search.words import Question
from twim.wire import envelope
from twim.wire.commands import CUSTOM
from twim.wire.message import ID_LIMIT

FILES: Final = 50  # messages in one page of a kind
FOUND: Final = 50  # messages in one page of what is found
QUESTION_CHARS: Final = 100


class Messages:
    """The routes of the log."""

    app = Klein()

    def __init__(
        self,
        authenticator: Authenticator,
        history: History,
        details: MessageDetails,
        settings: ConversationSettings,
        searching: MessageSearch,
    ) -> None:
        self._authenticator = authenticator
        self._history = history
        self._details = details
        self._settings = settings
        self._searching = searching

    @route(app, "/conversations", "GET", "POST")
    async def conversations(self, request: Request, fields: Fields) -> AsyncIterator[bytes]:
        """The caller's conversations, newest first."""
        who = await self._authenticator.caller(request, fields, LIST_BYTES)
        rows = await self._history.conversations(who.userid)
        self._authenticator.change_quota(request, ANSWER_BYTES + len(rows) * ROW_BYTES)
        return rows_in_pieces(self._history.shown(rows), epoch=self._history.epoch)

    @route(app, "/history", "GET", "POST")
    async def history(self, request: Request, fields: Fields) -> bytes | AsyncIterator[bytes]:
        """A page of one conversation, ascending; without `before` and `after` the newest."""
        who = await self._authenticator.caller(request, fields)
        before = fields.whole("before", -1, least=-1)
        after = fields.whole("after", -1, least=-1)
        if before >= 0 and after >= 0:
            raise Malformed("before or after, not both")
        messages, head = await self._history.page(
            who.userid,
            fields.whole("scope"),
            fields.id("dstid"),
            before if before >= 0 else None,
            after if after >= 0 else None,
            fields.whole("limit", 50, least=1, most=PAGE),
        )
        if isinstance(messages, list):
            return envelope.stored_rows(messages, head)
        return rows_in_pieces(messages, head)

    @route(app, "/around", "GET", "POST")
    async def around(self, request: Request, fields: Fields) -> bytes | AsyncIterator[bytes]:
        """A page of one conversation with a message in its middle."""
        who = await self._authenticator.caller(request, fields)
        messages, head = await self._history.around(
            who.userid, *_conversation(fields), fields.whole("seq", least=1), fields.whole("limit", 50, 1, PAGE)
        )
        if isinstance(messages, list):
            return envelope.stored_rows(messages, head)
        return rows_in_pieces(messages, head)

    @route(app, "/setting")
    async def setting(self, request: Request, fields: Fields) -> bytes:
        """Mute, pin or hide a conversation."""
        who = await self._authenticator.caller(request, fields)
        changed = {name: fields.whole(name, most=1) for name in ("mute", "pin", "hide") if name in fields}
        return envelope.ok(await self._settings.change(who.userid, *_conversation(fields), changed))

    @route(app, "/readers", "GET", "POST")
    async def readers(self, request: Request, fields: Fields) -> bytes:
        """Who has read a message."""
        who = await self._authenticator.caller(request, fields)
        seq = fields.whole("seq", least=1)
        return envelope.rows(await self._details.readers(who.userid, *_conversation(fields), seq))

    @route(app, "/edits", "GET", "POST")
    async def edits(self, request: Request, fields: Fields) -> bytes:
        """What an edited message has said."""
        who = await self._authenticator.caller(request, fields)
        seq = fields.whole("seq", least=1)
        return envelope.rows(await self._details.edits(who.userid, *_conversation(fields), seq))

    @route(app, "/files", "GET", "POST")
    async def files(self, request: Request, fields: Fields) -> bytes:
        """The messages of one kind in a conversation, newest first."""
        who = await self._authenticator.caller(request, fields)
        media, before = fields.whole("media", least=1, most=CUSTOM), fields.whole("before", 0)
        limit = fields.whole("limit", 50, least=1, most=FILES)
        found = await self._details.of_kind(who.userid, *_conversation(fields), media, before, limit)
        return envelope.ROWS + b",".join(found.bodies) + envelope.rows_end(len(found.bodies), next=found.next)

    @route(app, "/search", "GET", "POST")
    async def search(self, request: Request, fields: Fields) -> bytes:
        """The messages with some words, newest first."""
        who = await self._authenticator.caller(request, fields)
        search = Search(
            who.userid,
            Question(fields.text("q", QUESTION_CHARS, least=1)),
            limit=fields.whole("limit", FOUND, least=1, most=FOUND),
            before=fields.whole("before", 0),
            sender=fields.whole("userid", 0),
            media=fields.whole("media", 0, most=CUSTOM),
            since=fields.whole("from", 0),
            until=fields.whole("to", ID_LIMIT),
        )
        where = _conversation(fields) if "scope" in fields or "dstid" in fields else (0, 0)
        found = await self._searching.find(search, *where)
        return envelope.ROWS + b",".join(found.rows) + envelope.rows_end(len(found.rows), next=found.next)


def _conversation(fields: Fields) -> tuple[int, int]:
    return fields.whole("scope"), fields.id("dstid")
