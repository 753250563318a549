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
from test.cluster.recording import RecordingListener, pause
from test.cluster.redis.redis_server import RedisServer, reachable
from twim.cluster.interface import DOWN_WITHIN, EVERYONE, Bus, group, user
from twim.cluster.opening import open_bus

PORT = 6379


def needs(condition: bool, what: str) -> None:
    """Skip the test if something is missing that not every machine has, unless skipping is forbidden."""
    if not condition and os.environ.get("TWIM_TEST_NO_SKIP") != "1":
        raise SkipTest(what)


class OverRedis(Buses):
    """Makes buses over Redis."""

    port = PORT
    password = ""

    def make(self, epoch: str = "epoch") -> Any:
        login = f":{self.password}@" if self.password else ""
        url = f"redis://{login}127.0.0.1:{self.port}/{self.db}"
        return open_bus(url, key=None, epoch=epoch, reactor=reactor)

    def setUp(self) -> None:
        # In Redis, channels belong to no database: the number is only part of their names, and keeps tests apart.
        self.db = uuid4().int % 10**9


class RedisTests(OverRedis, BusOfMany, TestCase):
    """The contract, and what is particular to Redis."""

    def setUp(self) -> None:
        super().setUp()
        needs(reachable(PORT), f"no Redis on 127.0.0.1:{PORT} (package redis-server)")

    @asynchronous
    async def test_only_what_interests(self) -> None:
        """A node receives events for everyone and for its own users and groups, until it withdraws its interest."""
        (bus, _), (other, listener) = await self.cluster(2)
        await other.subscribe(user(1))
        await other.subscribe(group(1))
        for topic in (user(2), user(1), group(2), group(1), EVERYONE):
            bus.publish((topic,), f"{topic.kind} {topic.id}".encode())
        await self.until(lambda: len(listener.events) >= 3, "three were heard")
        self.assertEqual(listener.events, [b"user 1", b"group 1", b"everyone 0"])
        other.unsubscribe(user(1))
        await other.subscribe(user(3))
        bus.publish((user(1),), b"nobody's")
        bus.publish((user(3),), b"his")
        await self.until(lambda: len(listener.events) >= 4, "the last was heard")
        self.assertEqual(listener.events[3:], [b"his"])
        self.assertEqual(listener.gaps, [])

    @asynchronous
    async def test_wanted_again(self) -> None:
        """A topic wanted, given up and wanted again in one iteration is heard once the last Deferred fired."""
        (bus, _), (other, listener) = await self.cluster(2)
        other.subscribe(user(1))
        other.unsubscribe(user(1))
        await other.subscribe(user(1))
        bus.publish((user(1),), b"his")
        await self.until(lambda: bool(listener.events), "it was heard")

    @asynchronous
    async def test_many_topics(self) -> None:
        """Thousands of topics are subscribed to, and events of each are received."""
        (bus, _), (other, listener) = await self.cluster(2)
        waiting = [other.subscribe(user(id)) for id in range(1, 3001)]
        for subscribed in waiting:
            await subscribed
        for id in range(1, 3001):
            bus.publish((user(id),), b"%d" % id)
        await self.until(lambda: len(listener.events) >= 3000, "all were heard")
        self.assertEqual(listener.gaps, [])

    @asynchronous
    async def test_a_count_that_jumps(self) -> None:
        """If an event of a topic didn't arrive, its receivers know it with the next one."""
        (bus, _), (other, listener) = await self.cluster(2)
        await other.subscribe(user(1))
        bus.publish((user(1),), b"1")
        bus._out.count(bus._channel(user(1)))
        bus.publish((user(1),), b"3")
        await self.until(lambda: b"3" in listener.events, "the later was heard")
        self.assertEqual(listener.order[-3:], [("heard", b"1"), ("missed", bus.node), ("heard", b"3")])
        self.assertEqual((other.nodes()[1].gaps, other.nodes()[1].lost), (1, 1))

    @asynchronous
    async def test_other_clusters(self) -> None:
        """Clusters on other database numbers don't receive each other's events."""
        listener, foreign = RecordingListener(), RecordingListener()
        await self.started(listener)
        self.db += 1
        strange = await self.started(foreign)
        strange.publish((EVERYONE,), b"strange")
        await pause(reactor, 0.2)
        self.assertEqual(listener.order + foreign.order, [])

    @asynchronous
    async def test_noise(self) -> None:
        """Foreign messages on our channels do no harm."""
        (bus, _), (_, listener) = await self.cluster(2)
        line = bus._out.connection
        for channel in (bus._nodes_channel, bus._channel(EVERYONE)):
            for noise in (b"", b"x", bytes(100), bytes.fromhex(bus.node) + b"nonsense"):
                line.publish_to(channel, noise)
        bus.publish((EVERYONE,), b"still there")
        await self.until(lambda: b"still there" in listener.events, "it was heard")
        self.assertEqual(listener.downs, [])


class RedisDiesTests(OverRedis, TestCase):
    """A Redis that is killed, hangs and starts again."""

    def setUp(self) -> None:
        super().setUp()
        needs(shutil.which("redis-server") is not None, "no redis-server to start (package redis-server)")
        self.server = RedisServer()
        self.port = self.server.port
        self.addCleanup(self.server.kill)

    @asynchronous
    async def test_killed(self) -> None:
        """Publishing and subscribing continue while Redis is down; afterwards everyone knows that events were missed,
        and receives again."""
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
        self.assertEqual([bus.joined for bus, _ in members], [False] * 3)
        self.server.start()
        for _, listener in members:
            await self.until(lambda listener=listener: None in listener.gaps, "it knows that it missed something")
        await pause(reactor, 1)
        for bus, _ in members:
            bus.publish((user(2), user(1)), b"again")
        for bus, listener in members:
            await self.until(lambda listener=listener: listener.events.count(b"again") == 2, "all are heard again")
            self.assertGreaterEqual(bus.nodes()[0].lost, 90)
            self.assertTrue(bus.joined)

    @asynchronous
    async def test_not_there_yet(self) -> None:
        """A node starts without Redis, and receives events once Redis is there."""
        listener, second = RecordingListener(), RecordingListener()
        bus, other = await self.started(listener), await self.started(second)
        await bus.subscribe(user(1))
        other.publish((user(1),), b"lost")
        self.server.start()
        await self.until(lambda: bool(listener.up) and bool(second.up), "they met")
        self.assertIn(None, listener.gaps)
        other.publish((user(1),), b"came")
        await self.until(lambda: listener.events == [b"came"], "it was heard")

    @asynchronous
    async def test_only_the_publisher_was_cut(self) -> None:
        """A node that loses its publishing connection with events on it says so, and the others read the log."""
        self.server.start()
        (bus, listener), (_, second) = await self.cluster(2)
        bus.publish((EVERYONE,), b"on its way")
        bus._out.connection.transport.abortConnection()
        await self.until(lambda: bus.node in second.gaps, "the other knows")
        self.assertEqual(listener.gaps, [])

    @asynchronous
    async def test_a_full_queue(self) -> None:
        """While Redis accepts nothing, publishing continues; events beyond the bound are counted and missed later."""
        self.server.start()
        (bus, _), (_, listener) = await self.cluster(2)
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(lambda: self.server._process and self.server.signal(signal.SIGCONT))
        for _ in range(200):
            bus.publish((EVERYONE,), bytes(120 * 1024))
        self.assertGreater(bus.nodes()[0].lost, 50)
        self.server.signal(signal.SIGCONT)
        await self.until(lambda: bus.node in listener.gaps, "the other knows")

    @asynchronous
    async def test_stalled(self) -> None:
        """While Redis hangs, the nodes count as down in time; when it continues, all is well."""
        self.server.start()
        (bus, listener), (_, second) = await self.cluster(2)
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(lambda: self.server._process and self.server.signal(signal.SIGCONT))
        before = reactor.seconds()
        await self.until(lambda: bool(listener.downs) and bool(second.downs), "they lost each other")
        self.assertLess(reactor.seconds() - before, DOWN_WITHIN + 0.2)
        await pause(reactor, 1.5)
        self.server.signal(signal.SIGCONT)
        await self.until(lambda: bool(listener.up) and bool(second.up), "they met again")
        await self.until(lambda: None in listener.gaps and None in second.gaps, "both know that something was missed")
        bus.publish((EVERYONE,), b"again")
        await self.until(lambda: second.events == [b"again"], "it was heard")

    @asynchronous
    async def test_stopping_without(self) -> None:
        """A node can stop, and while starting, although Redis isn't there."""
        bus = self.make()
        starting = bus.start(RecordingListener())
        await bus.stop()
        self.assertIsInstance(starting, Deferred)
        self.assertTrue(starting.called)

    @asynchronous
    async def test_wrong_password(self) -> None:
        """With a wrong password the connection is tried again, and the reason is logged."""
        self.server._options = ("--requirepass", "right")
        self.server.start()
        self.password = "wrong"
        listener = RecordingListener()
        wrong: Bus = await self.started(listener)
        self.assertIn("Redis refuses what is asked of it", wrong.problems.counts)
        self.password = "right"
        await self.cluster(2)
        self.assertEqual(listener.order, [])
