"""What a node measured over the last hour and the last day, for plots: in memory, bounded, gone with the process."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.measures import Histogram

HOUR_STEP: Final = 10  # seconds
DAY_STEP: Final = 300
HOUR_POINTS: Final = 3_600 // HOUR_STEP
DAY_POINTS: Final = 86_400 // DAY_STEP
SHARE: Final = 0.95  # of the transactions, of which `slow` tells the time


class Space(NamedTuple):
    """Bytes on the disk; None where it can't be known."""

    database: int | None = None
    free: int | None = None


def look_at_disk(folder: Path, database: Path | None) -> Space:
    """The size of the database's file, where it is one, and what is free where `folder` lies. OSError."""
    size = None
    if database is not None:
        files = (database, database.with_name(f"{database.name}-wal"))
        size = sum(file.stat().st_size for file in files if file.exists())
    return Space(size, shutil.disk_usage(folder).free)


class Point(NamedTuple):
    """One interval, which ends `at` (ms since 1970)."""

    at: int
    connections: float
    """The most at the end of any `HOUR_STEP` of the interval."""
    messages: float
    """Stored by this node, a second."""
    commit: float | None
    """Milliseconds of a transaction of messages, on average; None without any."""
    slow: float | None
    """Milliseconds that `SHARE` of the transactions didn't exceed, as exactly as the histogram's buckets are."""
    database: int | None
    free: int | None


class _Counted(NamedTuple):
    at: int
    messages: float
    commits: Sequence[tuple[str, int]]
    commit_seconds: float


class _Series:
    """The newest points of one step."""

    def __init__(self, points: int, began: _Counted) -> None:
        self.points: deque[Point] = deque(maxlen=points)
        self._before = began
        self._connections = 0.0

    def see(self, connections: float) -> None:
        """So many are connected."""
        self._connections = max(self._connections, connections)

    def end(self, now: _Counted, space: Space) -> None:
        """The interval ends."""
        before, self._before = self._before, now
        seconds = max(1, now.at - before.at) / 1000
        counts = [
            (bound, later - earlier) for (bound, later), (_, earlier) in zip(now.commits, before.commits, strict=True)
        ]
        commits = counts[-1][1]
        mean = (now.commit_seconds - before.commit_seconds) / commits * 1000 if commits else None
        rate = (now.messages - before.messages) / seconds
        self.points.append(
            Point(now.at, self._connections, round(rate, 3), _rounded(mean), _rounded(_share(counts)), *space)
        )
        self._connections = 0.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _share(counts: Sequence[tuple[str, int]]) -> float | None:
    """Milliseconds of the bucket that holds `SHARE` of what was counted; of the last finite one where none does."""
    wanted = SHARE * counts[-1][1]
    if not wanted:
        return None
    finite = [(float(bound), reached) for bound, reached in counts[:-1]]
    return 1000 * next((bound for bound, reached in finite if reached >= wanted), finite[-1][0])


class Trends:
    """Takes the figures of a node from time to time. `space` reads the disk, in another thread."""

    log = Logger()

    def __init__(
        self,
        figures: Callable[[], Mapping[str, float]],
        commits: Histogram,
        space: Callable[[], Awaitable[Space]],
        clock: IReactorTime,
        now_ms: Callable[[], int],
    ) -> None:
        self._figures = figures
        self._commits = commits
        self._read_space = space
        self._now_ms = now_ms
        self._space = Space()
        self._ticks = 0
        began = self._counted()
        self._hour = _Series(HOUR_POINTS, began)
        self._day = _Series(DAY_POINTS, began)
        self._taking = LoopingCall(self._take)
        self._taking.clock = clock

    def start(self) -> None:
        """Begin."""
        self._taking.start(HOUR_STEP, now=False)
        self._look_at_disk()

    def stop(self) -> None:
        """Take no more."""
        if self._taking.running:
            self._taking.stop()

    def hour(self) -> list[Point]:
        """The last hour, each `HOUR_STEP` seconds, the oldest first."""
        return list(self._hour.points)

    def day(self) -> list[Point]:
        """The last day, each `DAY_STEP` seconds, the oldest first."""
        return list(self._day.points)

    def _counted(self) -> _Counted:
        messages = self._figures()["messages_stored_total"]
        return _Counted(self._now_ms(), messages, self._commits.buckets(), self._commits.sum)

    def _take(self) -> None:
        self._ticks += 1
        connections = self._figures()["connections"]
        now = self._counted()
        self._hour.see(connections)
        self._day.see(connections)
        self._hour.end(now, self._space)
        if self._ticks % (DAY_STEP // HOUR_STEP) == 0:
            self._day.end(now, self._space)
        self._look_at_disk()

    def _look_at_disk(self) -> None:
        Deferred.fromCoroutine(self._looked()).addErrback(self._failed)

    async def _looked(self) -> None:
        self._space = await self._read_space()

    def _failed(self, failure: Failure) -> None:
        self._space = Space()
        self.log.debug("the disk can't be looked at: {why}", why=failure.getErrorMessage())
