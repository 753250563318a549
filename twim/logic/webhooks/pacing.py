"""How fast events are delivered: with the CPU time that messages leave, and at least with a twenty-fifth of a core.

A request costs ten times as much as the message that it tells of. A node that is busy with messages therefore falls
behind with its webhooks, and makes up for it when there is less to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

EVENT_SECONDS: Final = 0.0006  # of CPU for one event, until it is answered (`python -m bench.webhooks`)
MEASURED_SECONDS: Final = 0.25  # over which it is measured what else the node does
LEAST_SHARE: Final = 0.04  # of one core: together with reading the log a twentieth
LEAST_PAUSE: Final = 0.005  # seconds; shorter ones are put together
MOST_SHARE: Final = 0.9  # of one core, the node's other work among it


class Pacing:
    """Of all deliveries of one node. `cpu_seconds` is the CPU time that the process has taken so far."""

    def __init__(self, clock: IReactorTime, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self._cpu_seconds = cpu_seconds
        self._measured = (clock.seconds(), cpu_seconds())
        self._events = 0
        self._share = MOST_SHARE
        self._free_at = 0.0

    def pause(self) -> float:
        """For how many seconds the next event has to wait. It counts as sent then."""
        now = self._clock.seconds()
        self._measure(now)
        self._events += 1
        due = max(now, self._free_at)
        self._free_at = due + EVENT_SECONDS / self._share
        return due - now if due - now >= LEAST_PAUSE else 0.0

    def _measure(self, now: float) -> None:
        since, before = self._measured
        passed = now - since
        if passed < MEASURED_SECONDS:
            return
        cpu = self._cpu_seconds()
        others = (cpu - before - self._events * EVENT_SECONDS) / passed
        self._share = min(MOST_SHARE, max(LEAST_SHARE, MOST_SHARE - others))
        self._measured, self._events = (now, cpu), 0
