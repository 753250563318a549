"""What a node measured lately."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.measures import Histogram
from twim.trends import DAY_POINTS, DAY_STEP, HOUR_POINTS, HOUR_STEP, Space, Trends, look_at_disk


class TrendsTests(SynchronousTestCase):
    """A node whose figures the test sets, and whose clock it advances."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.figures = {"connections": 0.0, "messages_stored_total": 0.0}
        self.commits = Histogram()
        self.space: Space | OSError = Space(100, 2_000)
        self.trends = Trends(lambda: self.figures, self.commits, self.disk, self.clock, self.now_ms)
        self.trends.start()
        self.addCleanup(self.trends.stop)

    async def disk(self) -> Space:
        if isinstance(self.space, OSError):
            raise self.space
        return self.space

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    def test_point(self) -> None:
        """A point tells the rate of messages, the mean of commits and what most of them didn't exceed."""
        self.figures.update(connections=3, messages_stored_total=50)
        for seconds in [0.001] * 19 + [0.2]:
            self.commits.observe(seconds)
        self.clock.advance(HOUR_STEP)
        (point,) = self.trends.hour()
        self.assertEqual(point, (10_000, 3, 5.0, 10.95, 1.0, 100, 2_000))
        self.clock.advance(HOUR_STEP)
        self.assertEqual(self.trends.hour()[-1], (20_000, 3, 0.0, None, None, 100, 2_000))

    def test_slower_than_all_buckets(self) -> None:
        """What took longer than the last bucket is told as that bucket's bound."""
        self.commits.observe(1_000)
        self.clock.advance(HOUR_STEP)
        self.assertEqual(self.trends.hour()[0].slow, 10_000)

    def test_day(self) -> None:
        """A point of the day has the most connections of its interval, and the rate over all of it."""
        steps = DAY_STEP // HOUR_STEP
        for step in range(steps):
            self.figures["connections"] = 7 if step == 3 else 1
            self.figures["messages_stored_total"] += 30
            self.clock.advance(HOUR_STEP)
        (point,) = self.trends.day()
        self.assertEqual((point.at, point.connections, point.messages), (DAY_STEP * 1000, 7, 3.0))

    def test_bounded(self) -> None:
        """Only the last hour and the last day are kept."""
        self.clock.pump([HOUR_STEP] * (DAY_POINTS * DAY_STEP // HOUR_STEP + 60))
        self.assertEqual((len(self.trends.hour()), len(self.trends.day())), (HOUR_POINTS, DAY_POINTS))
        self.assertEqual(self.trends.hour()[-1].at, self.now_ms())

    def test_no_disk(self) -> None:
        """A disk that can't be looked at leaves its lines empty, and the others go on."""
        self.space = OSError("gone")
        self.clock.advance(HOUR_STEP)
        self.clock.advance(HOUR_STEP)
        self.assertEqual(self.trends.hour()[-1][-2:], (None, None))

    def test_look_at_disk(self) -> None:
        """The database counts with what its log holds; one on a server has no size here."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "im.db").write_bytes(b"x" * 100)
        (folder / "im.db-wal").write_bytes(b"x" * 20)
        found = look_at_disk(folder, folder / "im.db")
        self.assertEqual(found.database, 120)
        self.assertGreater(found.free or 0, 0)
        self.assertIsNone(look_at_disk(folder, None).database)

    def test_stopped(self) -> None:
        """Nothing is taken after the end."""
        self.trends.stop()
        self.clock.advance(DAY_STEP)
        self.assertEqual(self.trends.hour(), [])
