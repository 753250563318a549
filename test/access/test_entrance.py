"""The way in: who comes past twisted.web, who is given to it, and that nothing is lost in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from test.access import test_chat
from test.access.intake_rig import Talk
from test.access.living import Device, Living, Person, reactor, until
from test.wire.test_frames import client_frame
from twim.access import entrance
from twim.access.entrance import EARLY_BYTES, REQUEST_SECONDS, Entrance, Visitor
from twim.access.site import Root
from twim.access.websocket import ChatUpgrade
from twim.storage.relations import Relations as RelationStore

PING = json.dumps({"cmd": 0}).encode()


class Arriving(Living):
    """A node whose short way counts who took it, and knocks that come in any pieces."""

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
        """From now on nobody is known from memory, and the first newcomers are given when this fires."""
        gate: Deferred[None] = Deferred()
        real = RelationStore.arriving

        def arriving(*asked: Any) -> Deferred[Any]:
            found = real(*asked)
            return found if gate.called else gate.addCallback(lambda _: found)

        self.patch(RelationStore, "arriving", arriving)
        self.node.roster.circles.clear()
        return gate

    def visitors(self) -> list[Visitor]:
        """Connections that are neither twisted.web's nor a session's."""
        ours = [getattr(one, "protocol", None) for one in reactor.getReaders()]
        return [one for one in ours if isinstance(one, Visitor)]

    async def waiting(self) -> Visitor:
        """The one connection that waits to be admitted."""
        await until(lambda: [one for one in self.visitors() if one._entering is not None], "somebody waits")
        (visitor,) = self.visitors()
        return visitor


class ShortWayTests(Arriving):
    """An ordinary upgrade."""

    async def test_taken(self) -> None:
        """By token, cookie and Authorization; from memory, from the storage, with everything a browser says."""
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
                    self.node.roster.circles.clear()
                    self.node.tokens.forget(1)
                device = await self.knock(path, *headers)
                self.assertTrue(device.open, device.refused)
                self.assertEqual(self.opened, number if known else len(ways) + number)
                self.assertEqual((await device.caught_up())["cmd"], 4)
                await device.leave()
                await until(lambda: not self.node.roster.users)

    async def test_refused(self) -> None:
        """Who is refused hears it from twisted.web, in the same words, and the connection goes on."""
        one, two = await self.people(2)
        for path, headers, status in (
            ("/chat", (), 401),
            ("/chat?token=wrong", (), 401),
            (f"/chat?id={two.id}&token={one.token}", (), 403),
            ("/chat", (f"Cookie: token={one.token}", "Origin: http://evil.example"), 403),
            ("/chat", (f"Cookie: token={one.token}",), 403),
            (f"/chat?id=x&token={one.token}", (), 400),
            ("/chat?token=%ff", (), 400),
        ):
            short = await self.upgrade_refusal(path, *headers)
            self.assert_refused(short, status)
            with_twisted = self.patch(entrance, "read_upgrade", lambda data: None)
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
        """Nobody is let in once the server has begun to end."""
        one = await self.person()
        self.node.lobby.close()
        self.assert_refused(await self.upgrade_refusal(f"/chat?token={one.token}"), 503)
        self.assertEqual(self.opened, 0)

    async def test_our_bug(self) -> None:
        """What breaks behind the handshake ends the connection and is logged, whether it had to wait or not."""
        one = await self.person()
        self.patch(self.node.lobby, "enter", lambda *given: 1 / 0)
        for known in (True, False):
            if not known:
                self.node.roster.circles.clear()
            device = await self.come(self.request(one))
            await until(lambda device=device: device.gone)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class EarlyTests(Arriving):
    """What a client says before it was told that it is in."""

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
        """Frames right behind the request, known or not."""
        device = await self.come(self.request(self.one) + self.frames(1, 2) + self.frames(3)[:7])
        device.transport.write(self.frames(3)[7:])
        await self.heard(device, 1, 2, 3)
        await device.leave()
        self.gate().callback(None)
        device = await self.come(self.request(self.one) + self.frames(4, 5))
        await self.heard(device, 4, 5)
        self.assertEqual(self.opened, 2)

    async def test_while_it_waits(self) -> None:
        """Frames that come before the storage has answered."""
        gate = self.gate()
        device = await self.come(self.request(self.one) + self.frames(1)[:3])
        visitor = await self.waiting()
        device.transport.write(self.frames(1)[3:] + self.frames(2))
        await until(lambda: len(visitor._said) == len(self.request(self.one) + self.frames(1, 2)))
        gate.callback(None)
        await self.heard(device, 1, 2)

    async def test_too_much(self) -> None:
        """Beyond the bound the connection isn't read until it is in; then nothing is missing."""
        gate = self.gate()
        numbers = range(1, 201)
        device = await self.come(self.request(self.one))
        visitor = await self.waiting()
        for number in numbers:
            device.transport.write(self.frames(number, size=8_000))
        await until(lambda: visitor._paused)
        self.assertNotIn(visitor.transport, reactor.getReaders())
        self.assertLess(len(visitor._said), 2 * EARLY_BYTES + visitor.transport.bufferSize)
        gate.callback(None)
        await self.heard(device, *numbers)

    async def test_too_much_of_who_is_refused(self) -> None:
        """The same of somebody who isn't let in: the refusal comes, and the connection is twisted.web's."""
        gate = self.gate()
        device = await self.come(self.request(self.one, path=f"/chat?id=999999&token={self.one.token}"))
        visitor = await self.waiting()
        device.transport.write(b"x" * 200_000)
        await until(lambda: visitor._paused)
        gate.callback(None)
        await until(lambda: device._data.startswith(b"HTTP/1.1 403"))
        self.assertEqual(self.node.roster.connections, 0)

    async def test_gone(self) -> None:
        """Who is gone while it waits is nowhere, and nobody else waits longer for that."""
        two = await self.person()
        gate = self.gate()
        going = await self.come(self.request(self.one))
        visitor = await self.waiting()
        staying = await self.come(self.request(two))
        await going.leave()
        await until(lambda: visitor not in self.visitors())
        gate.callback(None)
        await until(lambda: staying.open)
        self.assertEqual([*self.node.roster.users], [two.id])


class LongWayTests(Arriving):
    """What is twisted.web's."""

    async def test_in_pieces(self) -> None:
        """An upgrade that is cut anywhere is answered as before."""
        one = await self.person()
        request = self.request(one)
        for cut in (1, 5, 20, len(request) // 2, len(request) - 1):
            device = await self.come(request[:cut])
            await until(lambda: not self.visitors(), "twisted.web has it")
            device.transport.write(request[cut:])
            await until(lambda device=device: device.open)
        self.assertEqual(self.opened, 0)
        self.assertEqual(self.node.roster.connections, 5)

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
            await until(lambda: not self.node.roster.users)


class WithoutShortWay(test_chat.UpgradeTests):
    """Who is let in, when twisted.web reads every request: the same."""

    async def setUp(self) -> None:
        self.patch(entrance, "read_upgrade", lambda data: None)
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
        """The short way leads in there too, and messages come back."""
        one = await self.person()
        device: Device = await connectProtocol(UNIXClientEndpoint(reactor, self.where), Device(self.request(one)))
        self.devices.append(device)
        self.assertEqual((await device.tell(10, one.id, "x" * 8_000))["seq"], 1)
        self.assertEqual(self.opened, 1)


class Wire(StringTransport):
    """A transport that knows its protocol, as those of sockets do."""

    protocol: Any = None


class SilentTests(SynchronousTestCase):
    """A connection that says nothing."""

    def setUp(self) -> None:
        self.clock = Clock()
        nothing: Any = None
        self.site = Entrance(nothing, nothing, nothing, nothing, self.clock)
        self.site.doStart()

    def connect(self) -> tuple[Any, Wire]:
        wire = Wire()
        wire.protocol = self.site.buildProtocol(None)
        wire.protocol.makeConnection(wire)
        return wire.protocol, wire

    def pending(self) -> int:
        """Timers beside the log's."""
        return sum(call.func == self.site._close_silent for call in self.clock.getDelayedCalls())

    def test_closed(self) -> None:
        """Each is closed after its own time, by one timer."""
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
        """Who said something is twisted.web's, with its own time-out; who is gone isn't closed again."""
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
        """What has no place for another protocol, as under a wrapper, is twisted.web's from the start."""
        wire = Wire()
        visitor = self.site.buildProtocol(None)
        visitor.makeConnection(wire)
        self.assertNotIsInstance(wire.protocol, Visitor)
        self.clock.advance(REQUEST_SECONDS)
        self.assertTrue(wire.disconnecting)


class RootTests(Living):
    """The site that a node listens with."""

    def test_site(self) -> None:
        """It is an entrance in front of the whole tree."""
        self.assertIsInstance(self.node.site, Entrance)
        self.assertIsInstance(self.node.site.resource, Root)
