"""HTTP connections whose clients don't read: nothing is begun for them before they do, and all comes in the end."""

from __future__ import annotations

import json
import socket
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import connectProtocol
from twisted.internet.task import deferLater

from test.access.running_node import RunningNode, _Asking, reactor, until
from test.access.websocket.test_tls import TlsTests
from twim.hub.backlog import ANSWER_BYTES, ANSWERS, LOOK_SECONDS
from twim.internals.transport import bytes_waiting

PAGE = 60  # messages of 24 KB: a page is larger than what the kernel takes
CONNECTION_BYTES = 256 * 1024


class _Stopping(_Asking):
    """Reads the beginning of an answer, and then nothing until it is told to."""

    def dataReceived(self, data: bytes) -> None:
        if not self.received:
            self.transport.pauseProducing()
        super().dataReceived(data)


class UnreadTests(RunningNode):
    """Pipelined requests."""

    async def setUp(self) -> None:
        await super().setUp()
        self.listening.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        self.one, self.two = await self.friends()
        sender = await self.one.device()
        asked = [Deferred.fromCoroutine(sender.tell(10, self.two.id, "界" * 8_000)) for _ in range(PAGE)]
        await gatherResults(asked)
        await sender.leave()

    async def unread(self, *requests: str) -> _Asking:
        """A connection that sends these requests and doesn't read."""
        asking: _Asking = await connectProtocol(self.way_in(), _Stopping())
        asking.transport.write("".join(f"{one}\r\nHost: x\r\n\r\n" for one in requests).encode())
        return asking

    def history(self) -> str:
        return f"GET /message/history?scope=10&dstid={self.one.id}&limit={PAGE}&token={self.two.token} HTTP/1.1"

    def waiting(self) -> int:
        """How many bytes wait in all transports of the server."""
        readers = [one for one in reactor.getReaders() + reactor.getWriters() if hasattr(one, "server")]
        return sum(bytes_waiting(one) for one in set(readers))

    async def test_pipelined(self) -> None:
        """What is pipelined behind an answer that isn't read isn't begun; read, all answers are there, in order."""
        found = f"GET /user/find?id={self.one.id}&token={self.two.token} HTTP/1.1"
        asking = await self.unread(*[self.history()] * 5, found)
        await until(lambda: self.waiting() > 0)
        for _ in range(20):
            await deferLater(reactor, 0.01)
            self.assertLess(self.waiting(), CONNECTION_BYTES)
            self.assertEqual(self.node.backlogs.under_way, 1)
        asking.transport.resumeProducing()
        await until(lambda: asking.received.count(b"HTTP/1.1 200 ") == 6 and asking.received.endswith(b"}"))
        self.assertEqual(asking.received.count(b"0\r\n\r\n"), 5)
        self.assertEqual(asking.received.count(b'"content":"'), 5 * PAGE)
        await until(lambda: not self.node.backlogs.under_way)
        await self.leave(asking)

    async def test_ahead(self) -> None:
        """No more than a little is read of what a client sends meanwhile."""
        asking = await self.unread(self.history())
        await until(lambda: self.waiting() > 0)
        asking.transport.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" * 400_000)
        await deferLater(reactor, 0.3)

        def serving() -> list[Any]:
            """The channel that waits for its client; while TLS works on what came it may not be among the writers."""
            return list({one.protocol for one in reactor.getWriters() if hasattr(one, "server")})

        await until(lambda: len(serving()) == 1)
        (channel,) = serving()
        kept = sum(map(len, getattr(channel, "wrappedProtocol", channel)._dataBuffer))
        self.assertLess(kept, CONNECTION_BYTES)
        await self.leave(asking)

    async def test_many(self) -> None:
        """Of one user's many answers only some are under way; one that is read isn't behind those that aren't."""
        asking = [await self.unread(self.history()) for _ in range(ANSWERS // ANSWER_BYTES + 10)]
        await until(lambda: self.node.backlogs.under_way == len(asking))
        found = await self.two.get("/user/find", id=self.two.id)
        self.assertEqual(found.status, 200)
        await self.leave(*asking)

    async def leave(self, *asking: Any) -> None:
        for one in asking:
            one.transport.abortConnection()
        await until(lambda: not any(hasattr(one, "server") for one in reactor.getReaders() + reactor.getWriters()))
        self.assertEqual(self.node.backlogs.under_way, 0)
        # A request that waited is checked once more.
        await deferLater(reactor, 2 * LOOK_SECONDS)

    async def test_lists(self) -> None:
        """The list of conversations is whole, each with its newest message."""
        rows = (await self.two.get("/message/conversations")).rows
        self.assertEqual([(row["dstid"], row["last"]["seq"]) for row in rows], [(self.one.id, PAGE)])
        end = json.loads((await self.two.get("/contact/loadfriend")).body)
        self.assertEqual((end["rows"][0]["id"], end["total"]), (self.one.id, 1))


class UnreadTlsTests(UnreadTests):
    """The same through TLS, whose layer keeps bytes too."""

    listen = TlsTests.listen
    way_in = TlsTests.way_in


del TlsTests
