"""Autobahn's client on loopback, against a server that each test controls."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from twim.client.socket import Socket, dialler


class Echo(WebSocketServerProtocol):
    """A server that refuses the token `bad`, echoes text, and closes with 1013 when told so."""

    def onConnect(self, request: Any) -> None:
        if request.params["token"] == ["bad"]:
            raise ConnectionDeny(401, "please log in")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if payload == b"shut":
            self.sendCloseFrame(code=1013, reasonUtf8=b"too slow", isReply=False)
        elif payload == b"vanish":
            self.transport.abortConnection()
        else:
            self.sendMessage(payload)


class Kept:
    """Keeps what a socket reports; `ended` fires with the code."""

    def __init__(self, first_words: bytes) -> None:
        self.first_words = first_words
        self.heard: Deferred[bytes] = Deferred()
        self.ended: Deferred[int] = Deferred()

    def socket_opened(self, socket: Socket) -> None:
        socket.send(self.first_words)

    def socket_received(self, socket: Socket, payload: bytes) -> None:
        self.heard.callback(payload)

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        self.ended.callback(code)


class SocketTests(TestCase):
    """How a socket opens, and every way in which it ends."""

    def setUp(self) -> None:
        factory = WebSocketServerFactory(reactor=reactor)
        factory.protocol = Echo
        factory.setProtocolOptions(closeHandshakeTimeout=5)
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port.getHost().port}"

    async def tearDown(self) -> None:
        stopped = self.port.stopListening()
        if stopped is not None:
            await stopped

    def dial(self, first_words: bytes, token: str = "good +/=") -> tuple[Kept, Socket]:
        kept = Kept(first_words)
        return kept, dialler(reactor, self.url, 7)(kept, token)

    async def test_says_and_hears(self) -> None:
        """Text is sent and received; closing ends the connection properly."""
        kept, socket = self.dial("héllo".encode())
        self.assertEqual(await kept.heard, "héllo".encode())
        socket.close()
        self.assertEqual(await kept.ended, 1000)
        socket.send(b"too late")

    async def test_refused_upgrade(self) -> None:
        """The HTTP status of a refused upgrade is reported."""
        kept, _ = self.dial(b"", token="bad")
        self.assertEqual(await kept.ended, 401)

    async def test_code_of_the_server(self) -> None:
        """The server's close code is reported."""
        kept, _ = self.dial(b"shut")
        self.assertEqual(await kept.ended, 1013)

    async def test_vanished(self) -> None:
        """A connection that breaks is reported as broken."""
        kept, _ = self.dial(b"vanish")
        self.assertEqual(await kept.ended, 1006)

    async def test_nobody_there(self) -> None:
        """An attempt to connect to a port without a server ends."""
        await self.port.stopListening()
        kept, _ = self.dial(b"")
        self.assertEqual(await kept.ended, 0)

    async def test_given_up_while_dialling(self) -> None:
        """An attempt can be cancelled before the connection is there."""
        kept, socket = self.dial(b"")
        socket.abort()
        await kept.ended

    async def test_aborted(self) -> None:
        """A dead connection is dropped without a closing handshake."""
        kept, socket = self.dial(b"x")
        await kept.heard
        socket.abort()
        self.assertEqual(await kept.ended, 1006)
