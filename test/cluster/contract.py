"""What every bus promises, as tests: subclassed for each kind with the real thing behind it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from test.cluster.listening import Ear, pause, until
from twim.cluster.interface import EVERYONE, MAX_EVENT, Bus, Listener, group, user


def asynchronous(test: Callable[..., Coroutine[Deferred[Any], Any, None]]) -> Callable[..., Deferred[None]]:
    """Let a test that waits be written as a coroutine."""

    @wraps(test)
    def run(self: TestCase) -> Deferred[None]:
        return Deferred.fromCoroutine(test(self))

    return run


class Buses:
    """Makes buses for tests. Subclasses are TestCases too, and say how one is made."""

    timeout = 30

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

    async def cluster(self, size: int) -> list[tuple[Bus, Ear]]:
        """That many nodes that know each other."""
        members = []
        for _ in range(size):
            ear = Ear()
            members.append((await self.started(ear), ear))
        await self.until(lambda: all(len(ear.up) == size - 1 for _, ear in members), "all know all")
        return members


class AnyBus(Buses):
    """For every bus."""

    @asynchronous
    async def test_itself(self) -> None:
        """A node is the first of those it knows, and says what it was told to say."""
        bus = await self.started(Ear())
        bus.describe(connections=7, address="here")
        first = bus.nodes()[0]
        self.assertEqual((first.node, first.epoch, first.connections, first.address), (bus.node, "epoch", 7, "here"))
        self.assertEqual(len(bus.node), 16)
        self.assertNotEqual(self.make().node, bus.node)

    @asynchronous
    async def test_no_echo(self) -> None:
        """A node doesn't hear itself."""
        ear = Ear()
        bus = await self.started(ear)
        await bus.subscribe(user(1))
        bus.publish((EVERYONE, user(1)), b"mine")
        await pause(reactor, 0.1)
        self.assertEqual(ear.events, [])

    @asynchronous
    async def test_bounds(self) -> None:
        """Events that are empty or too large are refused."""
        bus = await self.started(Ear())
        self.assertRaises(ValueError, bus.publish, (EVERYONE,), b"")
        self.assertRaises(ValueError, bus.publish, (EVERYONE,), bytes(MAX_EVENT + 1))

    @asynchronous
    async def test_interest(self) -> None:
        """Interest can be declared and withdrawn more than once, and for nothing."""
        bus = await self.started(Ear())
        await bus.subscribe(user(1))
        await bus.subscribe(user(1))
        bus.unsubscribe(user(1))
        bus.unsubscribe(user(1))
        bus.unsubscribe(group(5))
        bus.unsubscribe(EVERYONE)
        await bus.subscribe(EVERYONE)

    @asynchronous
    async def test_stopping_twice(self) -> None:
        """Stopping twice is stopping once."""
        bus = await self.started(Ear())
        await bus.stop()
        await bus.stop()


class BusOfMany(AnyBus):
    """For every bus that has others on it."""

    @asynchronous
    async def test_meeting(self) -> None:
        """All know all, once, with what they say of themselves."""
        members = await self.cluster(3)
        ids = {bus.node for bus, _ in members}
        for bus, ear in members:
            self.assertEqual(set(ear.up), ids - {bus.node})
            self.assertEqual([info.node for info in bus.nodes()[1:]], sorted(ids - {bus.node}))
            self.assertEqual([what for what, _ in ear.order], ["up", "up"])
            for info in ear.up.values():
                self.assertEqual(info.epoch, "epoch")
                self.assertTrue(info.address)

    @asynchronous
    async def test_order(self) -> None:
        """Every other node hears each event once, in the order of publishing."""
        members = await self.cluster(3)
        events = [b"%d" % i + b"." * (i % 300) for i in range(2000)]
        for at in range(0, len(events), 50):
            for event in events[at : at + 50]:
                members[0][0].publish((EVERYONE,), event)
            await pause(reactor, 0)
        for _, ear in members[1:]:
            await self.until(lambda ear=ear: len(ear.events) >= len(events), "all was heard")
        await pause(reactor, 0.1)
        for _, ear in members[1:]:
            self.assertEqual(ear.by_node, {members[0][0].node: events})
            self.assertEqual(ear.gaps, [])

    @asynchronous
    async def test_large(self) -> None:
        """Events up to the bound arrive whole and in their place."""
        (bus, _), (_, ear) = await self.cluster(2)
        large = bytes(range(256)) * (MAX_EVENT // 256)
        events = [b"before", large, b"between", large[: 100 * 1024], large[:1398], large[:1399], b"after"]
        for event in events:
            bus.publish((EVERYONE,), event)
        await self.until(lambda: len(ear.events) >= len(events), "all was heard")
        self.assertEqual(ear.events, events)

    @asynchronous
    async def test_two_topics(self) -> None:
        """An event for two topics that a node cares for is heard once, and in order with those for one."""
        (bus, _), (other, ear) = await self.cluster(2)
        for topic in (user(1), user(2), group(3)):
            await other.subscribe(topic)
        bus.publish((user(1), user(2)), b"a")
        bus.publish((group(3),), b"b")
        bus.publish((user(2), group(3), user(1)), b"c")
        bus.publish((user(2), EVERYONE), b"d")
        bus.publish((user(1),), b"e")
        await self.until(lambda: len(ear.events) >= 5, "all was heard")
        await pause(reactor, 0.1)
        self.assertEqual(ear.events, [b"a", b"b", b"c", b"d", b"e"])
        self.assertEqual(ear.gaps, [])

    @asynchronous
    async def test_all_speak(self) -> None:
        """Several nodes that publish at once keep their own orders."""
        members = await self.cluster(3)
        for i in range(300):
            for bus, _ in members:
                bus.publish((EVERYONE,), b"%d" % i)
            if i % 20 == 0:
                await pause(reactor, 0)
        wanted = [b"%d" % i for i in range(300)]
        for bus, ear in members:
            await self.until(lambda ear=ear: len(ear.events) >= 600, "all was heard")
            self.assertEqual(ear.by_node, {other.node: wanted for other, _ in members if other is not bus})

    @asynchronous
    async def test_goodbye(self) -> None:
        """A node that stops is down at once for the others, after all that it said, and hears nothing more."""
        (bus, ear), (other, other_ear) = await self.cluster(2)
        bus.publish((EVERYONE,), b"last")
        await bus.stop()
        await self.until(lambda: bool(other_ear.downs), "it is down")
        self.assertEqual(other_ear.order[-2:], [("heard", b"last"), ("down", bus.node)])
        self.assertEqual([info.node for info in other.nodes()], [other.node])
        other.publish((EVERYONE,), b"to nobody")
        await pause(reactor, 0.1)
        self.assertEqual(ear.events, [])

    @asynchronous
    async def test_restart(self) -> None:
        """A node that comes again is another node, and its events are heard from the first on."""
        (bus, _), (_, ear) = await self.cluster(2)
        await bus.stop()
        again = await self.started(Ear())
        again.publish((EVERYONE,), b"first")
        await self.until(lambda: bool(ear.events), "it was heard")
        self.assertEqual(ear.order[-2:], [("up", again.node), ("heard", b"first")])

    @asynchronous
    async def test_newcomer(self) -> None:
        """Who comes later hears nothing old, but that there was something."""
        (bus, _), (_, ear) = await self.cluster(2)
        bus.publish((EVERYONE,), b"old")
        await self.until(lambda: bool(ear.events), "the old one was heard")
        late = Ear()
        await self.started(late)
        await self.until(lambda: len(late.up) == 2 and bool(late.gaps), "the newcomer knows all")
        bus.publish((EVERYONE,), b"new")
        await self.until(lambda: bool(late.events), "the new one was heard")
        self.assertEqual(late.events, [b"new"])
        self.assertIn(bus.node, late.gaps)

    @asynchronous
    async def test_another_database(self) -> None:
        """Nodes on another database don't exist."""
        (bus, ear), (_, other_ear) = await self.cluster(2)
        strange_ear = Ear()
        strange = await self.started(strange_ear, epoch="another")
        strange.publish((EVERYONE,), b"strange")
        bus.publish((EVERYONE,), b"ours")
        await self.until(lambda: other_ear.events == [b"ours"], "ours was heard")
        await pause(reactor, 0.6)
        self.assertEqual(strange_ear.order, [])
        self.assertEqual([ear.events, other_ear.events], [[], [b"ours"]])
        self.assertEqual((len(ear.up), len(strange.nodes())), (1, 1))

    @asynchronous
    async def test_describing(self) -> None:
        """What a node says of itself reaches the others within two announcements."""
        (bus, _), (other, _) = await self.cluster(2)
        bus.describe(connections=41, address="10.0.0.1:8080")
        await self.until(lambda: other.nodes()[1].connections == 41, "the number is known")
        self.assertEqual(other.nodes()[1].address, "10.0.0.1:8080")

    @asynchronous
    async def test_rates(self) -> None:
        """What a node says is counted where it is said and where it is heard."""
        (bus, _), (other, ear) = await self.cluster(2)
        for _ in range(100):
            bus.publish((EVERYONE,), b"event")
        await self.until(lambda: len(ear.events) == 100, "all was heard")
        await self.until(lambda: other.nodes()[1].events_per_second > 1, "the rate is known")
        self.assertEqual((bus.nodes()[0].events, other.nodes()[1].events), (100, 100))

    @asynchronous
    async def test_a_listener_that_fails(self) -> None:
        """An exception of the listener is logged, and the next event is heard all the same."""

        class Clumsy(Ear):
            def heard(self, node: str, event: bytes) -> None:
                super().heard(node, event)
                raise RuntimeError("clumsy")

        ear = Clumsy()
        ((bus, _),) = await self.cluster(1)
        await self.started(ear)
        await self.until(lambda: bool(ear.up), "they met")
        bus.publish((EVERYONE,), b"1")
        bus.publish((EVERYONE,), b"2")
        await self.until(lambda: len(ear.events) == 2, "both were heard")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
