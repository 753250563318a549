"""Ordinary opening handshakes are answered by our code, all others by Autobahn, and clients see no difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http import Request
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from test.access.websocket.test_conformance import Echo, forget_timers, over_http, without_twisted_web
from test.wire.test_frames import client_frame
from twim.access.websocket import connection
from twim.access.websocket import upgrade as websocket
from twim.access.websocket.admission import Admission
from twim.access.websocket.upgrade import ChatFactory
from twim.hub.backlog import Backlogs
from twim.internals.autobahn_handshake import ordinary_key
from twim.internals.epoll import ReactorIterations
from twim.wire.frames import text_frame

SECONDS = 20  # for one handshake on a busy machine
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3

Header = tuple[str, str]
Answer = tuple[str, str | None, str | None, bytes]
USUAL: dict[str, str] = {
    "Host": "127.0.0.1:8080",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}
BROWSER = USUAL | {
    "Connection": "keep-alive, Upgrade",
    "Origin": "http://127.0.0.1:8080",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
    "User-Agent": "Mozilla/5.0",
}


def changed(**headers: str | None) -> list[Header]:
    """The usual headers with some changed, or left out."""
    given = USUAL | {name.replace("_", "-"): value for name, value in headers.items()}
    return [(name, value) for name, value in given.items() if value is not None]


ORDINARY: dict[str, list[Header]] = {
    "usual": list(USUAL.items()),
    "a browser's": list(BROWSER.items()),
    "capitals": changed(Upgrade="WebSocket", Connection="UPGRADE"),
    "a host without port": changed(Host="chat.example.org"),
}
# Checked here is that Autobahn answers each of these, not how it does. (With wrong keys and versions it
# isn't asked by the site, which refuses them before: see test_chat.)
UNUSUAL: dict[str, list[Header]] = {
    "no key": changed(Sec_WebSocket_Key=None),
    "two keys": [*USUAL.items(), ("Sec-WebSocket-Key", KEY)],
    "a short key": changed(Sec_WebSocket_Key="dGhl"),
    "a key of wrong characters": changed(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZ!=="),
    "no version": changed(Sec_WebSocket_Version=None),
    "version 8": changed(Sec_WebSocket_Version="8"),
    "version 14": changed(Sec_WebSocket_Version="14"),
    "another upgrade": changed(Upgrade="h2c"),
    "two upgrades": changed(Upgrade="h2c, websocket"),
    "no connection": changed(Connection=None),
    "another connection": changed(Connection="close"),
    "subprotocols": changed(Sec_WebSocket_Protocol="chat, superchat"),
    "an origin that is none": changed(Origin="what"),
    "no origin's name": changed(Origin="null"),
    "a host with a wrong port": changed(Host="127.0.0.1:http"),
}


class OrdinaryKey(SynchronousTestCase):
    """Which handshakes are answered by us."""

    def key_of(self, headers: Sequence[Header], uri: bytes = b"/chat", version: bytes = b"HTTP/1.1") -> bytes | None:
        request = cast(Request, type("Asked", (), {"clientproto": version, "uri": uri})())
        request.requestHeaders = Headers()
        for name, value in headers:
            request.requestHeaders.addRawHeader(name.encode(), value.encode())
        return ordinary_key(request)

    def test_ordinary(self) -> None:
        """What browsers and clients send."""
        for name, headers in ORDINARY.items():
            self.assertEqual(self.key_of(headers), KEY.encode(), name)

    def test_unusual(self) -> None:
        """All other handshakes are left to Autobahn."""
        for name, headers in UNUSUAL.items():
            self.assertIsNone(self.key_of(headers), name)
        self.assertIsNone(self.key_of(ORDINARY["usual"], uri=b"/chat#there"))
        self.assertIsNone(self.key_of(ORDINARY["usual"], version=b"HTTP/1.0"))


class Asker(Protocol):
    """Asks for an upgrade, sends a message, and disconnects after the answer or refusal."""

    def __init__(self, headers: Sequence[Header]) -> None:
        self._headers = headers
        self.data = b""
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        lines = ["GET /chat HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers), "", ""]
        self.transport.write("\r\n".join(lines).encode())

    def dataReceived(self, data: bytes) -> None:
        before, self.data = self.data, self.data + data
        if b"\r\n\r\n" in self.data and b"\r\n\r\n" not in before:
            if not self.data.startswith(b"HTTP/1.1 101 "):
                self.transport.loseConnection()
            self.transport.write(client_frame(b"hello"))
        if self.data.endswith(text_frame(b"hello")):
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:
        self.lost.callback(None)

    @property
    def answer(self) -> Answer:
        """What a client can tell of the answer: its first line, accepted key, extensions and what follows."""
        head, _, rest = self.data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return first, found.get("sec-websocket-accept"), found.get("sec-websocket-extensions"), rest


class SameAsAutobahn(TestCase):
    """Over a real socket, with our answer and without it."""

    timeout = 120

    def site(self, factory: ChatFactory) -> Site:
        return without_twisted_web(factory)

    async def listen(self, endpoint: IStreamServerEndpoint) -> int:
        factory = ChatFactory(cast(Admission, Echo()), ReactorIterations.of(reactor), reactor, Backlogs(reactor))
        self.addCleanup(forget_timers, factory)
        port = await endpoint.listen(self.site(factory))
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def ask(self, endpoint: IStreamClientEndpoint, headers: Sequence[Header]) -> Answer:
        asker = Asker(headers)
        await connectProtocol(endpoint, asker)
        await asker.lost.addTimeout(SECONDS, reactor)
        return asker.answer

    async def compare(self, endpoint: IStreamClientEndpoint) -> None:
        for name, headers in (ORDINARY | UNUSUAL).items():
            ours = await self.ask(endpoint, headers)
            no_upgrades = self.patch(connection, "read_upgrade", lambda data, ordinary: None)
            with_autobahn = self.patch(websocket, "ordinary_key", lambda request: None)
            theirs = await self.ask(endpoint, headers)
            with_autobahn.restore()
            no_upgrades.restore()
            self.assertEqual(ours[1:], theirs[1:], name)
            self.assertEqual(ours[0].split()[:2], theirs[0].split()[:2], name)
            if name in ORDINARY:
                self.assertEqual(ours[1:], (ACCEPT, None, text_frame(b"hello")), name)

    async def over_tcp(self) -> None:
        port = await self.listen(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"))
        await self.compare(TCP4ClientEndpoint(reactor, "127.0.0.1", port))

    async def over_tls(self) -> None:
        theirs = ssl.KeyPair.generate(size=2048).selfSignedCert(1, CN="localhost").options()
        port = await self.listen(SSL4ServerEndpoint(reactor, 0, theirs, interface="127.0.0.1"))
        await self.compare(SSL4ClientEndpoint(reactor, "127.0.0.1", port, ssl.CertificateOptions()))

    def test_answers(self) -> Deferred[None]:
        """The same status, the same key, no extensions, and a connection that works."""
        return Deferred.fromCoroutine(self.over_tcp())

    def test_over_tls(self) -> Deferred[None]:
        """The same over TLS, which wraps the transport: nothing may be written past it."""
        return Deferred.fromCoroutine(self.over_tls())


class SameOverHttp(SameAsAutobahn):
    """The same where twisted.web has parsed the request."""

    def site(self, factory: ChatFactory) -> Site:
        return over_http(factory)
