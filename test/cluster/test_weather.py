"""The UDP bus on a network that loses, doubles, delays, or is cut; in simulated time."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from test.cluster.ether import Ether
from test.cluster.listening import Ear
from twim.cluster import outgoing
from twim.cluster.interface import DOWN_WITHIN, EVERYONE
from twim.cluster.numbering import KEEP
from twim.cluster.sealing import ANNOUNCEMENT, DATA
from twim.cluster.udp import UdpBus

ALL = (EVERYONE,)


def words(ear: Ear) -> list[str]:
    """What it was told, without what about."""
    return [what for what, _ in ear.order]


class BadWeatherTests(SynchronousTestCase):
    """20 % lost, doubled and late: everything is heard once and in order."""

    def speak(self, ether: Ether, nodes: list[tuple[UdpBus, Ear]], turns: int) -> dict[str, list[bytes]]:
        said: dict[str, list[bytes]] = {bus.node: [] for bus, _ in nodes}
        for turn in range(turns):
            for bus, _ in nodes:
                for i in range(ether.random.randrange(20)):
                    event = b"%d %d " % (turn, i) + bytes(ether.random.choice((0, 100, 1000, 1400, 5000)))
                    said[bus.node].append(event)
                    bus.publish(ALL, event)
            ether.run(0.005)
        return said

    def check(self, seed: int, *, lost: float, doubled: float, late: float) -> None:
        ether = Ether(seed, lost=lost, doubled=doubled, late=late)
        nodes = [ether.node() for _ in range(3)]
        ether.run(5)
        said = self.speak(ether, nodes, 200)
        ether.run(5)
        for bus, ear in nodes:
            others = {node: events for node, events in said.items() if node != bus.node}
            self.assertEqual(ear.by_node, others)
            self.assertEqual((ear.gaps, ear.downs, len(ear.up)), ([], [], 2))

    def test_all_at_once(self) -> None:
        """Lost, doubled and late together."""
        for seed in range(3):
            self.check(seed, lost=0.2, doubled=0.2, late=0.2)

    def test_lost(self) -> None:
        """A third lost."""
        self.check(7, lost=0.33, doubled=0, late=0)

    def test_late(self) -> None:
        """Most of them late."""
        self.check(8, lost=0, doubled=0, late=0.8)

    def test_counts(self) -> None:
        """What was missing and asked for is counted on both sides."""
        ether = Ether(3, lost=0.2)
        nodes = [ether.node() for _ in range(2)]
        ether.run(3)
        self.speak(ether, nodes, 50)
        ether.run(3)
        here, there = nodes[0][0].nodes()
        self.assertGreater(here.asked, 0)
        self.assertGreater(there.asked, 0)
        self.assertGreater(there.gaps, 0)
        self.assertEqual(there.lost, 0)


class LossTests(SynchronousTestCase):
    """Single things that go wrong."""

    def setUp(self) -> None:
        self.ether = Ether()
        self.bus, self.ear = self.ether.node()
        self.other, self.other_ear = self.ether.node()
        self.ether.run(1)
        self.assertEqual(len(self.other_ear.up), 1)

    def cut(self, seconds: float, *, publishing: int = 0) -> None:
        """Cut the first node off, while it publishes that many datagrams."""
        self.ether.wires[0].cut = True
        for i in range(publishing):
            self.bus.publish(ALL, b"%d " % i + bytes(1300))
            if i % 50 == 0:
                self.ether.run(0.003)
        self.ether.run(seconds)
        self.ether.wires[0].cut = False

    def test_the_last_one(self) -> None:
        """The loss of the last datagram is noticed soon, although nothing follows it."""
        self.ether.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, b"last")
        self.ether.run(0.001)
        self.ether.censor = lambda datagram: False
        self.ether.run(0.1)
        self.assertEqual(self.other_ear.events, [b"last"])

    def test_short_cut(self) -> None:
        """What was said in a cut that nobody noticed is heard after."""
        self.cut(2, publishing=500)
        self.ether.run(3)
        self.assertEqual(len(self.other_ear.events), 500)
        self.assertEqual(words(self.other_ear), ["up"] + ["heard"] * 500)

    def test_long_cut(self) -> None:
        """A node that was down for a while comes again, and what it said meanwhile is heard."""
        self.cut(10, publishing=500)
        self.ether.run(3)
        self.assertEqual(words(self.other_ear), ["up", "down", "up"] + ["heard"] * 500)
        self.assertEqual(words(self.ear), ["up", "down", "up"])

    def test_what_fell_out(self) -> None:
        """What the sender keeps no longer is missed, once, and what it still keeps is heard."""
        self.cut(1, publishing=KEEP + 500)
        self.ether.run(5)
        self.assertEqual(words(self.other_ear)[:2], ["up", "missed"])
        self.assertEqual(self.other_ear.gaps, [self.bus.node])
        self.assertEqual(len(self.other_ear.events), KEEP)
        self.assertTrue(self.other_ear.events[-1].startswith(b"%d " % (KEEP + 499)))

    def test_a_large_one_torn(self) -> None:
        """An event of which a part is lost for good isn't heard, and the next one is."""
        kept = self.bus._out._kept
        self.ether.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, bytes(5000))
        self.ether.run(0.001)
        self.ether.censor = lambda datagram: False
        kept._slots[2] = None
        self.bus.publish(ALL, b"whole")
        self.ether.run(1)
        self.assertEqual(self.other_ear.order[1:], [("missed", self.bus.node), ("heard", b"whole")])

    def test_a_full_queue(self) -> None:
        """When the network takes nothing, publishing goes on; what was too much is counted and missed."""
        self.ether.wires[0].full = True
        for i in range(outgoing.BACKLOG + 300):
            self.bus.publish(ALL, b"%d " % i + bytes(1350))
        self.ether.wires[0].full = False
        self.ether.run(2)
        heard, lost = len(self.other_ear.events), self.bus.nodes()[0].lost
        self.assertGreater(lost, 0)
        self.assertEqual(heard + lost, outgoing.BACKLOG + 300)
        self.assertEqual(self.other_ear.gaps, [self.bus.node])
        self.bus.publish(ALL, b"after")
        self.ether.run(0.1)
        self.assertEqual(self.other_ear.order[-2:], [("missed", self.bus.node), ("heard", b"after")])

    def test_death(self) -> None:
        """A node that falls silent is down in less than 5 s, but not before 3."""
        self.ether.wires[0].cut = True
        self.ether.run(3)
        self.assertEqual(self.other_ear.downs, [])
        self.ether.run(DOWN_WITHIN - 3)
        self.assertEqual(self.other_ear.downs, [self.bus.node])

    def test_death_with_a_gap(self) -> None:
        """What a dead node said after a loss is heard, behind the loss, before it is down."""
        kept = self.bus._out._kept
        self.ether.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, b"lost")
        self.ether.run(0.001)
        self.ether.censor = lambda datagram: False
        self.bus.publish(ALL, b"came")
        self.ether.run(0.001)
        self.assertEqual(kept.last, 2)
        self.ether.wires[0].cut = True
        self.ether.run(5)
        node = self.bus.node
        self.assertEqual(self.other_ear.order[1:], [("missed", node), ("heard", b"came"), ("down", node)])

    def test_one_way(self) -> None:
        """While a node can't hear another, it knows nothing of it, and nothing breaks."""
        third_ear = self.ether.node()[1]
        self.ether.wires[2].protocol.datagramReceived = lambda datagram, addr: None
        self.bus.publish(ALL, b"1")
        self.ether.run(2)
        self.assertEqual(third_ear.order, [])
        self.assertEqual(len(self.ear.up), 1)

    def test_a_late_announcement_after_goodbye(self) -> None:
        """An announcement that the goodbye overtook doesn't bring the node back."""
        late: list[bytes] = []
        self.ether.censor = lambda datagram: datagram[0] == ANNOUNCEMENT and not late.append(datagram)
        self.ether.run(0.5)
        self.ether.censor = lambda datagram: False
        self.bus.stop()
        self.ether.run(0.01)
        self.assertEqual(self.other_ear.downs, [self.bus.node])
        for datagram in late:
            self.other.datagramReceived(datagram, ("10.0.0.1", 3000))
        self.ether.run(0.1)
        self.assertEqual(words(self.other_ear), ["up", "down"])

    def test_the_network_fails(self) -> None:
        """An error of the socket is like a loss: logged once a minute, mended after."""

        def broken(datagram: bytes, where: object) -> None:
            raise OSError(101, "Network is unreachable")

        wire = self.ether.wires[0]
        wire.write = broken
        for _ in range(10):
            self.bus.publish(ALL, b"x")
            self.ether.run(0.01)
        del wire.write
        self.ether.run(1)
        self.assertEqual(len(self.other_ear.events), 10)
        self.assertEqual(self.bus.complaints.counts.keys(), {"the network takes no datagrams"})

    def test_stop_leaves_nothing(self) -> None:
        """A stopped bus has no calls pending."""
        self.bus.publish(ALL, b"x")
        for bus in (self.bus, self.other):
            stopped = bus.stop()
            self.assertIsInstance(stopped, Deferred)
        self.ether.run(0.1)
        self.assertEqual(self.ether.clock.getDelayedCalls(), [])
