"""Sealing of datagrams, and protection against replay."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.cluster.udp.sealing import ANNOUNCEMENT, DATA, KINDS, OVERHEAD, Header, ReplayWindow, Seal, header_of

KEY = bytes(range(32))
NODE = b"12345678"


class SealTests(SynchronousTestCase):
    """Which datagrams can be opened."""

    def test_there_and_back(self) -> None:
        """A sealed datagram opens with the same key, and tells its sender and number."""
        datagram = Seal(KEY, NODE).close(DATA, 7, b"payload")
        self.assertEqual(header_of(datagram), Header(DATA, NODE, 7))
        self.assertEqual(Seal(KEY, NODE).open(datagram, Header(DATA, NODE, 7)), b"payload")
        self.assertEqual(len(datagram), len(b"payload") + OVERHEAD)
        self.assertNotIn(b"payload", datagram)

    def test_everything_counts(self) -> None:
        """With another key, node, kind or number, or with a changed bit, it doesn't open."""
        datagram = Seal(KEY, NODE).close(DATA, 7, b"payload")
        header = Header(DATA, NODE, 7)
        self.assertIsNone(Seal(bytes(32), NODE).open(datagram, header))
        self.assertIsNone(Seal(KEY, bytes(8)).open(datagram, header))
        for at in range(len(datagram)):
            for bit in range(8):
                changed = datagram[:at] + bytes([datagram[at] ^ 1 << bit]) + datagram[at + 1 :]
                claimed = header_of(changed)
                self.assertTrue(claimed is None or Seal(KEY, NODE).open(changed, claimed) is None)

    def test_not_ours(self) -> None:
        """A datagram that is too short or of an unknown kind has no header."""
        datagram = Seal(KEY, NODE).close(ANNOUNCEMENT, 1, b"")
        self.assertIsNone(header_of(datagram[:-1]))
        self.assertIsNone(header_of(b""))
        for kind in set(range(256)) - KINDS:
            self.assertIsNone(header_of(bytes([kind]) + datagram[1:]))


class ReplayWindowTests(SynchronousTestCase):
    """Each number is accepted once."""

    def test_once(self) -> None:
        """No number is new twice, and a new one that isn't far behind is accepted."""

        @settings(deadline=None)
        @given(st.lists(st.integers(1, 300)))
        def check(numbers: list[int]) -> None:
            window = ReplayWindow()
            seen: set[int] = set()
            for number in numbers:
                near = number > max(seen, default=0) - ReplayWindow.SIZE
                self.assertEqual(window.is_new(number), near and number not in seen)
                if window.is_new(number):
                    window.mark(number)
                    seen.add(number)

        check()

    def test_far_ahead(self) -> None:
        """A jump forgets the numbers before the window."""
        window = ReplayWindow()
        window.mark(1)
        window.mark(2**60)
        self.assertFalse(window.is_new(1))
        self.assertTrue(window.is_new(2**60 - 1))
        self.assertFalse(window.is_new(2**60))
