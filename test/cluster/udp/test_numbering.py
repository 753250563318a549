"""The order of payloads, gaps in it, and what is kept for repeats."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.cluster.udp.numbering import RANGES, Inbound, NumberRange, Sent, packed, unpacked


def named(number: int) -> bytes:
    """A payload that tells its number."""
    return b"%d" % number


class InboundTests(SynchronousTestCase):
    """The payloads of one sender are put in order."""

    def test_any_order(self) -> None:
        """Whatever the order and repeats, each payload is given once and in order."""

        @settings(deadline=None)
        @given(st.permutations(range(1, 30)), st.lists(st.integers(1, 29)))
        def check(order: list[int], again: list[int]) -> None:
            inbound = Inbound(1)
            given_out: list[bytes] = []
            for number in [*order[:15], *again, *order[15:]]:
                if inbound.wants(number):
                    given_out += inbound.take(number, named(number))
            self.assertEqual(given_out, [named(number) for number in range(1, 30)])
            self.assertFalse(inbound.gap)

        check()

    def test_missing(self) -> None:
        """Missing payloads are reported in ranges, the lowest first and not too many."""
        inbound = Inbound(5)
        for number in (5, 7, 8, 11):
            inbound.take(number, named(number))
        inbound.know(13)
        self.assertEqual(inbound.missing(), [NumberRange(6, 1), NumberRange(9, 2), NumberRange(12, 2)])
        for number in range(15, 15 + 4 * RANGES, 2):
            inbound.take(number, named(number))
        self.assertEqual(len(inbound.missing()), RANGES)

    def test_bounded(self) -> None:
        """A payload that is too early isn't kept, and isn't requested before it can be."""
        inbound = Inbound(1, hold=10)
        self.assertTrue(inbound.wants(10))
        self.assertFalse(inbound.wants(11))
        self.assertFalse(inbound.wants(0))
        inbound.know(1000)
        self.assertEqual(inbound.missing(), [NumberRange(1, 10)])

    def test_given_up(self) -> None:
        """A payload that is given up is None, and those that waited for it follow in order."""
        inbound = Inbound(1)
        for number in (2, 5, 8):
            inbound.take(number, named(number))
        self.assertEqual(inbound.give_up([NumberRange(6, 2)]), [])
        self.assertEqual(inbound.give_up([NumberRange(1, 4)]), [None, b"2", None, b"5"])
        self.assertEqual(inbound.next, 6)
        self.assertEqual(inbound.give_up([NumberRange(1, 4)]), [])
        self.assertEqual(inbound.give_up_all(), [None, b"8"])
        self.assertEqual(inbound.give_up_all(), [])
        self.assertEqual(inbound.take(9, b"9"), [b"9"])

    def test_spans(self) -> None:
        """Spans survive packing; data that isn't a row of ranges is refused."""
        ranges = [NumberRange(1, 2), NumberRange(2**63, 2**32 - 1)]
        self.assertEqual(unpacked(packed(ranges)), ranges)
        self.assertRaises(ValueError, unpacked, b"x")
        self.assertRaises(ValueError, unpacked, packed([NumberRange(1, 1)] * (RANGES + 1)))


class SentTests(SynchronousTestCase):
    """What a sender keeps."""

    def test_kept(self) -> None:
        """The last few payloads are kept; older ones, and those never sent, are not."""
        sent = Sent(keep=4)
        for number in range(1, 7):
            sent.add(named(number) if number != 5 else None)
        self.assertEqual([sent.get(number) for number in range(8)], [None] * 3 + [b"3", b"4", None, b"6", None])
        self.assertEqual((sent.oldest, sent.last), (3, 6))

    def test_not_repeated_at_once(self) -> None:
        """A payload that was just repeated isn't repeated for the next request."""
        sent = Sent(keep=4)
        sent.add(b"1")
        self.assertEqual([sent.repeat(1, now, 0.01) for now in (1.0, 1.005, 1.02)], [b"1", None, b"1"])
        for number in range(2, 6):
            sent.add(named(number))
        self.assertEqual(sent.repeat(5, 1.021, 0.01), b"5")
