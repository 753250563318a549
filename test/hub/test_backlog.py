"""What waits for a user is counted, bounded, and freed again."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import TooMany
from twim.hub.backlog import (
    ANSWER_BYTES,
    ANSWERS,
    LINE,
    LINE_SECONDS,
    LIVE,
    STUCK_SECONDS,
    USER_BYTES,
    Answering,
    Backlogs,
    Live,
    Quota,
)

ONCE = ANSWERS // ANSWER_BYTES


class RoomTests(SynchronousTestCase):
    """The quota for answers to requests."""

    @given(st.lists(st.tuples(st.sampled_from(["take", "leave", "change"]), st.integers(0, 9), st.integers(1, 60))))
    def test_any_script(self, script: list[tuple[str, int, int]]) -> None:
        """Nobody exceeds the quota except when alone; nobody waits while there is quota."""
        quota, waiting, sizes = Quota(100), dict[int, Deferred[None]](), dict[int, int]()
        for step, who, size in script:
            if step == "leave" and who not in waiting:
                quota.leave(who)
                sizes.pop(who, None)
            elif step == "change" and who in sizes:
                quota.change(who, size)
                sizes[who] = size
            elif step == "take" and who not in waiting and who not in sizes:
                sizes[who] = size
                taking = quota.take(who, size)
                if not taking.called:
                    waiting[who] = taking
                    del sizes[who]
                    taking.addCallback(lambda _, who=who, size=size: sizes.update({who: size}))
            waiting = {one: taking for one, taking in waiting.items() if not taking.called}
            self.assertEqual((quota.bytes, quota.waiting, len(quota)), (sum(sizes.values()), len(waiting), len(sizes)))
            self.assertTrue(sizes or not waiting)

    def test_order(self) -> None:
        """Requests are served first come, first served; or the newest first."""
        for newest_first, wanted in ((False, ["b", "c"]), (True, ["c", "b"])):
            quota, came = Quota(10, newest_first), list[str]()
            self.successResultOf(quota.take("a", 10))
            for one in ("b", "c"):
                quota.take(one, 10).addCallback(lambda _, one=one, came=came: came.append(one))
            quota.leave("a")
            quota.leave(wanted[0])
            self.assertEqual(came, wanted)

    def test_who_waits_no_longer(self) -> None:
        """A cancelled request leaves the queue and delays nobody."""
        quota = Quota(10)
        quota.take("a", 6)
        large, small = quota.take("b", 10), quota.take("c", 4)
        self.assertNoResult(small)
        large.cancel()
        self.failureResultOf(large, CancelledError)
        self.successResultOf(small)
        self.assertEqual(quota.bytes, 10)


class Connection:
    """A connection that is given up, and still counts until it is gone."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.given_up = 0

    def give_up(self) -> None:
        self.given_up += 1
        if self.given_up == 1:
            self.live.count(self, 10)


class LiveTests(SynchronousTestCase):
    """Live messages that wait for slow connections."""

    def test_the_slowest_goes(self) -> None:
        """Beyond the bound the connection with the most bytes is given up, and never one without any."""
        live = Live(100)
        one, two, healthy = Connection(live), Connection(live), Connection(live)
        live.count(healthy, 0)
        live.count(one, 60)
        live.count(two, 40)
        self.assertEqual((one.given_up, two.given_up, live.bytes), (0, 0, 100))
        live.count(two, 41)
        self.assertEqual((one.given_up, two.given_up, live.bytes), (1, 0, 51))
        live.count(two, 91)
        self.assertEqual((one.given_up, two.given_up, live.bytes), (1, 1, 20))
        live.count(two, 91)
        self.assertEqual((two.given_up, healthy.given_up, live.bytes), (2, 0, 10))
        live.forget(one)
        self.assertEqual(live.bytes, 0)


class BacklogsTests(SynchronousTestCase):
    """The backlogs of all users."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.backlogs = Backlogs(self.clock)
        self.cuts: list[int] = []

    def ask(self, user: int = 1) -> Deferred[Answering]:
        """Ask for one more answer."""
        number = len(self.cuts)
        return Deferred.fromCoroutine(self.backlogs.answer(user, lambda: self.cuts.append(number)))

    def test_bounds(self) -> None:
        """A user's parts are 8 MiB together."""
        self.assertEqual(USER_BYTES, 8 << 20)
        self.assertLess(LIVE, USER_BYTES)

    def test_one_users_answers(self) -> None:
        """A user gets so many answers at once; the next waits until one has been read. Another user doesn't wait."""
        here = [self.successResultOf(self.ask()) for _ in range(ONCE)]
        late = self.ask()
        self.assertNoResult(late)
        self.successResultOf(self.ask(2))
        here[0].leave()
        self.successResultOf(late)

    def test_waiting_too_long(self) -> None:
        """A request that waits too long is refused, and told when to try again."""
        for _ in range(ONCE):
            self.ask()
        late = self.ask()
        self.clock.pump([0.1] * round(LINE_SECONDS * 10 + 1))
        self.assertGreater(self.failureResultOf(late, TooMany).value.retry_after, 0)

    def test_too_many_wait(self) -> None:
        """When too many wait, the longest waiting one is refused: a new one may be from a client that reads."""
        here = [self.successResultOf(self.ask()) for _ in range(ONCE)]
        waiting = [self.ask() for _ in range(LINE)]
        newest = self.ask()
        self.failureResultOf(waiting[0], TooMany)
        self.assertNoResult(newest)
        here[0].leave()
        self.successResultOf(newest)
        self.assertNoResult(waiting[1])

    def test_giving_way(self) -> None:
        """A client that reads nothing gives way to waiting ones, the longest stuck first; only while somebody waits."""
        here = [self.successResultOf(self.ask()) for _ in range(ONCE)]
        here[3].stuck(True)
        self.clock.advance(1)
        here[5].stuck(True)
        here[6].stuck(True)
        here[6].stuck(False)
        self.clock.advance(STUCK_SECONDS * 2)
        self.assertEqual(self.cuts, [])
        here[3].cut = here[3].leave
        self.successResultOf(self.ask())
        self.assertEqual((here[3].stuck_since, here[5].stuck_since is None), (None, False))

    def test_nothing_stays(self) -> None:
        """When everything has been read, or nobody waits any more, nothing of the user is kept."""
        here = [self.successResultOf(self.ask()) for _ in range(ONCE)]
        late = self.ask()
        late.cancel()
        self.failureResultOf(late, CancelledError)
        for one in here:
            one.leave()
        self.clock.pump([1.0] * 30)
        self.assertEqual((self.backlogs.under_way, self.clock.getDelayedCalls()), (0, []))
        del here, one, late
        gc.collect()
        self.assertEqual(len(self.backlogs._answers), 0)
