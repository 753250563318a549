"""How fast events may be delivered beside messages."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.logic.webhooks.pacing import EVENT_SECONDS, LEAST_SHARE, MOST_SHARE, Pacing


class PacingTests(SynchronousTestCase):
    """`Pacing`, on a node whose CPU time the test says."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.spent = 0.0
        self.pacing = Pacing(self.clock, lambda: self.spent)

    def events_in(self, seconds: float, others: float) -> int:
        """How many events are sent in so much time, while everything else takes this share of a core."""
        events = 0
        until = self.clock.seconds() + seconds
        while self.clock.seconds() < until:
            pause = self.pacing.pause() or EVENT_SECONDS
            self.clock.advance(pause)
            self.spent += others * pause + EVENT_SECONDS
            events += 1
        return events

    def test_alone(self) -> None:
        """A node that does nothing else sends without a pause: a request takes longer than it would wait."""
        self.assertEqual([self.pacing.pause() for _ in range(3)], [0.0] * 3)
        self.assertGreater(self.events_in(10, 0.0) * EVENT_SECONDS, 8)

    def test_busy(self) -> None:
        """One that is fully busy spends the least share on events, and catches up when it isn't any more."""
        self.events_in(1, 1.0)
        self.assertAlmostEqual(self.events_in(10, 1.0) * EVENT_SECONDS / 10, LEAST_SHARE, places=3)
        self.events_in(1, 0.0)
        self.assertGreater(self.events_in(10, 0.0) * EVENT_SECONDS, 8)

    def test_half_busy(self) -> None:
        """What messages leave of the core is used."""
        self.events_in(1, 0.5)
        self.assertAlmostEqual(self.events_in(10, 0.5) * EVENT_SECONDS / 10, MOST_SHARE - 0.5, places=2)
