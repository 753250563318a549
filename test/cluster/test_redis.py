"""The bus over a real Redis: the one on the usual port for the contract, private ones to be killed."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any
from uuid import uuid4

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from test.cluster.contract import Buses, BusOfMany, asynchronous
from test.cluster.listening import Ear, pause
from test.cluster.redis_server import RedisServer, reachable
from twim.cluster.interface import DOWN_WITHIN, EVERYONE, Bus, group, user
from twim.cluster.opening import open_bus

PORT = 6379


def needs(condition: bool, what: str) -> None:
    """Skip the test if something is lacking that others may not have, unless nothing may be skipped."""
    if not condition and os.environ.get("TWIM_TEST_NO_SKIP") != "1":
        raise SkipTest(what)


class OverRedis(Buses):
    """How a bus is made."""

    port = PORT
    password = ""

    def make(self, epoch: str = "epoch") -> Any:
        login = f":{self.password}@" if self.password else ""
        url = f"redis://{login}127.0.0.1:{self.port}/{self.db}"
        return open_bus(url, key=None, epoch=epoch, reactor=reactor)

    def setUp(self) -> None:
        self.db = (
            uuid4().int % 10**9
        )  # channels have no databases in Redis: a number of this test's own keeps others out


class RedisTests(OverRedis, BusOfMany, TestCase):
    """The contract, and what is particular."""

    def setUp(self) -> None:
        super().setUp()
        needs(reachable(PORT), f"no Redis on 127.0.0.1:{PORT} (package redis-server)")

    @asynchronous
    async def test_only_what_interests(self) -> None:
        """A node gets what is for everyone and for its own users and groups, until it wants it no more."""
        (bus, _), (other, ear) = await self.cluster(2)
        await other.subscribe(user(1))
        await other.subscribe(group(1))
        for topic in (user(2), user(1), group(2), group(1), EVERYONE):
            bus.publish((topic,), f"{topic.kind} {topic.id}".encode())
        await self.until(lambda: len(ear.events) >= 3, "three were heard")
        self.assertEqual(ear.events, [b"user 1", b"group 1", b"everyone 0"])
        other.unsubscribe(user(1))
        await other.subscribe(user(3))
        bus.publish((user(1),), b"nobody's")
        bus.publish((user(3),), b"his")
        await self.until(lambda: len(ear.events) >= 4, "the last was heard")
        self.assertEqual(ear.events[3:], [b"his"])
        self.assertEqual(ear.gaps, [])

    @asynchronous
    async def test_wanted_again(self) -> None:
        """A topic wanted, given up and wanted again in one turn is heard once the last Deferred fired."""
        (bus, _), (other, ear) = await self.cluster(2)
        other.subscribe(user(1))
        other.unsubscribe(user(1))
        await other.subscribe(user(1))
        bus.publish((user(1),), b"his")
        await self.until(lambda: bool(ear.events), "it was heard")

    @asynchronous
    async def test_many_topics(self) -> None:
        """Thousands of topics are subscribed to, and each is heard."""
        (bus, _), (other, ear) = await self.cluster(2)
        waiting = [other.subscribe(user(id)) for id in range(1, 3001)]
        for subscribed in waiting:
            await subscribed
        for id in range(1, 3001):
            bus.publish((user(id),), b"%d" % id)
        await self.until(lambda: len(ear.events) >= 3000, "all were heard")
        self.assertEqual(ear.gaps, [])

    @asynchronous
    async def test_a_count_that_jumps(self) -> None:
        """When one of a topic's events didn't come, the receivers know with the next."""
        (bus, _), (other, ear) = await self.cluster(2)
        await other.subscribe(user(1))
        bus.publish((user(1),), b"1")
        bus._count(bus._channel(user(1)))
        bus.publish((user(1),), b"3")
        await self.until(lambda: b"3" in ear.events, "the later was heard")
        self.assertEqual(ear.order[-3:], [("heard", b"1"), ("missed", bus.node), ("heard", b"3")])
        self.assertEqual((other.nodes()[1].gaps, other.nodes()[1].lost), (1, 1))

    @asynchronous
    async def test_other_clusters(self) -> None:
        """Clusters on other numbers of databases don't hear each other."""
        ear, strange_ear = Ear(), Ear()
        await self.started(ear)
        self.db += 1
        strange = await self.started(strange_ear)
        strange.publish((EVERYONE,), b"strange")
        await pause(reactor, 0.2)
        self.assertEqual(ear.order + strange_ear.order, [])

    @asynchronous
    async def test_noise(self) -> None:
        """What others publish on our channels harms nobody."""
        (bus, _), (_, ear) = await self.cluster(2)
        line = bus._publishing
        for channel in (bus._nodes_channel, bus._channel(EVERYONE)):
            for noise in (b"", b"x", bytes(100), bytes.fromhex(bus.node) + b"nonsense"):
                line.publish_to(channel, noise)
        bus.publish((EVERYONE,), b"still there")
        await self.until(lambda: b"still there" in ear.events, "it was heard")
        self.assertEqual(ear.downs, [])


class RedisDiesTests(OverRedis, TestCase):
    """A Redis that goes, stalls and comes again."""

    def setUp(self) -> None:
        super().setUp()
        needs(shutil.which("redis-server") is not None, "no redis-server to start (package redis-server)")
        self.server = RedisServer()
        self.port = self.server.port
        self.addCleanup(self.server.kill)

    @asynchronous
    async def test_killed(self) -> None:
        """Publishing and subscribing go on meanwhile; after it, everyone knows that something was missed, and
        hears again.
        """
        self.server.start()
        members = await self.cluster(3)
        for bus, _ in members:
            await bus.subscribe(user(1))
        self.server.kill()
        for i in range(100):
            for bus, _ in members:
                bus.publish((EVERYONE, user(1)), b"lost %d" % i)
                await bus.subscribe(user(2))
            await pause(reactor, 0.002)
        self.server.start()
        for _, ear in members:
            await self.until(lambda ear=ear: None in ear.gaps, "it knows that it missed something")
        await pause(reactor, 1)
        for bus, _ in members:
            bus.publish((user(2), user(1)), b"again")
        for bus, ear in members:
            await self.until(lambda ear=ear: ear.events.count(b"again") == 2, "all are heard again")
            self.assertGreaterEqual(bus.nodes()[0].lost, 90)

    @asynchronous
    async def test_not_there_yet(self) -> None:
        """A node starts without Redis, and hears when it comes."""
        ear, other_ear = Ear(), Ear()
        bus, other = await self.started(ear), await self.started(other_ear)
        await bus.subscribe(user(1))
        other.publish((user(1),), b"lost")
        self.server.start()
        await self.until(lambda: bool(ear.up) and bool(other_ear.up), "they met")
        self.assertIn(None, ear.gaps)
        other.publish((user(1),), b"came")
        await self.until(lambda: ear.events == [b"came"], "it was heard")

    @asynchronous
    async def test_only_the_publisher_was_cut(self) -> None:
        """Who loses his publishing connection with something on it says so, and the others read the log."""
        self.server.start()
        (bus, ear), (_, other_ear) = await self.cluster(2)
        bus.publish((EVERYONE,), b"on its way")
        bus._publishing.transport.abortConnection()
        await self.until(lambda: bus.node in other_ear.gaps, "the other knows")
        self.assertEqual(ear.gaps, [])

    @asynchronous
    async def test_a_full_queue(self) -> None:
        """When Redis takes nothing, publishing goes on; what is too much is counted, and missed after."""
        self.server.start()
        (bus, _), (_, ear) = await self.cluster(2)
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(lambda: self.server._process and self.server.signal(signal.SIGCONT))
        for _ in range(200):
            bus.publish((EVERYONE,), bytes(120 * 1024))
        self.assertGreater(bus.nodes()[0].lost, 50)
        self.server.signal(signal.SIGCONT)
        await self.until(lambda: bus.node in ear.gaps, "the other knows")

    @asynchronous
    async def test_stalled(self) -> None:
        """When Redis hangs, the nodes are down within the time, and all is well when it goes on."""
        self.server.start()
        (bus, ear), (_, other_ear) = await self.cluster(2)
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(lambda: self.server._process and self.server.signal(signal.SIGCONT))
        before = reactor.seconds()
        await self.until(lambda: bool(ear.downs) and bool(other_ear.downs), "they lost each other")
        self.assertLess(reactor.seconds() - before, DOWN_WITHIN + 0.2)
        await pause(reactor, 1.5)
        self.server.signal(signal.SIGCONT)
        await self.until(lambda: bool(ear.up) and bool(other_ear.up), "they met again")
        await self.until(lambda: None in ear.gaps and None in other_ear.gaps, "both know that something was missed")
        bus.publish((EVERYONE,), b"again")
        await self.until(lambda: other_ear.events == [b"again"], "it was heard")

    @asynchronous
    async def test_stopping_without(self) -> None:
        """A node can stop, and while starting, although Redis isn't there."""
        bus = self.make()
        starting = bus.start(Ear())
        await bus.stop()
        self.assertIsInstance(starting, Deferred)
        self.assertTrue(starting.called)

    @asynchronous
    async def test_wrong_password(self) -> None:
        """A password that Redis doesn't take is tried again, and said so."""
        self.server._options = ("--requirepass", "right")
        self.server.start()
        self.password = "wrong"
        ear = Ear()
        wrong: Bus = await self.started(ear)
        self.assertIn("Redis refuses what is asked of it", wrong.complaints.counts)
        self.password = "right"
        await self.cluster(2)
        self.assertEqual(ear.order, [])
