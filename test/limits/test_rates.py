"""Rates as they are written in options."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.limits.rates import Rate, parse_rate


class RateTests(SynchronousTestCase):
    """`parse_rate`."""

    def test_forms(self) -> None:
        """Rates are read with and without a burst, in every unit."""
        self.assertEqual(parse_rate("20/s,600"), Rate(20, 1, 600))
        self.assertEqual(parse_rate(" 20/h "), Rate(20, 3600, 20))
        self.assertEqual([parse_rate(f"1/{unit}").seconds for unit in "smhd"], [1, 60, 3600, 86400])
        self.assertEqual(parse_rate("6/m,10").per_second, 0.1)

    @given(st.integers(1, 10**9), st.sampled_from((1, 60, 3600, 86400)), st.integers(1, 10**9))
    def test_written_again(self, amount: int, seconds: int, burst: int) -> None:
        """A rate that is written and read again is the same."""
        rate = Rate(amount, seconds, burst)
        self.assertEqual(parse_rate(str(rate)), rate)

    def test_wrong(self) -> None:
        """Anything else is refused."""
        for text in ("", "20", "20/", "/s", "20/w", "0/s", "20/s,0", "-1/s", "20/s,", "2.5/s", "20/s,600,1", "1/s;2"):
            with self.assertRaises(ValueError, msg=text):
                parse_rate(text)
