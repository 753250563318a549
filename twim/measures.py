"""What is counted while the server runs, as cheaply as may be: for the reactor's thread only.

prometheus_client's own histograms take a lock and a walk through their buckets for each value, which a small batch of
messages would feel. These are read by `twim.access.http.metrics` when somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the buckets of durations: from a commit on a fast disk to what nobody waits for."""
SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 4_000)
"""Bounds of the buckets of batches, in messages."""


class Histogram:
    """Counts values by the bucket they fall into: the first whose bound is not below the value."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def buckets(self) -> list[tuple[str, int]]:
        """`(bound, how many values are not above it)`, as Prometheus has them; the last bound is ``+Inf``."""
        found = []
        reached = 0
        for bound, count in zip([*map(float, self._bounds), float("inf")], self._counts, strict=True):
            reached += count
            found.append(("+Inf" if bound == float("inf") else str(bound), reached))
        return found


class LogMeasures:
    """What one batch of messages takes, from its first message on."""

    def __init__(self) -> None:
        self.commit = Histogram()
        """Seconds of the transaction, the thread's queue and the disk included."""
        self.batch = Histogram()
        """Seconds from the first message of a batch to the end of its delivery."""
        self.delivery = Histogram()
        """Seconds in which a stored batch is answered and put into the outboxes."""
        self.sizes = Histogram(SIZES)
        """Messages of a batch."""


class RequestMeasures:
    """What requests take, from their headers to the end of their answer, by the first digit of the status."""

    def __init__(self) -> None:
        self.by_class = {digit: Histogram() for digit in (1, 2, 3, 4, 5)}

    def observe(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.by_class[status // 100].observe(seconds)
