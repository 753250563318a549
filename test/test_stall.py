"""Measuring how long the reactor is blocked."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.stall import TICK_SECONDS, WINDOW_SECONDS, StallMeter


class StallTests(SynchronousTestCase):
    """`StallMeter` on a clock that jumps: a jump stands for a blocked reactor."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.meter = StallMeter(self.clock)
        self.meter.start()

    def idle(self, seconds: float) -> None:
        """Let time pass while every timer is called when it is due."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.clock.advance(TICK_SECONDS)

    def test_idle(self) -> None:
        """An idle reactor is never late."""
        self.idle(10)
        self.assertAlmostEqual(self.meter.longest, 0)
        self.assertAlmostEqual(self.meter.recent, 0)

    def test_longest(self) -> None:
        """The longest stall counts, not the last, without the tick for which nobody waited."""
        for seconds in (0.1, 0.5, 0.2):
            self.clock.advance(seconds)
            self.idle(1)
        self.assertAlmostEqual(self.meter.longest, 0.5 - TICK_SECONDS)

    def test_recent(self) -> None:
        """A stall is forgotten as recent after a minute or two, and stays the longest."""
        self.clock.advance(0.5)
        self.idle(WINDOW_SECONDS)
        self.assertAlmostEqual(self.meter.recent, 0.5 - TICK_SECONDS)
        self.idle(WINDOW_SECONDS * 1.1)
        self.assertAlmostEqual(self.meter.recent, 0)
        self.assertAlmostEqual(self.meter.longest, 0.5 - TICK_SECONDS)

    def test_stop(self) -> None:
        """A stopped meter leaves no timer."""
        self.meter.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.meter.stop()
