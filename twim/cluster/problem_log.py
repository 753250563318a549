"""Rate-limited logging of problems that could happen a thousand times a second."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from functools import partial
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

EVERY = 60.0  # seconds between two lines about one kind of problem
LINES: Final = 40  # lines in `EVERY` seconds about single events; all nodes of a cluster may restart at once
TRACEBACKS: Final = 3  # tracebacks in `EVERY` seconds of one kind of failure: they may differ
SOURCE_CHARS: Final = 100  # characters logged of a text that another node or program sent


class ProblemLog:
    """Logs each kind of problem at most once a minute, with the number of times it happened since the last line."""

    def __init__(self, log: Logger, clock: IReactorTime) -> None:
        self._log = log
        self._clock = clock
        self._last: dict[str, float] = {}
        self._since: Counter[str] = Counter()
        self._lines: deque[float] = deque(maxlen=LINES)
        self._failures: defaultdict[str, deque[float]] = defaultdict(partial(deque, maxlen=TRACEBACKS))
        self.counts: Counter[str] = Counter()
        """How often each kind of problem happened since the start."""
        self.dropped = 0
        """How many received items could not be used."""

    def warn(self, kind: str, source: object = "") -> None:
        """Log a problem. `kind` is one of a few fixed texts; `source` says where the newest one came from."""
        if self._is_due(kind):
            self._log.warn(
                "bus: {kind}: {times} times, last {source}",
                kind=kind,
                times=self._since.pop(kind),
                source=printable(source),
            )

    def drop(self, kind: str, source: object = "") -> None:
        """Log that something received was dropped, and count it in `dropped`."""
        self.dropped += 1
        self.warn(kind, source)

    def failure(self, kind: str, source: object = "") -> None:
        """Log the exception that is being handled. Only the first few tracebacks of a kind are logged."""
        self.counts[kind] += 1
        self._since[kind] += 1
        if self._is_below_limit(self._failures[kind]):
            self._log.failure(
                "bus: {kind}: {times} times, last {source}",
                kind=kind,
                times=self._since.pop(kind),
                source=printable(source),
            )

    def has_room(self) -> bool:
        """Whether one more line may be logged about an event that deserves a line of its own."""
        return self._is_below_limit(self._lines)

    def _is_below_limit(self, times: deque[float]) -> bool:
        now = self._clock.seconds()
        if len(times) == times.maxlen and now - times[0] < EVERY:
            return False
        times.append(now)
        return True

    def _is_due(self, kind: str) -> bool:
        self.counts[kind] += 1
        self._since[kind] += 1
        now = self._clock.seconds()
        if now - self._last.get(kind, -EVERY) < EVERY:
            return False
        self._last[kind] = now
        return True


def printable(source: object) -> str:
    """A text from outside, shortened and without control characters, so that it can stand in a log line."""
    text = source.hex() if isinstance(source, bytes) else str(source)
    return "".join(char if char.isprintable() else "?" for char in text[:SOURCE_CHARS])
