"""The REST side of the contract, one user's: paths, fields and the answer envelope.

Every call is a coroutine that returns what the envelope carries. It raises the `Refusal` that it tells,
with its HTTP status, or `Unreachable` when no answer of this protocol came: the server may or may not have
done what was asked.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, Protocol

import msgspec
import treq
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed, ResponseNeverReceived
from twisted.web.iweb import IAgent

from twim.client.said import Conversation, Page, Place
from twim.errors import Refusal

ANSWER_BYTES: Final = 16 * 1024 * 1024  # 200 messages of 8,000 characters, and their reactions
REQUEST_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
PAGE_ROWS: Final = 200  # the most a page of history may hold

_UNREACHED = (
    ConnectError,
    ConnectionLost,
    ConnectingCancelledError,
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
    """A user as the server shows it; `token` only in the answer to a login or registration."""

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
    """Around every answer."""

    code: int
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    rows: msgspec.Raw = msgspec.Raw(b"[]")
    total: int = 0


def http_client(reactor: Any) -> HTTPClient:
    """treq on `reactor`."""
    agent = Agent(reactor, connectTimeout=CONNECT_SECONDS, pool=HTTPConnectionPool(reactor))
    return client_of(agent)


def client_of(agent: IAgent) -> HTTPClient:
    """treq on an agent of the caller's, for another TLS policy or a proxy.

    Cookies are refused: the token goes in a header, and one client may serve several users.
    """
    return HTTPClient(agent, cookiejar=IndexableCookieJar(policy=DefaultCookiePolicy(allowed_domains=[])))


class Rest:
    """`url` is the server's root; `token` may be empty until login."""

    def __init__(self, clock: IReactorTime, requests: Requests, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._clock = clock
        self._requests = requests

    async def register(self, mobile: str, passwd: str, **profile: str) -> Account:
        """A new user (`nickname`, `avatar`, `sex`, `memo` may be given); later calls are this user's."""
        return self._logged_in(await self.call("/user/register", mobile=mobile, passwd=passwd, **profile))

    async def login(self, mobile: str, passwd: str) -> Account:
        """Later calls are this user's."""
        return self._logged_in(await self.call("/user/login", mobile=mobile, passwd=passwd))

    async def logout(self) -> None:
        """Ends the token."""
        await self.call("/user/logout")
        self.token = ""

    async def find(self, *, id: int = 0, mobile: str = "") -> Account:
        """The public user of that id or mobile."""
        wanted = {"id": id} if id else {"mobile": mobile}
        return msgspec.json.decode((await self.call("/user/find", **wanted)).data, type=Account)

    async def add_friend(self, userid: int) -> None:
        """Friends at once, or a request for them to approve, as the server is set up."""
        await self.call("/contact/addfriend", dstid=userid)

    async def friends(self) -> list[Account]:
        return msgspec.json.decode((await self.call("/contact/loadfriend")).rows, type=list[Account])

    async def create_group(self, name: str, **more: object) -> Community:
        """A group with the caller in it (`icon`, `cate`, `memo` may be given)."""
        answer = await self.call("/contact/createcommunity", name=name, **more)
        return msgspec.json.decode(answer.data, type=Community)

    async def join_group(self, groupid: int) -> None:
        await self.call("/contact/joincommunity", dstid=groupid)

    async def groups(self) -> list[Community]:
        return msgspec.json.decode((await self.call("/contact/loadcommunity")).rows, type=list[Community])

    async def conversations(self) -> list[Conversation]:
        """All of the caller's, newest first."""
        return msgspec.json.decode((await self.call("/message/conversations")).rows, type=list[Conversation])

    async def history(
        self, place: Place, *, before: int | None = None, after: int | None = None, limit: int = PAGE_ROWS
    ) -> Page:
        """`limit` messages next to `before` or `after` (a seq), ascending; the newest if neither is given."""
        edges = {name: seq for name, seq in (("before", before), ("after", after)) if seq is not None}
        answer = await self.call("/message/history", scope=place.scope, dstid=place.dstid, limit=limit, **edges)
        return msgspec.convert({"rows": msgspec.json.decode(answer.rows), "total": answer.total}, Page)

    async def upload(self, name: str, content: bytes, filetype: str = "") -> str:
        """The URL of what was stored; the server decides its type from the content."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        answer = await self._ask(
            "/attach/upload",
            data={"filetype": filetype} if filetype else {},
            files={"file": (name, kind, content)},
        )
        return msgspec.json.decode(answer.data, type=str)

    async def call(self, path: str, **fields: object) -> Envelope:
        """Any path: `fields` as a form."""
        return await self._ask(path, data={name: str(value) for name, value in fields.items()})

    def _logged_in(self, answer: Envelope) -> Account:
        account = msgspec.json.decode(answer.data, type=Account)
        self.token = account.token
        return account

    async def _ask(self, path: str, **body: object) -> Envelope:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        asking = Deferred.fromCoroutine(self._exchange(path, headers, body))
        try:
            status, content = await asking.addTimeout(REQUEST_SECONDS, self._clock)
        except _UNREACHED as error:
            raise Unreachable(f"{path}: {error}") from error
        return _opened(path, status, content)

    async def _exchange(self, path: str, headers: dict[str, str], body: dict[str, object]) -> tuple[int, bytes]:
        response = await self._requests.request("POST", self.url + path, headers=headers, reactor=self._clock, **body)
        content = bytearray()

        def collect(data: bytes) -> None:
            if len(content) <= ANSWER_BYTES:
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
