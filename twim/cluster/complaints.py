"""Logging what could happen a thousand times a second."""

from __future__ import annotations

from collections import Counter

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

EVERY = 60.0  # seconds between two complaints of one kind


class Complaints:
    """Logs each kind of trouble at most once a minute, with how often it came since."""

    def __init__(self, log: Logger, clock: IReactorTime) -> None:
        self._log = log
        self._clock = clock
        self._last: dict[str, float] = {}
        self._since: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        """how often each kind came since the start"""

    def make(self, kind: str, source: object = "") -> None:
        """`kind` is one of a few fixed texts; `source` says where the newest came from."""
        self.counts[kind] += 1
        self._since[kind] += 1
        now = self._clock.seconds()
        if now - self._last.get(kind, -EVERY) >= EVERY:
            self._last[kind] = now
            self._log.warn(
                "bus: {kind}: {times} times, last {source}",
                kind=kind,
                times=self._since.pop(kind),
                source=source,
            )
