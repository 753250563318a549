"""Datagrams from somebody without the key: forged, changed, cut, repeated, or noise."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from test.cluster.udp.fake_network import FakeNetwork
from twim.cluster.interface import EVERYONE
from twim.cluster.nodes import encode_announcement as encode
from twim.cluster.problem_log import EVERY, TRACEBACKS
from twim.cluster.udp.sealing import ANNOUNCEMENT, ASK, DATA, GONE, HEADER, Seal

ALL = (EVERYONE,)
ATTACKER = ("10.0.0.66", 3000)


class ForgeryTests(SynchronousTestCase):
    """Two nodes, and an attacker who sends to one of them."""

    def setUp(self) -> None:
        self.network = FakeNetwork()
        self.bus, self.listener = self.network.node()
        self.other, self.second = self.network.node()
        self.network.run(1)
        for i in range(20):
            self.bus.publish(ALL, b"%d" % i + bytes(700))
        self.network.run(1)
        self.recorded = list(self.network.log)
        self.before = list(self.second.order)
        self.said = 20

    def unharmed(self) -> None:
        """Check that only real events were received, and that the next one is received."""
        self.network.run(0.3)
        self.assertEqual(self.second.order, self.before)
        self.bus.publish(ALL, b"still there %d" % self.said)
        self.network.run(0.1)
        self.before.append(("heard", b"still there %d" % self.said))
        self.said += 1
        self.assertEqual(self.second.order, self.before)

    def test_noise(self) -> None:
        """Noise, and noise after valid headers, does no harm."""

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
        """Recorded datagrams with a changed bit, cut, or with bytes added, do no harm."""

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
        """Repeating all datagrams in any order does no harm."""

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
        """Repeated datagrams of a dead node bring it back neither for old nor for new nodes."""
        recorded = list(self.network.log)
        self.network.wires[0].cut = True
        self.network.run(6)
        self.assertEqual(self.second.downs, [self.bus.node])
        _, late_listener = self.network.node()
        self.network.run(1)
        for _ in range(3):
            for wire in self.network.wires[1:]:
                for datagram in recorded:
                    wire.protocol.datagramReceived(datagram, ATTACKER)
            self.network.run(1)
        self.assertEqual(set(late_listener.up), {self.other.node})
        self.assertEqual(self.second.downs, [self.bus.node])
        self.assertNotIn(self.bus.node, self.second.up)

    def test_another_key(self) -> None:
        """A node with another key is ignored, and logged once a minute."""
        _, foreign = self.network.node(key=bytes(32))
        self.network.run(10)
        self.assertEqual(foreign.order, [])
        text = "a datagram sealed with another cluster's key"
        self.assertGreater(self.other.problems.counts[text], 10)
        self.unharmed()

    def test_another_epoch(self) -> None:
        """A node with another database is ignored, and logged once a minute."""
        strange, foreign = self.network.node(epoch="another")
        logged: list[object] = []
        self.other.problems._log.warn = lambda *_, **fields: logged.append(fields["kind"])
        strange.publish(ALL, b"strange")
        self.network.run(2 * EVERY + 10, step=0.01)
        self.assertEqual(foreign.order, [])
        self.assertEqual(logged, ["a node with another database"] * 3)
        self.unharmed()

    def test_a_member_that_talks_nonsense(self) -> None:
        """A node with the key whose datagrams can't be read (of another version) does no harm."""
        node = bytes(8)
        seal = Seal(bytes(range(32)), node)
        for number, kind in enumerate((ANNOUNCEMENT, ASK, GONE, DATA) * 2, 1):
            self.other.datagramReceived(seal.close(kind, number, b"nonsense"), ATTACKER)
        self.unharmed()

    def test_a_member_that_announces_anything(self) -> None:
        """Whatever a node with the key announces is counted, logged a few times a minute, and does no harm."""
        node = bytes(8)
        seal = Seal(bytes(range(32)), node)
        good: list[Any] = ["epoch", "", "", 0, 1.0, 1, 0, b"", False]
        shapes: list[Any] = [None, -1, 2**64 - 1, float("nan"), float("inf"), "x" * 10_000, b"\xff", [], {}]
        payloads = [encode([*good[:at], one, *good[at + 1 :]]) for at in range(len(good)) for one in shapes]
        payloads += [b"\x99\xa2\xff\xfe" + bytes(9), b"\x91" * 3000, b""]
        for number, payload in enumerate(payloads, 1):
            self.other.datagramReceived(seal.close(ANNOUNCEMENT, number, payload), ATTACKER)
        self.assertGreaterEqual(self.other.dropped, len(payloads) - 2)
        self.network.run(6)
        self.before = list(self.second.order)
        self.unharmed()

    def test_our_own_mistake(self) -> None:
        """An exception while a datagram is handled ends nothing, and a thousand of them are logged a few times."""
        self.other._incoming._controls[ASK] = lambda *_: 1 / 0
        seal = Seal(bytes(range(32)), bytes.fromhex(self.bus.node))
        for number in range(10_000, 11_000):
            self.other.datagramReceived(seal.close(ASK, number, b"x" * 8), ATTACKER)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), TRACEBACKS)
        self.network.run(5)

    def test_garbled_data(self) -> None:
        """Unreadable data of a known node counts as a loss."""
        out = self.bus._out
        out._ship(b"\xff\xff\xff")
        out._flush()
        self.network.run(0.1)
        self.assertEqual(self.second.order[-1], ("missed", self.bus.node))
