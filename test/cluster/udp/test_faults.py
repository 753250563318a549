"""The UDP bus on a network that loses, doubles, delays, or is cut; in simulated time."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from test.cluster.recording import RecordingListener
from test.cluster.udp.fake_network import FakeNetwork
from twim.cluster.interface import DOWN_WITHIN, EVERYONE
from twim.cluster.udp import outgoing
from twim.cluster.udp.bus import UdpBus
from twim.cluster.udp.numbering import KEEP
from twim.cluster.udp.sealing import ANNOUNCEMENT, DATA

ALL = (EVERYONE,)


def words(listener: RecordingListener) -> list[str]:
    """The calls of a listener, without their subjects."""
    return [what for what, _ in listener.order]


class FaultTests(SynchronousTestCase):
    """With 20 % lost, doubled and late, everything is received once and in order."""

    def speak(
        self, network: FakeNetwork, nodes: list[tuple[UdpBus, RecordingListener]], rounds: int
    ) -> dict[str, list[bytes]]:
        said: dict[str, list[bytes]] = {bus.node: [] for bus, _ in nodes}
        for number in range(rounds):
            for bus, _ in nodes:
                for i in range(network.random.randrange(20)):
                    event = b"%d %d " % (number, i) + bytes(network.random.choice((0, 100, 1000, 1400, 5000)))
                    said[bus.node].append(event)
                    bus.publish(ALL, event)
            network.run(0.005)
        return said

    def check(self, seed: int, *, lost: float, doubled: float, late: float) -> None:
        network = FakeNetwork(seed, lost=lost, doubled=doubled, late=late)
        nodes = [network.node() for _ in range(3)]
        network.run(5)
        said = self.speak(network, nodes, 200)
        network.run(5)
        for bus, listener in nodes:
            others = {node: events for node, events in said.items() if node != bus.node}
            self.assertEqual(listener.by_node, others)
            self.assertEqual((listener.gaps, listener.downs, len(listener.up)), ([], [], 2))

    def test_all_at_once(self) -> None:
        """Datagrams are lost, doubled and late at the same time."""
        for seed in range(3):
            self.check(seed, lost=0.2, doubled=0.2, late=0.2)

    def test_lost(self) -> None:
        """A third of the datagrams is lost."""
        self.check(7, lost=0.33, doubled=0, late=0)

    def test_late(self) -> None:
        """Most datagrams are late."""
        self.check(8, lost=0, doubled=0, late=0.8)

    def test_counts(self) -> None:
        """What was missing and asked for is counted on both sides."""
        network = FakeNetwork(3, lost=0.2)
        nodes = [network.node() for _ in range(2)]
        network.run(3)
        self.speak(network, nodes, 50)
        network.run(3)
        here, there = nodes[0][0].nodes()
        self.assertGreater(here.asked, 0)
        self.assertGreater(there.asked, 0)
        self.assertGreater(there.gaps, 0)
        self.assertEqual(there.lost, 0)


class LossTests(SynchronousTestCase):
    """Single failures."""

    def setUp(self) -> None:
        self.network = FakeNetwork()
        self.bus, self.listener = self.network.node()
        self.other, self.second = self.network.node()
        self.network.run(1)
        self.assertEqual(len(self.second.up), 1)

    def cut(self, seconds: float, *, publishing: int = 0) -> None:
        """Disconnect the first node while it publishes so many datagrams."""
        self.network.wires[0].cut = True
        for i in range(publishing):
            self.bus.publish(ALL, b"%d " % i + bytes(1300))
            if i % 50 == 0:
                self.network.run(0.003)
        self.network.run(seconds)
        self.network.wires[0].cut = False

    def test_the_last_one(self) -> None:
        """The loss of the last datagram is noticed soon, although none follows it."""
        self.network.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, b"last")
        self.network.run(0.001)
        self.network.censor = lambda datagram: False
        self.network.run(0.1)
        self.assertEqual(self.second.events, [b"last"])

    def test_short_cut(self) -> None:
        """What was published during a short interruption is received afterwards."""
        self.cut(2, publishing=500)
        self.network.run(3)
        self.assertEqual(len(self.second.events), 500)
        self.assertEqual(words(self.second), ["up"] + ["heard"] * 500)

    def test_long_cut(self) -> None:
        """A node that was down for a while is up again, and what it published meanwhile is received."""
        self.cut(10, publishing=500)
        self.network.run(3)
        self.assertEqual(words(self.second), ["up", "down", "up"] + ["heard"] * 500)
        self.assertEqual(words(self.listener), ["up", "down", "up"])

    def test_what_fell_out(self) -> None:
        """Events that the sender no longer keeps are reported as missed, once; those it still keeps are received."""
        self.cut(1, publishing=KEEP + 500)
        self.network.run(5)
        self.assertEqual(words(self.second)[:2], ["up", "missed"])
        self.assertEqual(self.second.gaps, [self.bus.node])
        self.assertEqual(len(self.second.events), KEEP)
        self.assertTrue(self.second.events[-1].startswith(b"%d " % (KEEP + 499)))

    def test_a_large_one_torn(self) -> None:
        """An event of which a part is lost for good isn't received, and the next one is."""
        kept = self.bus._out._kept
        self.network.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, bytes(5000))
        self.network.run(0.001)
        self.network.censor = lambda datagram: False
        kept._slots[2] = None
        self.bus.publish(ALL, b"whole")
        self.network.run(1)
        self.assertEqual(self.second.order[1:], [("missed", self.bus.node), ("heard", b"whole")])

    def test_a_full_queue(self) -> None:
        """While the network accepts nothing, publishing continues; what exceeds the bound is counted and missed."""
        self.network.wires[0].full = True
        for i in range(outgoing.BACKLOG + 300):
            self.bus.publish(ALL, b"%d " % i + bytes(1350))
        self.network.wires[0].full = False
        self.network.run(2)
        heard, lost = len(self.second.events), self.bus.nodes()[0].lost
        self.assertGreater(lost, 0)
        self.assertEqual(heard + lost, outgoing.BACKLOG + 300)
        self.assertEqual(self.second.gaps, [self.bus.node])
        self.bus.publish(ALL, b"after")
        self.network.run(0.1)
        self.assertEqual(self.second.order[-2:], [("missed", self.bus.node), ("heard", b"after")])

    def test_death(self) -> None:
        """A node that falls silent is down in less than 5 s, but not before 3 s."""
        self.network.wires[0].cut = True
        self.network.run(3)
        self.assertEqual(self.second.downs, [])
        self.network.run(DOWN_WITHIN - 3)
        self.assertEqual(self.second.downs, [self.bus.node])

    def test_death_with_a_gap(self) -> None:
        """What a dead node published after a loss is received before the node counts as down."""
        kept = self.bus._out._kept
        self.network.censor = lambda datagram: datagram[0] == DATA
        self.bus.publish(ALL, b"lost")
        self.network.run(0.001)
        self.network.censor = lambda datagram: False
        self.bus.publish(ALL, b"came")
        self.network.run(0.001)
        self.assertEqual(kept.last, 2)
        self.network.wires[0].cut = True
        self.network.run(5)
        node = self.bus.node
        self.assertEqual(self.second.order[1:], [("missed", node), ("heard", b"came"), ("down", node)])

    def test_one_way(self) -> None:
        """While a node can't receive from another, it doesn't know it, and nothing breaks."""
        third_listener = self.network.node()[1]
        self.network.wires[2].protocol.datagramReceived = lambda datagram, addr: None
        self.bus.publish(ALL, b"1")
        self.network.run(2)
        self.assertEqual(third_listener.order, [])
        self.assertEqual(len(self.listener.up), 1)

    def test_a_late_announcement_after_goodbye(self) -> None:
        """An announcement that arrives after the goodbye doesn't bring the node back."""
        late: list[bytes] = []
        self.network.censor = lambda datagram: datagram[0] == ANNOUNCEMENT and not late.append(datagram)
        self.network.run(0.5)
        self.network.censor = lambda datagram: False
        self.bus.stop()
        self.network.run(0.01)
        self.assertEqual(self.second.downs, [self.bus.node])
        for datagram in late:
            self.other.datagramReceived(datagram, ("10.0.0.1", 3000))
        self.network.run(0.1)
        self.assertEqual(words(self.second), ["up", "down"])

    def test_the_network_fails(self) -> None:
        """An error of the socket is like a loss: logged once a minute, and repaired afterwards."""

        def broken(datagram: bytes, where: object) -> None:
            raise OSError(101, "Network is unreachable")

        wire = self.network.wires[0]
        wire.write = broken
        for _ in range(10):
            self.bus.publish(ALL, b"x")
            self.network.run(0.01)
        del wire.write
        self.network.run(1)
        self.assertEqual(len(self.second.events), 10)
        self.assertEqual(self.bus.problems.counts.keys(), {"the network takes no datagrams"})

    def test_stop_leaves_nothing(self) -> None:
        """A stopped bus has no calls pending."""
        self.bus.publish(ALL, b"x")
        for bus in (self.bus, self.other):
            stopped = bus.stop()
            self.assertIsInstance(stopped, Deferred)
        self.network.run(0.1)
        self.assertEqual(self.network.clock.getDelayedCalls(), [])
