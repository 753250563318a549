"""Token buckets: never more than the burst and the rate allow, never less for a client that waits as told, and
bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import TooMany
from twim.limits import buckets
from twim.limits.buckets import PAUSE_SECONDS, UNLIMITED, Allowance, Allowances, RateLimit
from twim.limits.rates import Rate


def taken(limit: RateLimit, key: object) -> bool:
    """Whether one more was allowed."""
    try:
        limit.take(key)
    except TooMany:
        return False
    return True


class RateTests(SynchronousTestCase):
    """One limit."""

    @given(
        st.integers(1, 50),
        st.sampled_from((1, 20)),
        st.integers(1, 50),
        st.lists(st.floats(0, 30), max_size=200),
    )
    def test_never_more(self, amount: int, seconds: int, burst: int, pauses: list[float]) -> None:
        """In any stretch of time at most the burst and what the rate gives meanwhile are allowed."""
        clock = Clock()
        limit = RateLimit(Rate(amount, seconds, burst), clock.seconds)
        allowed: list[float] = []
        for pause in pauses:
            clock.advance(pause)
            if taken(limit, "k"):
                allowed.append(clock.seconds())
        for first in range(len(allowed)):
            for last in range(first, len(allowed)):
                most = burst + (allowed[last] - allowed[first]) * amount / seconds
                self.assertLessEqual(last - first + 1, most + 1e-6)

    @given(st.integers(1, 50), st.sampled_from((1, 20)), st.integers(1, 20))
    def test_waiting_as_told(self, amount: int, seconds: int, burst: int) -> None:
        """A client that comes back after the wait that it was told is accepted."""
        clock = Clock()
        limit = RateLimit(Rate(amount, seconds, burst), clock.seconds)
        for _ in range(burst):
            self.assertTrue(taken(limit, "k"))
        with self.assertRaises(TooMany) as caught:
            limit.take("k")
        self.assertGreaterEqual(caught.exception.wait, 1)
        clock.advance(caught.exception.wait / 1000 + 1e-6)
        self.assertTrue(taken(limit, "k"))

    def test_each_its_own(self) -> None:
        """One key's use doesn't affect another key; refusals don't prolong the wait."""
        clock = Clock()
        limit = RateLimit(Rate(1, 1, 2), clock.seconds)
        self.assertEqual([taken(limit, "a") for _ in range(5)], [True, True, False, False, False])
        self.assertTrue(taken(limit, "b"))
        clock.advance(1.0)
        self.assertEqual([taken(limit, "a") for _ in range(2)], [True, False])

    def test_clock_set_back(self) -> None:
        """A clock that jumps back neither adds nor removes tokens."""
        now = [100.0]
        limit = RateLimit(Rate(1, 1, 2), lambda: now[0])
        self.assertTrue(taken(limit, "a"))
        now[0] = 50.0
        self.assertEqual([taken(limit, "a") for _ in range(2)], [True, False])
        now[0] = 51.0
        self.assertTrue(taken(limit, "a"))

    def test_bounded(self) -> None:
        """The number of keys is bounded; the one that asked longest ago is forgotten."""
        self.patch(buckets, "BUCKETS", 3)
        limit = RateLimit(Rate(1, 1000, 1), Clock().seconds)
        for key in range(4):
            self.assertTrue(taken(limit, key))
        self.assertFalse(taken(limit, 3))
        self.assertFalse(taken(limit, 1))
        self.assertTrue(taken(limit, 0))

    def test_what_is_known_afterwards(self) -> None:
        """What is counted only afterwards is subtracted then, after a check beforehand."""
        clock = Clock()
        limit = RateLimit(Rate(10, 1, 100), clock.seconds)
        limit.check("a")
        limit.charge("a", 150)
        with self.assertRaises(TooMany) as caught:
            limit.check("a")
        self.assertEqual(caught.exception.wait, 5_100)
        clock.advance(5.1)
        limit.check("a")

    def test_more_than_a_burst(self) -> None:
        """An amount above the whole burst passes when the bucket is full, and not before."""
        clock = Clock()
        limit = RateLimit(Rate(1, 1, 10), clock.seconds)
        limit.take("a", 30)
        with self.assertRaises(TooMany) as caught:
            limit.take("a", 30)
        clock.advance(caught.exception.wait / 1000)
        limit.take("a", 30)


class AllowanceTests(SynchronousTestCase):
    """The messages of one user."""

    def said(self, allowance: Allowance) -> int:
        """Send one message as the message path does; gives the milliseconds to wait, or 0."""
        allowance.left -= 1
        if allowance.left < 0:
            try:
                allowance.refill()
            except TooMany as refused:
                return refused.wait
        return 0

    def test_a_burst_and_then_a_pause(self) -> None:
        """After a burst immediate messages are refused, and messages after the wait pass."""
        clock = Clock()
        allowance = Allowance(Rate(20, 1, 600), clock.seconds)
        waits = [self.said(allowance) for _ in range(700)]
        self.assertEqual(waits.count(0), 600)
        self.assertEqual(set(waits[600:]), {1000})
        clock.advance(PAUSE_SECONDS)
        waits = [self.said(allowance) for _ in range(25)]
        self.assertEqual([waits.count(0), waits[:20]], [20, [0] * 20])

    def test_nothing_overtakes(self) -> None:
        """Of messages in short intervals none passes before the wait that was told is over."""
        clock = Clock()
        allowance = Allowance(Rate(20, 1, 5), clock.seconds)
        waits = []
        for _ in range(30):
            waits.append(self.said(allowance))
            clock.advance(0.02)
        first = waits.index(0, 5) if 0 in waits[5:] else 30
        told = next(wait for wait in waits if wait)
        start = next(number for number, wait in enumerate(waits) if wait)
        self.assertNotIn(0, waits[start : min(first, start + told // 20)])

    @given(st.lists(st.floats(0, 3), max_size=300), st.integers(1, 30), st.integers(1, 30))
    def test_never_more(self, pauses: list[float], amount: int, burst: int) -> None:
        """In any stretch of time at most two bursts and what the rate gives meanwhile pass."""
        clock = Clock()
        allowance = Allowance(Rate(amount, 1, burst), clock.seconds)
        passed: list[float] = []
        for pause in pauses:
            clock.advance(pause)
            if not self.said(allowance):
                passed.append(clock.seconds())
        for first in range(0, len(passed), 7):
            for last in range(first, len(passed)):
                most = 2 * burst + (passed[last] - passed[first]) * amount
                self.assertLessEqual(last - first + 1, most + 1e-6)

    def test_a_reconnect_gives_nothing(self) -> None:
        """A user's allowance is the same after a reconnect, and another user's is separate."""
        allowances = Allowances(Rate(1, 1, 3), Clock().seconds)
        allowances.of(1).left = 0
        self.assertEqual([allowances.of(1).left, allowances.of(2).left], [0, 3])

    def test_unlimited(self) -> None:
        """Without limits everything passes."""
        allowance = UNLIMITED.of(1)
        self.assertEqual({self.said(allowance) for _ in range(10_000)}, {0})
