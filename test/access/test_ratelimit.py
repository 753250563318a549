"""Token buckets: never more than the burst and the rate allow, never less to who waits as told, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.access import ratelimit
from twim.access.ratelimit import Limits, RateLimit
from twim.errors import TooMany


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
        st.floats(0.05, 50),
        st.integers(1, 50),
        st.lists(st.floats(0, 30), max_size=200),
    )
    def test_never_more(self, rate: float, burst: int, pauses: list[float]) -> None:
        """In any stretch of time at most the burst and what the rate gives meanwhile are allowed."""
        clock = Clock()
        limit = RateLimit(rate, burst, clock.seconds)
        allowed: list[float] = []
        for pause in pauses:
            clock.advance(pause)
            if taken(limit, "k"):
                allowed.append(clock.seconds())
        for first in range(len(allowed)):
            for last in range(first, len(allowed)):
                most = burst + (allowed[last] - allowed[first]) * rate
                self.assertLessEqual(last - first + 1, most + 1e-6)

    @given(st.floats(0.05, 50), st.integers(1, 20))
    def test_waiting_as_told(self, rate: float, burst: int) -> None:
        """Who comes back after the seconds it was told is let in."""
        clock = Clock()
        limit = RateLimit(rate, burst, clock.seconds)
        for _ in range(burst):
            self.assertTrue(taken(limit, "k"))
        with self.assertRaises(TooMany) as caught:
            limit.take("k")
        self.assertGreaterEqual(caught.exception.retry_after, 1)
        clock.advance(caught.exception.retry_after + 1e-6)
        self.assertTrue(taken(limit, "k"))

    def test_each_its_own(self) -> None:
        """One key's haste costs another nothing; refusals cost no more waiting."""
        clock = Clock()
        limit = RateLimit(1.0, 2, clock.seconds)
        self.assertEqual([taken(limit, "a") for _ in range(5)], [True, True, False, False, False])
        self.assertTrue(taken(limit, "b"))
        clock.advance(1.0)
        self.assertEqual([taken(limit, "a") for _ in range(2)], [True, False])

    def test_clock_set_back(self) -> None:
        """A clock that jumps back neither gives nor takes."""
        now = [100.0]
        limit = RateLimit(1.0, 2, lambda: now[0])
        self.assertTrue(taken(limit, "a"))
        now[0] = 50.0
        self.assertEqual([taken(limit, "a") for _ in range(2)], [True, False])
        now[0] = 51.0
        self.assertTrue(taken(limit, "a"))

    def test_bounded(self) -> None:
        """No more askers are remembered than allowed; the one that asked longest ago is forgotten."""
        self.patch(ratelimit, "BUCKETS", 3)
        limit = RateLimit(0.001, 1, Clock().seconds)
        for key in range(4):
            self.assertTrue(taken(limit, key))
        self.assertFalse(taken(limit, 3))
        self.assertFalse(taken(limit, 1))
        self.assertTrue(taken(limit, 0))


class LimitsTests(SynchronousTestCase):
    """The limits of the server."""

    def test_off(self) -> None:
        """Off, nothing is counted."""
        limits = Limits(False, Clock().seconds)
        for _ in range(5_000):
            limits.address("a")
            limits.mobile("1")
            limits.user(1)

    def test_guessing_takes_years(self) -> None:
        """In a day one mobile's password can be tried fewer than ten thousand times."""
        clock = Clock()
        limits = Limits(True, clock.seconds)
        tries = 0
        for _ in range(24 * 3600):
            clock.advance(1)
            try:
                limits.mobile("1")
            except TooMany:
                continue
            tries += 1
        self.assertLess(tries, 10_000)
