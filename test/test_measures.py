"""Counters and histograms count correctly."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.measures import SIZES, Histogram, RequestMeasures


class HistogramTests(SynchronousTestCase):
    """Buckets of histograms."""

    def test_buckets(self) -> None:
        """A value at a bound is counted in its bucket, a larger one than the last only in +Inf, and the counts add
        up."""
        found = Histogram((1, 5))
        for value in (0.5, 1, 1.5, 5, 6, 7):
            found.observe(value)
        self.assertEqual(found.buckets(), [("1.0", 2), ("5.0", 4), ("+Inf", 6)])
        self.assertEqual((found.sum, found.count), (21.0, 6))

    def test_sizes(self) -> None:
        """The largest batch has its own bucket."""
        found = Histogram(SIZES)
        found.observe(4_000)
        self.assertEqual(found.buckets()[-2], ("4000.0", 1))

    def test_statuses(self) -> None:
        """Answers are counted by the first digit of their status."""
        found = RequestMeasures()
        for status in (200, 204, 404, 503):
            found.observe(status, 0.1)
        self.assertEqual([one.count for one in found.by_class.values()], [0, 2, 0, 1, 1])
