"""The REST calls of one user.

Every call is a coroutine that returns what the answer carries. It raises a `Refusal`, with the HTTP status, if the
server refuses the request, or `Unreachable` if no answer of this protocol comes: then the server may have done what was
asked, or not.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Coroutine
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Protocol
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import treq
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionLost
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

from twim.client.server_frames import Conversation, ConversationKey, FoundPage, Page
from twim.errors import Refusal
from twim.wire.message import Shown

ANSWER_BYTES: Final = 16 * 1024 * 1024  # enough for 200 messages of 8,000 characters, and their reactions
FILE_BYTES: Final = 64 * 1024 * 1024  # of a file, unless the caller takes more
REQUEST_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
PAGE_ROWS: Final = 200  # the most a page of history may hold
FOUND_ROWS: Final = 50  # the most a page of a search may hold

_UNREACHED = (
    ConnectError,
    ConnectionLost,
    ConnectingCancelledError,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
    TimeoutError,
)


class Unreachable(Exception):
    """The server gave no answer, or none of this protocol."""


class Requests(Protocol):
    """The part of `treq.client.HTTPClient` (and of `treq.testing.StubTreq`) that is used here."""

    @property
    def request(self) -> Callable[..., Deferred[Any]]: ...


class Account(msgspec.Struct):
    """A user as the server shows it. Only the answer to a login or a registration has a `token`."""

    id: int
    nickname: str = ""
    mobile: str = ""
    avatar: str = ""
    sex: str = "U"
    online: int = 0
    memo: str = ""
    createat: str = ""
    token: str = ""


class Community(msgspec.Struct):
    """A group."""

    id: int
    name: str = ""
    ownerid: int = 0
    icon: str = ""
    cate: int = 0
    memo: str = ""
    createat: str = ""


class Envelope(msgspec.Struct):
    """What every answer consists of."""

    code: int
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    rows: msgspec.Raw = msgspec.Raw(b"[]")
    total: int = 0
    next: int = 0


@implementer(IBodyProducer)
class Body:
    """The body of a request, given to the connection at once: what treq makes of bytes uses the timers of the reactor
    that `twisted.internet.reactor` names, which need not be the one that runs."""

    def __init__(self, content: bytes) -> None:
        self.length = len(content)
        self._content = content

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Twisted's hook."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Twisted's hook."""

    def resumeProducing(self) -> None:
        """Twisted's hook."""

    def stopProducing(self) -> None:
        """Twisted's hook."""


def multipart(fields: dict[str, str], name: str, kind: str, content: bytes) -> tuple[bytes, str]:
    """The body of a form with one file, and its media type (RFC 7578)."""
    boundary = uuid4().hex
    parts = [
        f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode() for field, value in fields.items()
    ]
    # As browsers escape it (RFC 7578 section 2, HTML Standard 4.10.21.8).
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = f'Content-Disposition: form-data; name="file"; filename="{quoted}"\r\nContent-Type: {kind}\r\n\r\n'
    parts.append(head.encode() + content)
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def http_client(reactor: Any) -> HTTPClient:
    """An HTTP client that uses `reactor`."""
    agent = Agent(reactor, connectTimeout=CONNECT_SECONDS, pool=HTTPConnectionPool(reactor))
    return client_of(agent)


def client_of(agent: IAgent) -> HTTPClient:
    """An HTTP client that uses the caller's agent, for another TLS policy or a proxy.

    It refuses cookies: the token is sent in a header, and one client may serve several users.
    """
    cookies = IndexableCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    return HTTPClient(agent, cookiejar=cookies, data_to_body_producer=Body)


class Rest:
    """`url` is the server's root. `token` may be empty until the user has logged in."""

    def __init__(self, clock: IReactorTime, requests: Requests, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._clock = clock
        self._requests = requests

    async def register(self, mobile: str, passwd: str, **profile: str) -> Account:
        """Register a new user; `profile` may have `nickname`, `avatar`, `sex`, and `memo`. Later calls are this
        user's."""
        return self._logged_in(await self.call("/user/register", mobile=mobile, passwd=passwd, **profile))

    async def login(self, mobile: str, passwd: str) -> Account:
        """Log in. Later calls are this user's."""
        return self._logged_in(await self.call("/user/login", mobile=mobile, passwd=passwd))

    async def logout(self) -> None:
        """Make the token invalid."""
        await self.call("/user/logout")
        self.token = ""

    async def find(self, *, id: int = 0, mobile: str = "") -> Account:
        """The user with that id or mobile number, as the public may see it."""
        wanted = {"id": id} if id else {"mobile": mobile}
        return msgspec.json.decode((await self.call("/user/find", **wanted)).data, type=Account)

    async def add_friend(self, userid: int) -> None:
        """Become friends, at once or when the other user approves: that is a setting of the server."""
        await self.call("/contact/addfriend", dstid=userid)

    async def friends(self) -> list[Account]:
        return msgspec.json.decode((await self.call("/contact/loadfriend")).rows, type=list[Account])

    async def create_group(self, name: str, **more: object) -> Community:
        """Create a group, of which the caller is a member; `more` may have `icon`, `cate`, and `memo`."""
        answer = await self.call("/contact/createcommunity", name=name, **more)
        return msgspec.json.decode(answer.data, type=Community)

    async def join_group(self, groupid: int) -> None:
        await self.call("/contact/joincommunity", dstid=groupid)

    async def groups(self) -> list[Community]:
        return msgspec.json.decode((await self.call("/contact/loadcommunity")).rows, type=list[Community])

    async def conversations(self) -> list[Conversation]:
        """All conversations of the caller, those with the newest messages first."""
        return msgspec.json.decode((await self.call("/message/conversations")).rows, type=list[Conversation])

    async def history(
        self,
        conversation: ConversationKey,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE_ROWS,
    ) -> Page:
        """`limit` messages directly before or after a seq, ascending. Without `before` and `after`, the newest ones."""
        edges = {name: seq for name, seq in (("before", before), ("after", after)) if seq is not None}
        answer = await self.call(
            "/message/history", scope=conversation.scope, dstid=conversation.dstid, limit=limit, **edges
        )
        return msgspec.convert({"rows": msgspec.json.decode(answer.rows), "total": answer.total}, Page)

    async def search(
        self,
        words: str,
        conversation: ConversationKey | None = None,
        *,
        userid: int = 0,
        media: int = 0,
        since: int = 0,
        until: int = 0,
        before: int = 0,
        limit: int = FOUND_ROWS,
    ) -> FoundPage:
        """The newest messages that have all of the words, of one conversation or of all, of one sender, of one kind,
        said from the time `since` until the time `until` (ms), before the `next` of another page. A page may have fewer
        than `limit` and not be the last."""
        asked = {"userid": userid, "media": media, "from": since, "to": until, "before": before}
        named = {} if conversation is None else {"scope": conversation.scope, "dstid": conversation.dstid}
        given = {name: value for name, value in asked.items() if value}
        answer = await self.call("/message/search", q=words, limit=limit, **named, **given)
        return msgspec.convert({"rows": msgspec.json.decode(answer.rows), "next": answer.next}, FoundPage)

    async def upload(self, name: str, content: bytes, filetype: str = "") -> str:
        """Upload a file. Gives its URL. The server decides by the content which type it has."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        answer = await self._ask(
            "/attach/upload", *multipart({"filetype": filetype} if filetype else {}, name, kind, content)
        )
        return msgspec.json.decode(answer.data, type=str)

    async def file(self, url: str, most: int = FILE_BYTES) -> bytes:
        """A file, by its URL as a message or an answer has it. `Refusal` of status 403 once that has expired, 413 for
        one of more than `most` bytes."""
        address = url if "://" in url else self.url + url
        status, content = await self._within(url, self._collected("GET", address, {}, None, most))
        if status != 200:
            raise Refusal(f"the file is refused with status {status}", status=status)
        if len(content) > most:
            raise Refusal(f"the file has more than {most} bytes", status=413)
        return content

    async def file_of(self, conversation: ConversationKey, message: Shown, most: int = FILE_BYTES) -> bytes:
        """The file at the `url` of a message. If that has expired the message is asked for again."""
        try:
            return await self.file(message.url, most)
        except Refusal as refused:
            if refused.status != 403:
                raise
            page = await self.history(conversation, before=message.seq + 1, limit=1)
            found = page.rows[0] if page.rows and page.rows[0].seq == message.seq else None
            if found is None or not found.url or found.url == message.url:
                raise
            return await self.file(found.url, most)

    async def call(self, path: str, **fields: object) -> Envelope:
        """Call any path, with `fields` as a form."""
        form = urlencode({name: str(value) for name, value in fields.items()})
        return await self._ask(path, form.encode(), "application/x-www-form-urlencoded")

    def _logged_in(self, answer: Envelope) -> Account:
        account = msgspec.json.decode(answer.data, type=Account)
        self.token = account.token
        return account

    async def _ask(self, path: str, body: bytes, kind: str) -> Envelope:
        headers = {"Content-Type": kind}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        exchange = self._collected("POST", self.url + path, headers, body, ANSWER_BYTES)
        return _opened(path, *await self._within(path, exchange))

    async def _within(self, path: str, exchange: Coroutine[Any, Any, tuple[int, bytes]]) -> tuple[int, bytes]:
        try:
            return await Deferred.fromCoroutine(exchange).addTimeout(REQUEST_SECONDS, self._clock)
        except _UNREACHED as error:
            raise Unreachable(f"{path}: {error}") from error

    async def _collected(
        self, method: str, address: str, headers: dict[str, str], body: bytes | None, most: int
    ) -> tuple[int, bytes]:
        """Status and content, of which no more is kept once it has more than `most` bytes."""
        response = await self._requests.request(method, address, headers=headers, reactor=self._clock, data=body)
        content = bytearray()

        def collect(data: bytes) -> None:
            if len(content) <= most:
                content.extend(data)

        await treq.collect(response, collect)
        return response.code, bytes(content)


def _opened(path: str, status: int, content: bytes) -> Envelope:
    try:
        envelope = msgspec.json.decode(content[: ANSWER_BYTES + 1], type=Envelope)
    except msgspec.MsgspecError:
        raise Unreachable(f"{path}: status {status} without the envelope") from None
    if envelope.code != 0 or status != 200:
        raise Refusal(envelope.msg, code=envelope.code or None, status=status)
    return envelope
