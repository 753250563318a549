"""What every bus promises, as tests; a subclass for each kind uses the real thing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from test.cluster.recording import RecordingListener, pause, until
from twim.cluster.interface import EVERYONE, MAX_EVENT, Bus, Listener, group, user


def asynchronous(test: Callable[..., Coroutine[Deferred[Any], Any, None]]) -> Callable[..., Deferred[None]]:
    """Let a test that waits be written as a coroutine."""

    @wraps(test)
    def run(self: TestCase) -> Deferred[None]:
        return Deferred.fromCoroutine(test(self))

    return run


class Buses:
    """Makes buses for tests. Subclasses are TestCases too, and say how one is made."""

    timeout = 120

    def make(self, epoch: str = "epoch") -> Bus:
        """A bus that isn't started."""
        raise NotImplementedError

    async def started(self, listener: Listener, epoch: str = "epoch") -> Bus:
        """A bus that is started, and stopped when the test ends."""
        bus = self.make(epoch)
        self.addCleanup(bus.stop)
        await bus.start(listener)
        return bus

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        await until(reactor, condition, what)

    async def cluster(self, size: int) -> list[tuple[Bus, RecordingListener]]:
        """That many nodes that know each other."""
        members = []
        for _ in range(size):
            listener = RecordingListener()
            members.append((await self.started(listener), listener))
        await self.until(lambda: all(len(listener.up) == size - 1 for _, listener in members), "all know all")
        return members


class AnyBus(Buses):
    """Promises of every bus."""

    @asynchronous
    async def test_itself(self) -> None:
        """A node is the first of the nodes it knows, with the description it was given."""
        bus = await self.started(RecordingListener())
        bus.describe(connections=7, address="here")
        first = bus.nodes()[0]
        self.assertEqual((first.node, first.epoch, first.connections, first.address), (bus.node, "epoch", 7, "here"))
        self.assertEqual(len(bus.node), 16)
        self.assertNotEqual(self.make().node, bus.node)

    @asynchronous
    async def test_joined(self) -> None:
        """A bus says that it is joined once it is."""
        bus = await self.started(RecordingListener())
        self.assertTrue(bus.joined)

    @asynchronous
    async def test_no_echo(self) -> None:
        """A node doesn't receive its own events."""
        listener = RecordingListener()
        bus = await self.started(listener)
        await bus.subscribe(user(1))
        bus.publish((EVERYONE, user(1)), b"mine")
        await pause(reactor, 0.1)
        self.assertEqual(listener.events, [])

    @asynchronous
    async def test_bounds(self) -> None:
        """Events that are empty or too large are refused."""
        bus = await self.started(RecordingListener())
        self.assertRaises(ValueError, bus.publish, (EVERYONE,), b"")
        self.assertRaises(ValueError, bus.publish, (EVERYONE,), bytes(MAX_EVENT + 1))

    @asynchronous
    async def test_interest(self) -> None:
        """Interest can be declared and withdrawn more than once, and for nothing."""
        bus = await self.started(RecordingListener())
        await bus.subscribe(user(1))
        await bus.subscribe(user(1))
        bus.unsubscribe(user(1))
        bus.unsubscribe(user(1))
        bus.unsubscribe(group(5))
        bus.unsubscribe(EVERYONE)
        await bus.subscribe(EVERYONE)

    @asynchronous
    async def test_stopping_twice(self) -> None:
        """Stopping twice has the effect of stopping once."""
        bus = await self.started(RecordingListener())
        await bus.stop()
        await bus.stop()


class BusOfMany(AnyBus):
    """Promises of every bus with several nodes."""

    @asynchronous
    async def test_meeting(self) -> None:
        """All nodes know all others, each once, with its description."""
        members = await self.cluster(3)
        ids = {bus.node for bus, _ in members}
        for bus, listener in members:
            self.assertEqual(set(listener.up), ids - {bus.node})
            self.assertEqual([info.node for info in bus.nodes()[1:]], sorted(ids - {bus.node}))
            self.assertEqual([what for what, _ in listener.order], ["up", "up"])
            for info in listener.up.values():
                self.assertEqual(info.epoch, "epoch")
                self.assertTrue(info.address)

    @asynchronous
    async def test_order(self) -> None:
        """Every other node receives each event once, in the order of publishing."""
        members = await self.cluster(3)
        events = [b"%d" % i + b"." * (i % 300) for i in range(2000)]
        for at in range(0, len(events), 50):
            for event in events[at : at + 50]:
                members[0][0].publish((EVERYONE,), event)
            await pause(reactor, 0)
        for _, listener in members[1:]:
            await self.until(lambda listener=listener: len(listener.events) >= len(events), "all was heard")
        await pause(reactor, 0.1)
        for _, listener in members[1:]:
            self.assertEqual(listener.by_node, {members[0][0].node: events})
            self.assertEqual(listener.gaps, [])

    @asynchronous
    async def test_large(self) -> None:
        """Events up to the bound arrive whole and in order."""
        (bus, _), (_, listener) = await self.cluster(2)
        large = bytes(range(256)) * (MAX_EVENT // 256)
        events = [b"before", large, b"between", large[: 100 * 1024], large[:1398], large[:1399], b"after"]
        for event in events:
            bus.publish((EVERYONE,), event)
        await self.until(lambda: len(listener.events) >= len(events), "all was heard")
        self.assertEqual(listener.events, events)

    @asynchronous
    async def test_two_topics(self) -> None:
        """An event for two topics of interest is received once, and in order with events for one."""
        (bus, _), (other, listener) = await self.cluster(2)
        for topic in (user(1), user(2), group(3)):
            await other.subscribe(topic)
        bus.publish((user(1), user(2)), b"a")
        bus.publish((group(3),), b"b")
        bus.publish((user(2), group(3), user(1)), b"c")
        bus.publish((user(2), EVERYONE), b"d")
        bus.publish((user(1),), b"e")
        await self.until(lambda: len(listener.events) >= 5, "all was heard")
        await pause(reactor, 0.1)
        self.assertEqual(listener.events, [b"a", b"b", b"c", b"d", b"e"])
        self.assertEqual(listener.gaps, [])

    @asynchronous
    async def test_all_speak(self) -> None:
        """Each of several nodes that publish at once keeps its own order."""
        members = await self.cluster(3)
        for i in range(300):
            for bus, _ in members:
                bus.publish((EVERYONE,), b"%d" % i)
            if i % 20 == 0:
                await pause(reactor, 0)
        wanted = [b"%d" % i for i in range(300)]
        for bus, listener in members:
            await self.until(lambda listener=listener: len(listener.events) >= 600, "all was heard")
            self.assertEqual(listener.by_node, {other.node: wanted for other, _ in members if other is not bus})

    @asynchronous
    async def test_goodbye(self) -> None:
        """A node that stops is down at once for the others, after all its events, and receives nothing more."""
        (bus, listener), (other, second) = await self.cluster(2)
        bus.publish((EVERYONE,), b"last")
        await bus.stop()
        await self.until(lambda: bool(second.downs), "it is down")
        self.assertEqual(second.order[-2:], [("heard", b"last"), ("down", bus.node)])
        self.assertEqual([info.node for info in other.nodes()], [other.node])
        other.publish((EVERYONE,), b"to nobody")
        await pause(reactor, 0.1)
        self.assertEqual(listener.events, [])

    @asynchronous
    async def test_restart(self) -> None:
        """A node that starts again is a new node, and its events are received from the first on."""
        (bus, _), (_, listener) = await self.cluster(2)
        await bus.stop()
        again = await self.started(RecordingListener())
        again.publish((EVERYONE,), b"first")
        await self.until(lambda: bool(listener.events), "it was heard")
        self.assertEqual(listener.order[-2:], [("up", again.node), ("heard", b"first")])

    @asynchronous
    async def test_new_node(self) -> None:
        """A node that starts later receives no old events, but is told that it missed some."""
        (bus, _), (_, listener) = await self.cluster(2)
        bus.publish((EVERYONE,), b"old")
        await self.until(lambda: bool(listener.events), "the old one was heard")
        late = RecordingListener()
        await self.started(late)
        await self.until(lambda: len(late.up) == 2 and bool(late.gaps), "the new node knows all")
        bus.publish((EVERYONE,), b"new")
        await self.until(lambda: bool(late.events), "the new one was heard")
        self.assertEqual(late.events, [b"new"])
        self.assertIn(bus.node, late.gaps)

    @asynchronous
    async def test_another_database(self) -> None:
        """Nodes on another database are ignored."""
        (bus, listener), (_, second) = await self.cluster(2)
        foreign = RecordingListener()
        strange = await self.started(foreign, epoch="another")
        strange.publish((EVERYONE,), b"strange")
        bus.publish((EVERYONE,), b"ours")
        await self.until(lambda: second.events == [b"ours"], "ours was heard")
        await pause(reactor, 0.6)
        self.assertEqual(foreign.order, [])
        self.assertEqual([listener.events, second.events], [[], [b"ours"]])
        self.assertEqual((len(listener.up), len(strange.nodes())), (1, 1))

    @asynchronous
    async def test_describing(self) -> None:
        """A node's description reaches the others within two announcements."""
        (bus, _), (other, _) = await self.cluster(2)
        bus.describe(connections=41, address="10.0.0.1:8080")
        await self.until(lambda: other.nodes()[1].connections == 41, "the number is known")
        self.assertEqual(other.nodes()[1].address, "10.0.0.1:8080")

    @asynchronous
    async def test_rates(self) -> None:
        """Events are counted where they are published and where they are received."""
        (bus, _), (other, listener) = await self.cluster(2)
        for _ in range(100):
            bus.publish((EVERYONE,), b"event")
        await self.until(lambda: len(listener.events) == 100, "all was heard")
        await self.until(lambda: other.nodes()[1].events_per_second > 1, "the rate is known")
        self.assertEqual((bus.nodes()[0].events, other.nodes()[1].events), (100, 100))

    @asynchronous
    async def test_a_listener_that_fails(self) -> None:
        """An exception of the listener is logged, and the next event is received all the same."""

        class Clumsy(RecordingListener):
            def heard(self, node: str, event: bytes) -> None:
                super().heard(node, event)
                raise RuntimeError("clumsy")

        listener = Clumsy()
        ((bus, _),) = await self.cluster(1)
        await self.started(listener)
        await self.until(lambda: bool(listener.up), "they met")
        bus.publish((EVERYONE,), b"1")
        bus.publish((EVERYONE,), b"2")
        await self.until(lambda: len(listener.events) == 2, "both were heard")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
