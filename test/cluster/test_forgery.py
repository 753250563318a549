"""Datagrams that somebody without the key sends: forged, changed, cut, replayed, or just noise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from test.cluster.ether import Ether
from twim.cluster.complaints import EVERY
from twim.cluster.interface import EVERYONE
from twim.cluster.sealing import ANNOUNCEMENT, ASK, DATA, GONE, HEADER, Seal

ALL = (EVERYONE,)
ATTACKER = ("10.0.0.66", 3000)


class ForgeryTests(SynchronousTestCase):
    """Two nodes that talk, and a third party that sends to one of them."""

    def setUp(self) -> None:
        self.ether = Ether()
        self.bus, self.ear = self.ether.node()
        self.other, self.other_ear = self.ether.node()
        self.ether.run(1)
        for i in range(20):
            self.bus.publish(ALL, b"%d" % i + bytes(700))
        self.ether.run(1)
        self.recorded = list(self.ether.log)
        self.before = list(self.other_ear.order)
        self.said = 20

    def unharmed(self) -> None:
        """Nothing was heard but what was said, and the next event is."""
        self.ether.run(0.3)
        self.assertEqual(self.other_ear.order, self.before)
        self.bus.publish(ALL, b"still there %d" % self.said)
        self.ether.run(0.1)
        self.before.append(("heard", b"still there %d" % self.said))
        self.said += 1
        self.assertEqual(self.other_ear.order, self.before)

    def test_noise(self) -> None:
        """Noise, and headers with noise behind them."""

        @settings(deadline=None, max_examples=60)
        @given(st.lists(st.binary(max_size=1500), max_size=10), st.sampled_from((DATA, ANNOUNCEMENT, ASK, GONE)))
        def check(noise: list[bytes], kind: int) -> None:
            for datagram in noise:
                self.other.datagramReceived(datagram, ATTACKER)
                for number in (0, 21, 2**64 - 1):
                    header = HEADER.pack(kind, bytes.fromhex(self.bus.node), number)
                    self.other.datagramReceived(header + datagram, ATTACKER)
            self.unharmed()

        check()

    def test_changed(self) -> None:
        """Recorded datagrams with a bit turned, or cut, or with something behind."""

        @settings(deadline=None, max_examples=60)
        @given(st.data())
        def check(data: st.DataObject) -> None:
            datagram = data.draw(st.sampled_from(self.recorded))
            at = data.draw(st.integers(0, len(datagram) - 1))
            turned = bytes([datagram[at] ^ 1 << data.draw(st.integers(0, 7))])
            for changed in (datagram[:at] + turned + datagram[at + 1 :], datagram[:at], datagram + turned):
                self.other.datagramReceived(changed, ATTACKER)
            self.unharmed()

        check()

    def test_replayed(self) -> None:
        """Everything that was ever sent, again and in any order."""

        @settings(deadline=None, max_examples=30)
        @given(st.randoms(use_true_random=False))
        def check(random: object) -> None:
            again = list(self.recorded)
            random.shuffle(again)
            for datagram in again:
                self.other.datagramReceived(datagram, ATTACKER)
            self.unharmed()

        check()

    def test_the_dead_stay_dead(self) -> None:
        """What a dead node said makes it up neither for who knew it nor for who comes later."""
        recorded = list(self.ether.log)
        self.ether.wires[0].cut = True
        self.ether.run(6)
        self.assertEqual(self.other_ear.downs, [self.bus.node])
        _, late_ear = self.ether.node()
        self.ether.run(1)
        for _ in range(3):
            for wire in self.ether.wires[1:]:
                for datagram in recorded:
                    wire.protocol.datagramReceived(datagram, ATTACKER)
            self.ether.run(1)
        self.assertEqual(set(late_ear.up), {self.other.node})
        self.assertEqual(self.other_ear.downs, [self.bus.node])
        self.assertNotIn(self.bus.node, self.other_ear.up)

    def test_another_key(self) -> None:
        """A node with another key is ignored, and logged once a minute."""
        _, strange_ear = self.ether.node(key=bytes(32))
        self.ether.run(10)
        self.assertEqual(strange_ear.order, [])
        text = "a datagram sealed with another cluster's key"
        self.assertGreater(self.other.complaints.counts[text], 10)
        self.unharmed()

    def test_another_epoch(self) -> None:
        """A node with another database is ignored, and logged once a minute."""
        strange, strange_ear = self.ether.node(epoch="another")
        logged: list[object] = []
        self.other.complaints._log.warn = lambda *_, **fields: logged.append(fields["kind"])
        strange.publish(ALL, b"strange")
        self.ether.run(2 * EVERY + 10, step=0.01)
        self.assertEqual(strange_ear.order, [])
        self.assertEqual(logged, ["a node with another database"] * 3)
        self.unharmed()

    def test_a_member_that_talks_nonsense(self) -> None:
        """A node with the key whose datagrams can't be read (of another version) harms nobody."""
        node = bytes(8)
        seal = Seal(bytes(range(32)), node)
        for number, kind in enumerate((ANNOUNCEMENT, ASK, GONE, DATA) * 2, 1):
            self.other.datagramReceived(seal.close(kind, number, b"nonsense"), ATTACKER)
        self.unharmed()

    def test_garbled_data(self) -> None:
        """Data of a known node that can't be read is a loss."""
        out = self.bus._out
        out._ship(b"\xff\xff\xff")
        out._flush()
        self.ether.run(0.1)
        self.assertEqual(self.other_ear.order[-1], ("missed", self.bus.node))
