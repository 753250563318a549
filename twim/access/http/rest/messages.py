"""``/message/…``: conversations and their history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import data, flag, identifier, optional, rows, text, whole
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.access.http.streaming import rows_in_pieces
from twim.errors import Malformed
from twim.hub.backlog import ANSWER_BYTES, LIST_BYTES, ROW_BYTES
from twim.logic.conversation_settings import ConversationSettings
from twim.logic.history import History
from twim.logic.link_previews import LinkPreviews
from twim.logic.message_details import MessageDetails
from twim.logic.message_search import MessageSearch
from twim.outbound.requests import LONGEST_URL
from twim.storage.conversation_pages import PAGE
from twim.storage.search.finding import Search
from twim.storage.search.words import Question
from twim.wire import envelope
from twim.wire.commands import CUSTOM
from twim.wire.message import ID_LIMIT, Shown

FILES: Final = 50  # messages in one page of a kind
FOUND: Final = 50  # messages in one page of what is found
QUESTION_CHARS: Final = 100
SCOPE: Final = whole("scope")
DSTID: Final = identifier("dstid")
SEQ: Final = identifier("seq")
BEFORE: Final = whole("before", -1, least=-1)
AFTER: Final = whole("after", -1, least=-1)
LIMIT: Final = whole("limit", 50, least=1, most=PAGE)
FLAGS: Final = tuple(optional(flag(one)) for one in ("mute", "pin", "hide"))
MEDIA: Final = whole("media", least=1, most=CUSTOM)
BEFORE_FILE: Final = whole("before", 0)
FILE_LIMIT: Final = whole("limit", 50, least=1, most=FILES)
QUESTION: Final = text("q", QUESTION_CHARS, least=1)
FOUND_LIMIT: Final = whole("limit", FOUND, least=1, most=FOUND)
URL: Final = text("url", LONGEST_URL, least=1)
SENDER: Final = whole("userid", 0)
OF_MEDIA: Final = whole("media", 0, most=CUSTOM)
SINCE: Final = whole("from", 0)
UNTIL: Final = whole("to", ID_LIMIT - 1)
SEARCH: Final = (QUESTION, optional(SCOPE), optional(DSTID), FOUND_LIMIT, BEFORE_FILE, SENDER, OF_MEDIA, SINCE, UNTIL)


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
        previews: LinkPreviews,
    ) -> None:
        self._authenticator = authenticator
        self._history = history
        self._details = details
        self._settings = settings
        self._searching = searching
        self._previews = previews

    @route(app, "/conversations", "GET", "POST", takes=(), gives=rows(answers.Row, epoch=str))
    async def conversations(self, request: Request, fields: Fields) -> AsyncIterator[bytes]:
        """The caller's conversations, newest first."""
        who = await self._authenticator.caller(request, fields, LIST_BYTES)
        rows = await self._history.conversations(who.userid)
        self._authenticator.change_quota(request, ANSWER_BYTES + len(rows) * ROW_BYTES)
        return rows_in_pieces(self._history.shown(rows), epoch=self._history.epoch)

    @route(app, "/history", "GET", "POST", takes=(SCOPE, DSTID, BEFORE, AFTER, LIMIT), gives=rows(Shown))
    async def history(self, request: Request, fields: Fields) -> bytes | AsyncIterator[bytes]:
        """A page of one conversation, ascending; without `before` and `after` the newest."""
        who = await self._authenticator.caller(request, fields)
        before = fields[BEFORE]
        after = fields[AFTER]
        if before >= 0 and after >= 0:
            raise Malformed("before or after, not both")
        messages, head = await self._history.page(
            who.userid,
            fields[SCOPE],
            fields[DSTID],
            before if before >= 0 else None,
            after if after >= 0 else None,
            fields[LIMIT],
        )
        if isinstance(messages, list):
            return envelope.stored_rows(messages, head)
        return rows_in_pieces(messages, head)

    @route(app, "/around", "GET", "POST", takes=(SCOPE, DSTID, SEQ, LIMIT), gives=rows(Shown))
    async def around(self, request: Request, fields: Fields) -> bytes | AsyncIterator[bytes]:
        """A page of one conversation with a message in its middle."""
        who = await self._authenticator.caller(request, fields)
        messages, head = await self._history.around(who.userid, *_conversation(fields), fields[SEQ], fields[LIMIT])
        if isinstance(messages, list):
            return envelope.stored_rows(messages, head)
        return rows_in_pieces(messages, head)

    @route(app, "/setting", takes=(SCOPE, DSTID, *FLAGS), gives=data(answers.ConversationSettings))
    async def setting(self, request: Request, fields: Fields) -> bytes:
        """Mute, pin or hide a conversation."""
        who = await self._authenticator.caller(request, fields)
        changed = {one.name: fields[one] for one in FLAGS if one.name in fields}
        return envelope.ok(await self._settings.change(who.userid, *_conversation(fields), changed))

    @route(app, "/readers", "GET", "POST", takes=(SCOPE, DSTID, SEQ), gives=rows(answers.Reader))
    async def readers(self, request: Request, fields: Fields) -> bytes:
        """Who has read a message."""
        who = await self._authenticator.caller(request, fields)
        seq = fields[SEQ]
        return envelope.rows(await self._details.readers(who.userid, *_conversation(fields), seq))

    @route(app, "/edits", "GET", "POST", takes=(SCOPE, DSTID, SEQ), gives=rows(answers.Version))
    async def edits(self, request: Request, fields: Fields) -> bytes:
        """What an edited message has said."""
        who = await self._authenticator.caller(request, fields)
        seq = fields[SEQ]
        return envelope.rows(await self._details.edits(who.userid, *_conversation(fields), seq))

    @route(
        app, "/files", "GET", "POST", takes=(SCOPE, DSTID, MEDIA, BEFORE_FILE, FILE_LIMIT), gives=rows(Shown, next=int)
    )
    async def files(self, request: Request, fields: Fields) -> bytes:
        """The messages of one kind in a conversation, newest first."""
        who = await self._authenticator.caller(request, fields)
        media, before = fields[MEDIA], fields[BEFORE_FILE]
        limit = fields[FILE_LIMIT]
        found = await self._details.of_kind(who.userid, *_conversation(fields), media, before, limit)
        return envelope.ROWS + b",".join(found.bodies) + envelope.rows_end(len(found.bodies), next=found.next)

    @route(app, "/preview", "GET", "POST", takes=(URL,), gives=data(answers.LinkPreview))
    async def preview(self, request: Request, fields: Fields) -> bytes:
        """What a page that a message links to says of itself."""
        who = await self._authenticator.caller(request, fields)
        return envelope.ok((await self._previews.of(who.userid, fields[URL]))._asdict())

    @route(app, "/search", "GET", "POST", takes=SEARCH, gives=rows(answers.FoundMessage, next=int))
    async def search(self, request: Request, fields: Fields) -> bytes:
        """The messages with some words, newest first."""
        who = await self._authenticator.caller(request, fields, own=("ownerid",))  # `userid` is the author
        search = Search(
            who.userid,
            Question(fields[QUESTION]),
            limit=fields[FOUND_LIMIT],
            before=fields[BEFORE_FILE],
            sender=fields[SENDER],
            media=fields[OF_MEDIA],
            since=fields[SINCE],
            until=fields[UNTIL],
        )
        where = _conversation(fields) if "scope" in fields or "dstid" in fields else (0, 0)
        found = await self._searching.find(search, *where)
        return envelope.ROWS + b",".join(found.rows) + envelope.rows_end(len(found.rows), next=found.next)


def _conversation(fields: Fields) -> tuple[int, int]:
    return fields[SCOPE], fields[DSTID]
