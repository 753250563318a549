"""Foreign data on the channels of a real Redis stops no receiving, fills no log and silences no node."""

from __future__ import annotations

import os
from random import Random
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from test.cluster.contract import Buses, asynchronous
from test.cluster.recording import pause, until
from test.cluster.redis.redis_server import reachable
from test.cluster.redis.test_bus import PORT, OverRedis, needs
from twim.cluster.interface import EVERYONE, MAX_EVENT, user
from twim.cluster.nodes import encode_announcement
from twim.cluster.problem_log import LINES
from twim.cluster.redis.incoming import JUMP, MAX_NODES
from twim.cluster.redis.outgoing import HEAD

NUMBERS = (2**64 - 1, 2**63, 10**6, 10**9, 0, 1)


class StrangersTests(OverRedis, Buses, TestCase):
    """Two nodes, and a stranger who writes to their Redis."""

    def setUp(self) -> None:
        super().setUp()
        needs(reachable(PORT), f"no Redis on 127.0.0.1:{PORT} (package redis-server)")

    async def two(self) -> None:
        (self.bus, _), (self.other, self.listener) = await self.cluster(2)
        await self.other.subscribe(user(1))
        self.said = 0

    def forge(self, channel: bytes, payload: bytes) -> None:
        self.bus._out.connection.publish_to(channel, payload)

    async def goes_on(self, within: float = 2.0) -> None:
        """Check that the node's events are received at once, completely and in order."""
        wanted = []
        for _ in range(20):
            self.said += 1
            wanted.append(b"real %d" % self.said)
            self.bus.publish((user(1),), wanted[-1])
            await pause(reactor, 0.005)
        await until(reactor, lambda: self.listener.events[-1:] == wanted[-1:], "the last was heard", within=within)
        self.assertEqual([one for one in self.listener.events if one.startswith(b"real")][-20:], wanted)
        self.assertEqual(self.listener.downs, [])

    def channels(self) -> list[bytes]:
        return [self.bus._nodes_channel, self.bus._channel(EVERYONE), self.bus._channel(user(1))]

    @asynchronous
    async def test_any_bytes(self) -> None:
        """Bytes that are no UTF-8, no MessagePack, of another shape, cut short or too large do no harm."""
        await self.two()
        line = self.other._subscribed
        node = bytes.fromhex(self.bus.node)
        random = Random(3)
        shapes: list[Any] = [None, 1, -1, 2**64 - 1, 1.5, float("nan"), "x" * 10_000, b"\xff", [], {}, [[[[]]]], True]
        good: list[Any] = [self.bus._self.epoch, "", "", 0, 1.0, 1, 0, b"", False]
        noise = [b"", b"\xff\xfe", b"\xc1", bytes(8), node, node + b"\xff", os.urandom(3000), bytes(MAX_EVENT + 1000)]
        noise += [node + b"\x99\xa4\xff\xfe\xfd\xfc" + bytes(20), node + b"\x91" * 5000]
        for at in range(len(good) - 1):
            noise += [node + msgspec.msgpack.encode([*good[:at], shape, *good[at + 1 :]]) for shape in shapes]
        noise += [os.urandom(random.randrange(60)) for _ in range(300)]
        for payload in noise:
            for channel in self.channels():
                self.forge(channel, payload)
        await self.goes_on(5)
        self.assertIs(self.other._subscribed, line)
        self.assertGreater(self.other.dropped, 500)
        self.assertEqual(self.flushLoggedErrors(), [])

    @asynchronous
    async def test_numbers_that_leap(self) -> None:
        """After a false number far ahead or behind, no event of the node is lost, and the log is read."""
        await self.two()
        await self.goes_on()
        node = bytes.fromhex(self.bus.node)
        for number in NUMBERS:
            gaps = len(self.listener.gaps)
            for channel in self.channels()[1:]:
                self.forge(channel, HEAD.pack(node, number, 2**32 - 1) + b"forged")
            await self.goes_on()
            self.assertGreater(len(self.listener.gaps), gaps)

    @asynchronous
    async def test_a_small_leap(self) -> None:
        """After a false number that could be right no event is lost either."""
        await self.two()
        for ahead in (1, 2, 50, JUMP - 1):
            number = self.bus._out.last + ahead
            self.forge(self.bus._channel(user(1)), HEAD.pack(bytes.fromhex(self.bus.node), number, 1) + b"forged")
            await self.goes_on()

    @asynchronous
    async def test_announcements_that_leap(self) -> None:
        """A false announcement in a node's name is corrected by the node's own."""
        await self.two()
        node = bytes.fromhex(self.bus.node)
        for last in (2**63 - 1, 0, 10**6):
            said = [self.bus._self.epoch, "", "", 0, 1.0, last, 7, b"", False]
            self.forge(self.bus._nodes_channel, node + msgspec.msgpack.encode(said))
            await self.goes_on()

    @asynchronous
    async def test_phantoms(self) -> None:
        """Invented nodes are kept up to a bound, forgotten when silent, and make few lines in the log."""
        await self.two()
        lines: list[str] = []
        self.patch(self.other.log, "info", lambda text, **_: lines.append(text))
        self.patch(self.other.log, "warn", lambda text, **_: lines.append(text))
        told = self.other._audience._log
        self.patch(told, "info", lambda text, **_: lines.append(text))
        said = encode_announcement([self.bus._self.epoch, "", "a\nb" * 50, 0, 1.0, 5, 0, b"", False])
        for number in range(MAX_NODES + 500):
            self.forge(self.bus._nodes_channel, number.to_bytes(8, "big") + said)
            self.forge(self.bus._channel(user(1)), HEAD.pack(number.to_bytes(8, "big"), 6, 9) + b"phantom's")
        await self.until(lambda: b"phantom's" in self.listener.events, "they were heard")
        await self.goes_on(5)
        self.assertLessEqual(len(self.other.nodes()) - 1, MAX_NODES)
        await until(reactor, lambda: len(self.other.nodes()) == 2, "they are forgotten", within=8)
        self.assertEqual(set(self.listener.up), {self.bus.node})
        self.assertLess(len(lines), 2 * LINES)
