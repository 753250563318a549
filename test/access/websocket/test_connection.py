"""Connections before their admission: which bypass twisted.web, which are given to it, and that no bytes are lost."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from test.access.http.request_rig import Talk
from test.access.running_node import Device, Person, RunningNode, reactor, until
from test.access.websocket import test_chat
from test.wire.test_frames import client_frame
from twim.access.http.site import Root
from twim.access.websocket import connection
from twim.access.websocket.connection import EARLY_BYTES, REQUEST_SECONDS, ConnectionFactory, NewConnection
from twim.access.websocket.upgrade import ChatUpgrade
from twim.internals.shortcuts import ALL
from twim.storage.relations import RelationStore

PING = json.dumps({"cmd": 0}).encode()


class Arriving(RunningNode):
    """A node that counts the upgrades that take the shortcut, and requests that come in any pieces."""

    async def setUp(self) -> None:
        self.opened = 0
        real = ChatUpgrade.open

        def counted(*given: Any) -> Any:
            self.opened += 1
            return real(*given)

        self.patch(ChatUpgrade, "open", counted)
        await super().setUp()

    def request(self, person: Person, *headers: str, path: str = "") -> bytes:
        """An ordinary upgrade."""
        lines = (
            f"GET {path or '/chat?token=' + person.token} HTTP/1.1",
            f"Host: {self.host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *headers,
        )
        return "\r\n".join([*lines, "", ""]).encode()

    async def come(self, first: bytes) -> Device:
        """A device that has written `first`."""
        device: Device = await connectProtocol(self.way_in(), Device(first))
        self.devices.append(device)
        return device

    def gate(self) -> Deferred[None]:
        """From now on no token is known from memory, and the storage answers when the returned Deferred fires."""
        gate: Deferred[None] = Deferred()
        real = RelationStore.arriving

        def arriving(*asked: Any) -> Deferred[Any]:
            found = real(*asked)
            return found if gate.called else gate.addCallback(lambda _: found)

        self.patch(RelationStore, "arriving", arriving)
        self.node.hub.remembered.clear()
        return gate

    def new_connections(self) -> list[NewConnection]:
        """Connections that are neither twisted.web's nor a session's."""
        ours = [getattr(one, "protocol", None) for one in reactor.getReaders()]
        return [one for one in ours if isinstance(one, NewConnection)]

    async def waiting(self) -> NewConnection:
        """The one connection that waits to be admitted."""
        await until(lambda: [one for one in self.new_connections() if one._admitting is not None], "somebody waits")
        (new_connection,) = self.new_connections()
        return new_connection


class ShortcutTests(Arriving):
    """An ordinary upgrade."""

    async def test_taken(self) -> None:
        """Connections with token, cookie or Authorization, known from memory or storage, with all headers of a
        browser."""
        one = await self.person()
        browser = (f"Origin: http://{self.host}", "User-Agent: Mozilla/5.0", f"Cookie: lang=en; token={one.token}")
        ways = (
            (f"/chat?id={one.id}&token={one.token}", ()),
            ("/chat", browser),
            ("/chat", (f"Authorization: Bearer {one.token}", "X-Forwarded-For: 10.0.0.1")),
        )
        for known in (True, False):
            for number, (path, headers) in enumerate(ways, 1):
                if not known:
                    self.node.hub.remembered.clear()
                    self.node.tokens.forget(1)
                device = await self.knock(path, *headers)
                self.assertTrue(device.open, device.refused)
                self.assertEqual(self.opened, number if known else len(ways) + number)
                self.assertEqual((await device.caught_up())["cmd"], 4)
                await device.leave()
                await until(lambda: not self.node.hub.users)

    async def test_refused(self) -> None:
        """A refusal is written by twisted.web, in the same words, and the connection stays open."""
        one, two = await self.people(2)
        for path, headers, status in (
            ("/chat", (), 401),
            ("/chat?token=wrong", (), 401),
            (f"/chat?id={two.id}&token={one.token}", (), 403),
            ("/chat", (f"Cookie: token={one.token}", "Origin: http://evil.example"), 403),
            ("/chat", (f"Cookie: token={one.token}",), 403),
            (f"/chat?token={one.token}", (f"Twim-User: {two.id}",), 403),
            (f"/chat?id=x&token={one.token}", (), 400),
            ("/chat?token=%ff", (), 400),
        ):
            short = await self.upgrade_refusal(path, *headers)
            self.assert_refused(short, status)
            with_twisted = self.patch(connection, "read_upgrade", lambda data, ordinary: None)
            long = await self.upgrade_refusal(path, *headers)
            with_twisted.restore()
            self.assertEqual((short.status, short.body), (long.status, long.body), path)
            self.assertEqual(short.headers.keys(), long.headers.keys(), path)
        talk = await connectProtocol(self.way_in(), Talk())
        talk.transport.write(self.request(one, path="/chat?token=wrong"))
        await until(lambda: b"not logged in" in talk.received or b'"code"' in talk.received)
        talk.transport.write(b"GET /user/login.shtml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await talk.closed
        self.assertIn(b"HTTP/1.1 200 OK", talk.received)
        self.assertEqual(self.opened, 0)

    async def test_restarting(self) -> None:
        """No connection is admitted once the server has begun to end."""
        one = await self.person()
        self.node.admission.close()
        self.assert_refused(await self.upgrade_refusal(f"/chat?token={one.token}"), 503)
        self.assertEqual(self.opened, 0)

    async def test_our_bug(self) -> None:
        """An exception after the handshake ends the connection and is logged, whether it had to wait or not."""
        one = await self.person()
        self.patch(self.node.admission, "enter", lambda *given: 1 / 0)
        for known in (True, False):
            if not known:
                self.node.hub.remembered.clear()
            device = await self.come(self.request(one))
            await until(lambda device=device: device.gone)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class EarlyTests(Arriving):
    """What a client sends before it is admitted."""

    def frames(self, *numbers: int, size: int = 1) -> bytes:
        """Messages to oneself, answered by number."""
        said = [{"cmd": 10, "dstid": self.one.id, "media": 1, "content": "x" * size, "id": n} for n in numbers]
        return b"".join(client_frame(json.dumps(one).encode()) for one in said)

    async def setUp(self) -> None:
        await super().setUp()
        self.one = await self.person()

    async def heard(self, device: Device, *numbers: int) -> None:
        for number in numbers:
            self.assertEqual((await device.hear(cmd=1, id=number))["seq"], number)

    async def test_in_the_same_segment(self) -> None:
        """Frames right after the request are handled, whether the token is known or not."""
        device = await self.come(self.request(self.one) + self.frames(1, 2) + self.frames(3)[:7])
        device.transport.write(self.frames(3)[7:])
        await self.heard(device, 1, 2, 3)
        await device.leave()
        self.gate().callback(None)
        device = await self.come(self.request(self.one) + self.frames(4, 5))
        await self.heard(device, 4, 5)
        self.assertEqual(self.opened, 2)

    async def test_while_it_waits(self) -> None:
        """Frames that arrive before the storage has answered are handled."""
        gate = self.gate()
        device = await self.come(self.request(self.one) + self.frames(1)[:3])
        new_connection = await self.waiting()
        device.transport.write(self.frames(1)[3:] + self.frames(2))
        await until(lambda: len(new_connection._received) == len(self.request(self.one) + self.frames(1, 2)))
        gate.callback(None)
        await self.heard(device, 1, 2)

    async def test_too_much(self) -> None:
        """Beyond the bound the connection isn't read until it is admitted; then nothing is missing."""
        gate = self.gate()
        numbers = range(1, 201)
        device = await self.come(self.request(self.one))
        new_connection = await self.waiting()
        for number in numbers:
            device.transport.write(self.frames(number, size=8_000))
        await until(lambda: new_connection._paused)
        self.assertNotIn(new_connection.transport, reactor.getReaders())
        self.assertLess(len(new_connection._received), 2 * EARLY_BYTES + new_connection.transport.bufferSize)
        gate.callback(None)
        await self.heard(device, *numbers)

    async def test_too_much_of_who_is_refused(self) -> None:
        """The same for somebody who is refused: the refusal is sent, and twisted.web takes over."""
        gate = self.gate()
        device = await self.come(self.request(self.one, path=f"/chat?id=999999&token={self.one.token}"))
        new_connection = await self.waiting()
        device.transport.write(b"x" * 200_000)
        await until(lambda: new_connection._paused)
        gate.callback(None)
        await until(lambda: device._data.startswith(b"HTTP/1.1 403"))
        self.assertEqual(self.node.hub.connections, 0)

    async def test_gone(self) -> None:
        """A connection that ends while it waits leaves nothing, and nobody else waits longer for it."""
        two = await self.person()
        gate = self.gate()
        going = await self.come(self.request(self.one))
        new_connection = await self.waiting()
        staying = await self.come(self.request(two))
        await going.leave()
        await until(lambda: new_connection not in self.new_connections())
        gate.callback(None)
        await until(lambda: staying.open)
        self.assertEqual([*self.node.hub.users], [two.id])


class TwistedWebTests(Arriving):
    """Requests that are left to twisted.web."""

    async def test_in_pieces(self) -> None:
        """An upgrade that is cut anywhere is answered as before."""
        one = await self.person()
        request = self.request(one)
        for cut in (1, 5, 20, len(request) // 2, len(request) - 1):
            device = await self.come(request[:cut])
            await until(lambda: not self.new_connections(), "twisted.web has it")
            device.transport.write(request[cut:])
            await until(lambda device=device: device.open)
        self.assertEqual(self.opened, 0)
        self.assertEqual(self.node.hub.connections, 5)

    async def test_second_request(self) -> None:
        """An upgrade behind another request on one connection is answered after it, and then the socket works. So
        it is with one whose handshake is Autobahn's."""
        one = await self.person()
        page = f"GET /user/login.shtml HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        ordinary = self.request(one)
        for upgrade in (ordinary, ordinary.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: im\r\n\r\n")):
            talk = await connectProtocol(self.way_in(), Talk())
            self.addCleanup(talk.transport.abortConnection)
            talk.transport.write(page + upgrade)
            await until(lambda talk=talk: b"HTTP/1.1 101" in talk.received)
            self.assertTrue(talk.received.startswith(b"HTTP/1.1 200"))
            self.assertEqual(self.opened, 0)
            talk.transport.write(client_frame(PING))
            await until(lambda talk=talk: b'"cmd":0' in talk.received)
            talk.transport.abortConnection()
            await until(lambda: not self.node.hub.users)


class WithoutShortcut(test_chat.UpgradeTests):
    """Who may connect when twisted.web reads every request: the same as with the shortcut."""

    async def setUp(self) -> None:
        self.patch(connection, "read_upgrade", lambda data, ordinary: None)
        await super().setUp()


class UnixTests(Arriving):
    """Behind a proxy on the same machine."""

    def listen(self) -> Any:
        self.where = str(Path(self.mktemp()).absolute())
        self.tcp = reactor.listenTCP(0, self.node.site, interface="127.0.0.1")
        self.addCleanup(self.tcp.stopListening)
        self.unix = reactor.listenUNIX(self.where, self.node.site)
        self.addCleanup(self.unix.stopListening)
        return self.tcp

    async def test_unix(self) -> None:
        """The shortcut works over a Unix socket too, and messages are answered."""
        one = await self.person()
        device: Device = await connectProtocol(UNIXClientEndpoint(reactor, self.where), Device(self.request(one)))
        self.devices.append(device)
        self.assertEqual((await device.tell(10, one.id, "x" * 8_000))["seq"], 1)
        self.assertEqual(self.opened, 1)


class Wire(StringTransport):
    """A transport that knows its protocol, as those of sockets do."""

    protocol: Any = None


class SilentTests(SynchronousTestCase):
    """A connection that sends nothing."""

    def setUp(self) -> None:
        self.clock = Clock()
        nothing: Any = None
        taking_shortcuts: Any = SimpleNamespace(shortcuts=ALL)
        self.site = ConnectionFactory(nothing, nothing, nothing, taking_shortcuts, self.clock)
        self.site.doStart()

    def connect(self) -> tuple[Any, Wire]:
        wire = Wire()
        wire.protocol = self.site.buildProtocol(None)
        wire.protocol.makeConnection(wire)
        return wire.protocol, wire

    def pending(self) -> int:
        """The timers other than the log's."""
        return sum(call.func == self.site._close_silent for call in self.clock.getDelayedCalls())

    def test_closed(self) -> None:
        """Each connection is closed after its own time, by one timer."""
        wires = []
        for _ in range(4):
            wires.append(self.connect()[1])
            self.clock.advance(10)
        self.assertEqual(self.pending(), 1)
        for number in range(4):
            self.clock.advance(REQUEST_SECONDS - 40 - 1 if not number else 9)
            self.assertEqual([wire.disconnecting for wire in wires], [n < number for n in range(4)])
            self.clock.advance(1)
            self.assertEqual([wire.disconnecting for wire in wires], [n <= number for n in range(4)])
        self.assertEqual(self.pending(), 0)

    def test_spoke(self) -> None:
        """A connection that sent something is twisted.web's, with its own timeout; one that is gone isn't closed
        again."""
        speaking, spoken = self.connect()
        going, gone = self.connect()
        speaking.dataReceived(b"GET / HT")
        self.assertIsNot(spoken.protocol, speaking)
        going.connectionLost()
        self.clock.advance(REQUEST_SECONDS - 1)
        spoken.protocol.dataReceived(b"TP/1.1")
        self.clock.advance(1)
        self.assertEqual((spoken.disconnecting, gone.disconnecting), (False, False))
        self.assertEqual(self.pending(), 0)
        self.clock.advance(REQUEST_SECONDS)
        self.assertTrue(spoken.disconnecting)

    def test_stopped(self) -> None:
        """No timer is left when nothing listens any more."""
        self.connect()
        self.site.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_wrapped(self) -> None:
        """A transport whose protocol can't be exchanged, as under a wrapper, is twisted.web's from the start."""
        wire = Wire()
        new_connection = self.site.buildProtocol(None)
        new_connection.makeConnection(wire)
        self.assertNotIsInstance(wire.protocol, NewConnection)
        self.clock.advance(REQUEST_SECONDS)
        self.assertTrue(wire.disconnecting)


class RootTests(RunningNode):
    """The site that a node listens with."""

    def test_site(self) -> None:
        """It is a `ConnectionFactory` in front of all resources."""
        self.assertIsInstance(self.node.site, ConnectionFactory)
        self.assertIsInstance(self.node.site.resource, Root)
