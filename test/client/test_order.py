"""The order of one conversation's messages, however they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.client.order import WAITING, Timeline
from twim.wire.message import Shown


def message(seq: int) -> Shown:
    return Shown(seq=seq, userid=1, cmd=10, dstid=2)


def seqs(messages: list[Shown]) -> list[int]:
    return [m.seq for m in messages]


class TimelineTests(SynchronousTestCase):
    """Every `seq` is given once, ascending."""

    @given(st.integers(0, 5), st.lists(st.integers(1, 40), max_size=120))
    def test_any_order_any_repetition(self, have: int, arriving: list[int]) -> None:
        """The messages given are the unbroken sequence of those that arrived, in order and each once."""
        timeline = Timeline(have)
        given_out = [seq for one in arriving for seq in seqs(timeline.take(message(one)))]
        expected = []
        following = have + 1
        while following in arriving:
            expected.append(following)
            following += 1
        self.assertEqual(given_out, expected)
        self.assertEqual(timeline.have, following - 1)
        self.assertEqual(timeline.missing, max([have, *arriving]) > timeline.have)

    @given(st.integers(0, 30), st.lists(st.integers(1, 30), max_size=60))
    def test_skipping(self, to: int, arriving: list[int]) -> None:
        """After a skip nothing up to that seq is given, and what waited after it is."""
        timeline = Timeline()
        before = [seq for one in arriving for seq in seqs(timeline.take(message(one)))]
        behind = seqs(timeline.skip_to(to))
        self.assertEqual(before + behind, sorted({*before, *behind}))
        self.assertTrue(all(seq > to for seq in behind))
        self.assertGreaterEqual(timeline.have, to)
        self.assertNotIn(timeline.have + 1, arriving)

    def test_the_waiting_are_bounded(self) -> None:
        """After a gap only so many messages are kept; the others count as missing."""
        timeline = Timeline()
        for seq in range(WAITING + 50, 1, -1):
            timeline.take(message(seq))
        ready = seqs(timeline.take(message(1)))
        self.assertEqual(ready, list(range(1, WAITING + 2)))
        self.assertTrue(timeline.missing)

    def test_giving_up(self) -> None:
        """A message that can't be had isn't missing any more."""
        timeline = Timeline(3)
        timeline.take(message(9))
        timeline.give_up()
        self.assertFalse(timeline.missing)
        self.assertEqual(timeline.have, 3)

    def test_hearing_of_a_later_one(self) -> None:
        """A reported head makes all messages before it missing."""
        timeline = Timeline(3)
        timeline.heard_of(2)
        self.assertFalse(timeline.missing)
        timeline.heard_of(4)
        self.assertTrue(timeline.missing)
