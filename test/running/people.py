"""The users of a test: registered users, plain sockets that show every frame, and clients that keep everything."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import msgspec
import pytest_twisted
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import deferLater

from test.talking import Talking
from twim.client import ConversationKey, ImClient, Listener, Picture, Position, Rest, conversation_of, http_client
from twim.wire.message import Shown

reactor: Any = _reactor
running = pytest_twisted.ensureDeferred

PATIENCE = 60  # seconds for anything that must happen
POLL = 0.02
PASSWD = "secret-1"
_mobiles = itertools.count(13_800_000_000)


def soon(waiting: Deferred[Any], seconds: float = PATIENCE) -> Deferred[Any]:
    """The same Deferred, with a timeout."""
    return waiting.addTimeout(seconds, reactor)


async def until(happened: Any, seconds: float = PATIENCE, what: str | Callable[[], str] = "") -> None:
    """Poll until `happened()` is true; `what` is the text of the failure if it never is."""
    deadline = reactor.seconds() + seconds
    while not happened():
        late = reactor.seconds() >= deadline
        assert not late, f"not in {seconds} s: {what() if callable(what) else what}"
        await deferLater(reactor, POLL)


def new_mobile() -> str:
    return str(next(_mobiles))


class Person:
    """A registered user. `rest` is logged in."""

    def __init__(self, rest: Rest, id: int, mobile: str) -> None:
        self.rest = rest
        self.id = id
        self.mobile = mobile

    @property
    def url(self) -> str:
        return self.rest.url

    async def device(self, **how: Any) -> Device:
        """An open bare socket that has not asked for a catch-up."""
        return await bare_device(f"{self.url}/chat?id={self.id}&token={self.rest.token}", **how)

    def client(self, url: str = "", position: Position | None = None, seed: int = 0) -> Kept:
        """A client that isn't connected yet. `url` may lead to the server by another way."""
        rest = self.rest if not url else Rest(reactor, http_client(reactor), url, self.rest.token)
        listener = Kept()
        listener.client = ImClient(reactor, rest, self.id, listener, position, random=Random(seed or self.id))
        return listener

    async def refusal(self, path: str, **fields: object) -> Any:
        """The `Refusal` that the call raises. AssertionError if it succeeds."""
        from twim.errors import Refusal

        try:
            await self.rest.call(path, **fields)
        except Refusal as refused:
            return refused
        raise AssertionError(f"{path} was not refused")


async def person(url: str, **profile: str) -> Person:
    """Register a new user."""
    rest = Rest(reactor, http_client(reactor), url)
    mobile = new_mobile()
    account = await rest.register(mobile, PASSWD, **profile)
    return Person(rest, account.id, mobile)


async def friends(url: str, count: int = 2) -> list[Person]:
    """Register users who are all friends of each other."""
    people = [await person(url) for _ in range(count)]
    for one, other in itertools.combinations(people, 2):
        await one.rest.add_friend(other.id)
    return people


async def group(people: list[Person], name: str = "group") -> int:
    """Make a group of these users, whose new members may read everything; the first user owns it."""
    made = await people[0].rest.call("/contact/createcommunity", name=name, history="all")
    number = int(msgspec.json.decode(made.data)["id"])
    for member in people[1:]:
        await member.rest.join_group(number)
    return number


class _BareProtocol(WebSocketClientProtocol):
    device: Device

    def onOpen(self) -> None:
        self.device.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.device.took(json.loads(payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.device.ended(self.remoteCloseCode or code, self.wasNotCleanReason or reason or "")


class Device(Talking):
    """A plain WebSocket. `heard` has every frame that arrived; `hear` takes the next one that matches."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.opened: Deferred[None] = Deferred()
        self.closed: Deferred[int] = Deferred()
        self.code: int | None = None
        self.protocol: Any = None
        self._unread: list[dict[str, Any]] = []

    def took(self, frame: dict[str, Any]) -> None:
        self.heard.append(frame)
        self._unread.append(frame)

    def ended(self, code: int | None, reason: str) -> None:
        self.code = code or 0
        if not self.opened.called:
            self.opened.errback(ConnectionError(reason))
        self.closed.callback(self.code)

    def say(self, **frame: Any) -> None:
        self.protocol.sendMessage(json.dumps(frame).encode())

    def say_raw(self, payload: bytes, binary: bool = False) -> None:
        self.protocol.sendMessage(payload, binary)

    async def hear(self, **wanted: Any) -> dict[str, Any]:
        """Take the first frame that has all of `wanted` and was not taken yet."""
        found: list[dict[str, Any]] = []

        def fits() -> bool:
            fitting = [f for f in self._unread if all(f.get(k, 0) == v for k, v in wanted.items())]
            found.extend(fitting[:1])
            return bool(fitting) or self.code is not None

        await until(fits, what=f"a frame with {wanted} in {self.heard[-5:]}")
        assert found, f"closed with {self.code} before a frame with {wanted}"
        self._unread.remove(found[0])
        return found[0]

    async def quiet(self) -> list[dict[str, Any]]:
        """The frames not taken yet, without presence, after the server has handled everything that was sent."""
        self.say(cmd=0)
        await self.hear(cmd=0)
        return [frame for frame in self._unread if frame["cmd"] != 7]

    async def close(self) -> None:
        if self.code is None:
            self.protocol.sendClose(1000)
            await soon(self.closed)


async def bare_device(url: str, headers: dict[str, str] | None = None, origin: str | None = None) -> Device:
    """An open socket at that URL. ConnectionError with the refusal's text when the upgrade is refused."""
    address = url.replace("http://", "ws://")
    factory = WebSocketClientFactory(address, reactor=reactor, headers=headers or {}, origin=origin)
    factory.setProtocolOptions(closeHandshakeTimeout=5, maxMessagePayloadSize=0)
    factory.protocol = _BareProtocol
    device = Device()
    protocol: Any = await HostnameEndpoint(reactor, factory.host, factory.port).connect(factory)
    device.protocol, protocol.device = protocol, device
    await soon(device.opened)
    return device


class Kept(Listener):
    """A client and everything that it was given: messages by conversation, in the order given, and how they are
    shown."""

    client: ImClient

    def __init__(self) -> None:
        self.messages: dict[ConversationKey, list[Shown]] = {}
        self.pictures: dict[ConversationKey, Picture] = {}
        self.resets = 0
        self.reads: dict[tuple[ConversationKey, int], int] = {}
        self.changes: list[str] = []

    def message(self, client: ImClient, message: Shown) -> None:
        conversation = conversation_of(message, client.userid)
        self.messages.setdefault(conversation, []).append(message)
        self.pictures.setdefault(conversation, Picture()).add(message)

    def read(self, client: ImClient, conversation: ConversationKey, userid: int, seq: int) -> None:
        self.reads[conversation, userid] = seq

    def changed(self, client: ImClient, what: str, fields: dict[str, Any]) -> None:
        self.changes.append(what)

    def reset(self, client: ImClient) -> None:
        self.resets += 1
        self.messages.clear()
        self.pictures.clear()

    def seqs(self, conversation: ConversationKey) -> list[int]:
        return [message.seq for message in self.messages.get(conversation, [])]

    async def connected(self) -> Kept:
        await soon(self.client.connect())
        return self


async def close_all(devices: Iterable[Device | Kept]) -> None:
    """Close all clients and devices, so that none is connected to the next test's server."""
    for device in devices:
        await (device.close() if isinstance(device, Device) else soon(device.client.close()))


async def whole_history(one: Person, conversation: ConversationKey) -> list[Shown]:
    """Every page of a conversation, ascending."""
    rows: list[Shown] = []
    while True:
        page = await one.rest.history(conversation, after=rows[-1].seq if rows else 0)
        rows += page.rows
        # Up to the head at the time when the page was read, since others may be writing.
        if not page.rows or len(rows) >= page.total:
            assert len(rows) == page.total
            return rows
