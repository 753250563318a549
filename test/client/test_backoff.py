"""The delays between attempts to connect."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from twim.client.backoff import FIRST_SECONDS, LONGEST_SECONDS, Backoff


class BackoffTests(SynchronousTestCase):
    """Delays grow, and differ between clients."""

    def test_doubles_up_to_the_longest(self) -> None:
        """Each delay lies in the upper half of a range that doubles until it reaches the maximum."""
        backoff = Backoff(Random(1))
        span = FIRST_SECONDS
        for _ in range(20):
            delay = backoff.delay()
            self.assertTrue(span / 2 <= delay <= span)
            span = min(span * 2, LONGEST_SECONDS)

    def test_begins_again_after_success(self) -> None:
        """After a connection that held, the delays begin again with the first one."""
        backoff = Backoff(Random(1))
        for _ in range(9):
            backoff.delay()
        backoff.succeeded()
        self.assertLessEqual(backoff.delay(), FIRST_SECONDS)

    def test_clients_do_not_come_back_together(self) -> None:
        """Two clients that lost the same server wait for different times."""
        self.assertNotEqual(Backoff(Random(1)).delay(), Backoff(Random(2)).delay())
