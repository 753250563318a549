"""The waiting between attempts to connect."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from twim.client.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


class BackoffTests(SynchronousTestCase):
    """Longer and longer, never the same for all."""

    def test_doubles_up_to_the_longest(self) -> None:
        """Each delay lies in the upper half of a span that doubles until it is the longest."""
        backoff = Backoff(Random(1))
        span = FIRST_SECONDS
        for _ in range(20):
            delay = backoff.delay()
            self.assertTrue(span / 2 <= delay <= span)
            span = min(span * 2, LONGEST_SECONDS)

    def test_begins_again_after_success(self) -> None:
        """A connection that held makes the next loss a first one."""
        backoff = Backoff(Random(1))
        for _ in range(9):
            backoff.delay()
        backoff.succeeded()
        self.assertLessEqual(backoff.delay(), FIRST_SECONDS)

    def test_clients_do_not_come_back_together(self) -> None:
        """Two clients that lost the same server wait differently."""
        self.assertNotEqual(Backoff(Random(1)).delay(), Backoff(Random(2)).delay())
