"""The people of a test: registered users, bare sockets that show every frame, full clients that keep all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest_twisted
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import deferLater

from twim.client import ImClient, Listener, Picture, Place, Position, Rest, http_client, place_of
from twim.wire.message import Shown

reactor: Any = _reactor
running = pytest_twisted.ensureDeferred

PATIENCE = 20  # seconds for anything that must happen
POLL = 0.02
PASSWD = "secret-1"
_mobiles = itertools.count(13_800_000_000)
_cids = itertools.count(1)


def soon(waiting: Deferred[Any], seconds: float = PATIENCE) -> Deferred[Any]:
    """The same, with a deadline."""
    return waiting.addTimeout(seconds, reactor)


async def until(happened: Any, seconds: float = PATIENCE, what: str | Callable[[], str] = "") -> None:
    """Poll until `happened()` is true; `what` says what didn't happen."""
    deadline = reactor.seconds() + seconds
    while not happened():
        late = reactor.seconds() >= deadline
        assert not late, f"not in {seconds} s: {what() if callable(what) else what}"
        await deferLater(reactor, POLL)


def new_mobile() -> str:
    return str(next(_mobiles))


def new_cid() -> str:
    return f"c{next(_cids)}"


class Person:
    """A registered user; `rest` is logged in."""

    def __init__(self, rest: Rest, id: int, mobile: str) -> None:
        self.rest = rest
        self.id = id
        self.mobile = mobile

    @property
    def url(self) -> str:
        return self.rest.url

    async def device(self, **how: Any) -> Device:
        """A bare socket, open, that has not asked for a catch-up."""
        return await bare_device(f"{self.url}/chat?id={self.id}&token={self.rest.token}", **how)

    def client(self, url: str = "", position: Position | None = None, seed: int = 0) -> Kept:
        """A full client, not connected yet; by way of `url` when that is another way to the server."""
        rest = self.rest if not url else Rest(reactor, http_client(reactor), url, self.rest.token)
        listener = Kept()
        listener.client = ImClient(reactor, rest, self.id, listener, position, random=Random(seed or self.id))
        return listener

    async def refusal(self, path: str, **fields: object) -> Any:
        """The `Refusal` of that call; AssertionError when it is none."""
        from twim.errors import Refusal

        try:
            await self.rest.call(path, **fields)
        except Refusal as refused:
            return refused
        raise AssertionError(f"{path} was not refused")


async def person(url: str, **profile: str) -> Person:
    """Somebody new."""
    rest = Rest(reactor, http_client(reactor), url)
    mobile = new_mobile()
    account = await rest.register(mobile, PASSWD, **profile)
    return Person(rest, account.id, mobile)


async def friends(url: str, count: int = 2) -> list[Person]:
    """People who are all friends of each other."""
    people = [await person(url) for _ in range(count)]
    for one, other in itertools.combinations(people, 2):
        await one.rest.add_friend(other.id)
    return people


async def group(people: list[Person], name: str = "group") -> int:
    """A group of these; the first owns it."""
    made = await people[0].rest.create_group(name)
    for member in people[1:]:
        await member.rest.join_group(made.id)
    return made.id


class _BareProtocol(WebSocketClientProtocol):
    device: Device

    def onOpen(self) -> None:
        self.device.opened.callback(None)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.device.took(json.loads(payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.device.ended(self.remoteCloseCode or code, self.wasNotCleanReason or reason or "")


class Device:
    """A socket without any cleverness. `heard` has every frame; `hear` takes the next that fits."""

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
        """The first frame not taken yet that has all of `wanted`."""
        found: list[dict[str, Any]] = []

        def fits() -> bool:
            fitting = [f for f in self._unread if all(f.get(k, 0) == v for k, v in wanted.items())]
            found.extend(fitting[:1])
            return bool(fitting) or self.code is not None

        await until(fits, what=f"a frame with {wanted} in {self.heard[-5:]}")
        assert found, f"closed with {self.code} before a frame with {wanted}"
        self._unread.remove(found[0])
        return found[0]

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Say it with a cid of its own (unless it has one), and give the answer."""
        frame = {"cid": new_cid()} | frame
        self.say(**frame)
        return await self.hear(cmd=1, cid=frame["cid"])

    async def caught_up(self, **how: Any) -> dict[str, Any]:
        """Ask for a catch-up, and give its last frame."""
        self.say(cmd=4, **how)
        return await self.hear(cmd=4)

    async def quiet(self) -> list[dict[str, Any]]:
        """What came and wasn't taken, presence aside, once the server has seen all that was said."""
        self.say(cmd=0)
        await self.hear(cmd=0)
        return [frame for frame in self._unread if frame["cmd"] != 7]

    def messages(self) -> list[dict[str, Any]]:
        return [frame for frame in self.heard if frame.get("cmd") in (10, 11)]

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
    """A full client and all it was given: messages by conversation in the order given, and their picture."""

    client: ImClient

    def __init__(self) -> None:
        self.messages: dict[Place, list[Shown]] = {}
        self.pictures: dict[Place, Picture] = {}
        self.resets = 0
        self.reads: dict[tuple[Place, int], int] = {}
        self.changes: list[str] = []

    def message(self, client: ImClient, message: Shown) -> None:
        place = place_of(message, client.userid)
        self.messages.setdefault(place, []).append(message)
        self.pictures.setdefault(place, Picture()).add(message)

    def read(self, client: ImClient, place: Place, userid: int, seq: int) -> None:
        self.reads[place, userid] = seq

    def changed(self, client: ImClient, what: str, fields: dict[str, Any]) -> None:
        self.changes.append(what)

    def reset(self, client: ImClient) -> None:
        self.resets += 1
        self.messages.clear()
        self.pictures.clear()

    def seqs(self, place: Place) -> list[int]:
        return [message.seq for message in self.messages.get(place, [])]

    async def connected(self) -> Kept:
        await soon(self.client.connect())
        return self


async def close_all(devices: Iterable[Device | Kept]) -> None:
    """End them, so that the next test's server has no visitors."""
    for device in devices:
        await (device.close() if isinstance(device, Device) else soon(device.client.close()))


async def whole_history(one: Person, place: Place) -> list[Shown]:
    """Every page of a conversation, ascending."""
    rows: list[Shown] = []
    while True:
        page = await one.rest.history(place, after=rows[-1].seq if rows else 0)
        rows += page.rows
        # As far as it went when this page was read: others may be writing.
        if not page.rows or len(rows) >= page.total:
            assert len(rows) == page.total
            return rows
