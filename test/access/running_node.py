"""A whole node in the test's own process, real in every part: SQLite in its own folder, and the site on a loopback
socket. Its clients send HTTP requests byte for byte, and WebSocket devices show every frame."""

from __future__ import annotations

import itertools
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from test.access.conformance import check_answer, check_frame
from test.access.http.request_rig import parsed
from test.access.websocket.test_conformance import forget_timers
from test.storage.databases import sqlite_database
from test.talking import Talking
from test.wire.test_frames import client_frame
from twim import node
from twim.access.http.pages import Pages
from twim.config import Config, read_config
from twim.limits.limits import Limits
from twim.logic.login_guard import LoginGuard
from twim.node import Node, now_ms
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database

reactor: Any = _reactor

PATIENCE = 60  # seconds for anything that must happen
POLL = 0.005
PASSWD = "secret-1"
FORM = "application/x-www-form-urlencoded"
CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
_mobiles = itertools.count(13_800_000_000)


async def until(happened: Any, what: object = "") -> None:
    """Poll until `happened()` is true; AssertionError after `PATIENCE`."""
    deadline = reactor.seconds() + PATIENCE
    while not happened():
        assert reactor.seconds() < deadline, f"did not happen: {what or happened}"
        await deferLater(reactor, POLL)


class Answer:
    """An HTTP answer. `json` is its body, None when that is no JSON."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.status, self.headers, self.body = parsed(raw)
        try:
            self.json: Any = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def rows(self) -> Any:
        return self.json["rows"]

    def header(self, name: str) -> str:
        return self.headers.get(name.lower().encode(), b"").decode()

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:300]!r}>"


class _Asking(Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed.callback(None)


class Device(Protocol, Talking):
    """One WebSocket connection. `heard` has every frame; `hear` takes the next one that matches. Frames must be as they
    are described while `is_described`."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.is_described = True
        self._data = b""
        self._parts: list[bytes] = []
        self.frames = 0
        self._unread: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.refused: Answer | None = None
        self.open = False
        self.code: int | None = None
        self.gone = False

    # The socket

    def connectionMade(self) -> None:
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        self._data += data
        if not self.open and b"\r\n\r\n" in self._data and self._data.startswith(b"HTTP/1.1 101"):
            self._data = self._data.partition(b"\r\n\r\n")[2]
            self.open = True
        while self.open and self._take():
            pass

    def _take(self) -> bool:
        if len(self._data) < 2:
            return False
        opcode, length, start = self._data[0] & 15, self._data[1], 2
        if length == 126:
            length, start = int.from_bytes(self._data[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(self._data[2:10], "big"), 10
        if len(self._data) < start + length:
            return False
        final = self._data[0] & 0x80
        payload, self._data = self._data[start : start + length], self._data[start + length :]
        if opcode in (TEXT, CONTINUATION):
            assert (opcode == CONTINUATION) == bool(self._parts), "something between the parts of a message"
            self._parts.append(payload)
            self.frames += 1
            if not final:
                return True
            frame = json.loads(b"".join(self._parts))
            self._parts = []
            self.heard.append(frame)
            self._unread.append(frame)
        elif opcode == CLOSE and self.code is None:
            self.code = struct.unpack(">H", payload[:2])[0]
            self.transport.write(client_frame(payload[:2], CLOSE))
        return True

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.open and self._data:
            self.refused = Answer(self._data)
        self.gone = True

    # Used by the tests

    def say(self, **frame: Any) -> None:
        self.say_raw(json.dumps(frame).encode())

    def say_raw(self, payload: bytes, opcode: int = TEXT) -> None:
        self.transport.write(client_frame(payload, opcode))

    async def hear(self, **wanted: Any) -> dict[str, Any]:
        """Take the first frame that has all of `wanted` and was not taken yet."""

        def fitting() -> list[dict[str, Any]]:
            return [f for f in self._unread if all(f.get(k, 0) == v for k, v in wanted.items())]

        await until(lambda: fitting() or self.gone, f"a frame with {wanted} among {self._unread[-5:]}")
        assert fitting(), f"closed with {self.code} before a frame with {wanted}"
        found = fitting()[0]
        if self.is_described:
            check_frame(found)
        self._unread.remove(found)
        return found

    async def tell(self, cmd: int, dstid: int, content: str, **more: Any) -> dict[str, Any]:
        """Send a text message, which must be accepted."""
        answer = await self.ask(cmd=cmd, dstid=dstid, media=1, content=content, **more)
        assert answer["code"] == 0, answer
        return answer

    async def quiet(self) -> list[dict[str, Any]]:
        """The frames that were not taken, without presence, once the server has handled everything that was sent."""
        self.say(cmd=0)
        await self.hear(cmd=0)
        left, self._unread = [frame for frame in self._unread if frame["cmd"] != 7], []
        return left

    async def closed(self) -> int | None:
        """The close code of the server, once the connection has ended."""
        await until(lambda: self.gone, "the end of the connection")
        return self.code

    async def leave(self) -> None:
        """Disconnect without a closing handshake, as a phone that lost its network."""
        if not self.gone:
            self.transport.abortConnection()
        await until(lambda: self.gone)


class Person:
    """A registered user with one log-in."""

    def __init__(self, test: RunningNode, answer: Answer, mobile: str) -> None:
        self.test = test
        self.id: int = answer.data["id"]
        self.token: str = answer.data["token"]
        self.mobile = mobile

    async def post(self, path: str, **fields: object) -> Answer:
        return await self.test.post(path, token=self.token, **fields)

    async def get(self, path: str, **fields: object) -> Answer:
        query = urlencode({"token": self.token} | fields)
        return await self.test.ask("GET", f"{path}?{query}")

    async def device(self, *headers: str, token: str = "") -> Device:
        """A device that is open and gets everything live."""
        device = await self.test.knock(f"/chat?id={self.id}&token={token or self.token}", *headers)
        assert device.open, device.refused
        # The first frame ends the moment in which a session waits for a catch-up.
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    async def befriend(self, *others: Person) -> None:
        for other in others:
            answer = await self.post("/contact/addfriend", dstid=other.id)
            assert answer.json["code"] == 0, answer

    async def group(self, *members: Person, name: str = "a group") -> int:
        """Make a group of one's own with these members and wait for its notices."""
        made: int = (await self.post("/contact/createcommunity", name=name, history="all")).data["id"]
        for member in members:
            joined = await member.post("/contact/joincommunity", dstid=made)
            assert joined.json["code"] == 0, joined
        while len(await self.history(11, made)) <= len(members):
            await deferLater(reactor, POLL)
        return made

    async def history(self, scope: int, dstid: int, **how: object) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self.get("/message/history", scope=scope, dstid=dstid, **how)).rows
        return rows


class RunningNode(TestCase):
    """Starts a node before each test and ends it after. `settings` are options of ``twistd im``."""

    timeout = 240
    settings: dict[str, str] = {"limits": "off"}  # noqa: RUF012 (a test case is its own instance)
    is_described = True
    """Whether answers must be as they are described; a test that stores something else says no."""

    async def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.devices: list[Device] = []
        await self.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stop()))

    def config(self) -> Config:
        return read_config({"data": str(self.folder)} | self.settings, {})

    async def start(self) -> None:
        """A node on the test's folder."""
        # Few tests ask for pages, and those get them as they are made then.
        self.patch(Pages, "_prepare", lambda pages: None)
        config = self.config()
        path = config.data / "im.db"
        if config.db == f"sqlite:///{path}" and not path.exists():
            sqlite_database(path)
        self.database = Database(parse_url(config.db), reactor)
        self.epoch = open_database(self.database)
        self.database.start()
        self.node = Node(config, self.database, self.epoch, reactor)
        self.node.start()
        self.listening = self.listen()
        self.port = self.listening.getHost().port

    def listen(self) -> Any:
        """Listen where `way_in` leads."""
        return reactor.listenTCP(0, self.node.site, interface="127.0.0.1")

    def way_in(self) -> Any:
        """The endpoint to which clients connect."""
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """End the node; its clients disconnect first, so that no closing handshake is waited for."""
        for device in self.devices:
            await device.leave()
        await until(lambda: not self.node.hub.users, "everybody left")
        await self.listening.stopListening()
        await self.node.stop(reactor)
        forget_timers(self.node.site.resource._chat._upgrade._factory)
        self.database.stop()

    # HTTP

    async def ask_raw(self, request: bytes) -> Answer:
        """Send these bytes, which must end their connection, and read the answer."""
        asking: _Asking = await connectProtocol(self.way_in(), _Asking())
        asking.transport.write(request)
        await asking.closed.addTimeout(PATIENCE, reactor)
        return Answer(asking.received)

    async def ask(self, method: str, path: str, *headers: str | bytes, body: bytes = b"", media: str = "") -> Answer:
        """Make one request; `headers` are lines."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Connection: close", *headers]
        if media:
            lines.append(f"Content-Type: {media}")
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        head = b"".join((x if isinstance(x, bytes) else x.encode()) + b"\r\n" for x in lines)
        answer = await self.ask_raw(head + b"\r\n" + body)
        if self.is_described:
            check_answer(method, path, answer.status, answer.json)
        return answer

    async def post(self, path: str, *headers: str, **fields: object) -> Answer:
        """POST a form."""
        return await self.ask("POST", path, *headers, body=urlencode(fields).encode(), media=FORM)

    async def post_json(self, path: str, loose: object, *headers: str) -> Answer:
        """POST a JSON body."""
        return await self.ask("POST", path, *headers, body=json.dumps(loose).encode(), media="application/json")

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def assert_refused(self, answer: Answer, status: int, *words: str) -> None:
        """Check for a refusal in the envelope with this status and these words."""
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(answer.header("content-type").startswith("application/json"), answer)
        self.assertEqual(set(answer.json), {"code", "msg", *(["wait"] if status == 429 else [])}, answer)
        self.assertLess(answer.json["code"], 0)
        for word in words:
            self.assertIn(word, answer.json["msg"])

    # People

    async def person(self, **profile: object) -> Person:
        """Register a new user."""
        mobile = str(next(_mobiles))
        answer = await self.post("/user/register", mobile=mobile, passwd=PASSWD, **profile)
        assert answer.json["code"] == 0, answer
        return Person(self, answer, mobile)

    async def people(self, count: int) -> list[Person]:
        """Register users who don't know each other."""
        return [await self.person() for _ in range(count)]

    async def friends(self, count: int = 2) -> list[Person]:
        """Register users who are all friends of each other."""
        people = await self.people(count)
        for one, other in itertools.combinations(people, 2):
            await one.befriend(other)
        return people

    async def log_in(self, person: Person) -> Person:
        """Log in the same person once more."""
        answer = await self.post("/user/login", mobile=person.mobile, passwd=PASSWD)
        return Person(self, answer, person.mobile)

    # WebSockets

    async def knock(self, path: str, *headers: str) -> Device:
        """Try to open a device; gives it open or refused."""
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {self.host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
            "",
            "",
        )
        device: Device = await connectProtocol(self.way_in(), Device("\r\n".join(lines).encode()))
        self.devices.append(device)
        await until(lambda: device.open or device.gone or b"\r\n\r\n" in device._data, "an answer")
        if not device.open:
            # HTTP keeps the connection; the refusal has been read when its body has.
            device.transport.loseConnection()
            await until(lambda: device.gone)
        return device

    async def upgrade_refusal(self, path: str, *headers: str) -> Answer:
        """The HTTP answer to an upgrade that is refused."""
        device = await self.knock(path, *headers)
        assert device.refused is not None, "it was let in"
        return device.refused


class LimitedNode(RunningNode):
    """A node for whose limits time passes only by `self.time.advance(seconds)`: a slow machine can't outlast them."""

    async def start(self) -> None:
        """A node with limits of that time."""
        self.time = Clock()
        began = now_ms()

        def now() -> int:
            return began + int(self.time.seconds() * 1000)

        self.patch(node, "Limits", lambda on, _, *more: Limits(on, self.time.seconds, *more))
        self.patch(node, "LoginGuard", lambda store, on, _: LoginGuard(store, on, now))
        await super().start()


class OnUnixSocket(RunningNode):
    """A node to which its clients come by a Unix socket, as a proxy on the same machine does."""

    def listen(self) -> Any:
        self.where = str(Path(self.mktemp()).absolute())
        unix = reactor.listenUNIX(self.where, self.node.site)
        self.addCleanup(unix.stopListening)
        return reactor.listenTCP(0, self.node.site, interface="127.0.0.1")

    def way_in(self) -> Any:
        return UNIXClientEndpoint(reactor, self.where)
