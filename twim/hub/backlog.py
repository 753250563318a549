"""What waits for users who read slowly or not at all, counted for each user, on however many connections.

Two kinds wait. What is made because it was asked for (answers of REST, catch-ups) is begun only within a *quota* of
bytes; what exceeds it waits in line. What comes unasked (live messages, and answers to frames) can't wait to be made:
when too much of it waits for a user's slow connections, the one with most of it is closed. All quotas of one user
together are `USER_BYTES`; `docs/decisions/slow-readers.md` has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeVar
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, succeed
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from twim.errors import TooMany

T = TypeVar("T")

CONNECTION_BYTES: Final = 1024 * 1024  # that may wait for one slow reader
ANSWER_BYTES: Final = 128 * 1024  # what an answer of REST has in hand at most, but for a single larger message
ANSWERS: Final = 3 * 1024 * 1024  # of a user: 24 answers under way, of which a browser has 6
CATCH_UPS: Final = 2 * 1024 * 1024  # of a user, for all devices that catch up
LIVE: Final = 3 * 1024 * 1024  # of a user, before all slow sockets together
USER_BYTES: Final = ANSWERS + CATCH_UPS + LIVE
LINE: Final = 128  # requests of one user that wait for their quota; more are refused
LINE_SECONDS: Final = 10.0  # how long a request waits for its quota before it is refused
STUCK_SECONDS: Final = 3.0  # an answer that nobody has read from for so long gives way to others in the line
LOOK_SECONDS: Final = 0.25  # how often that is looked for, while somebody waits
RETRY_SECONDS: Final = 5  # what is refused then is told to try again after
LIST_BYTES: Final = 1024 * 1024  # in hand while a list of conversations is read; then `ROW_BYTES` for each
ROW_BYTES: Final = 300
ALL_ANSWERS: Final = 2_000  # answers under way for all users together


class Quota:
    """A number of bytes that may be in hand at once. Holders that exceed it wait in line: first come, first served;
    with `newest_first` the other way round, so that a client that reads doesn't wait for a hundred that don't."""

    def __init__(self, bound: int, newest_first: bool = False) -> None:
        self._bound = bound
        self._newest_first = newest_first
        self._held: dict[object, int] = {}
        self._line: dict[object, tuple[int, Deferred[None]]] = {}
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[object]:
        """The holders."""
        return iter(self._held)

    @property
    def waiting(self) -> int:
        """How many holders wait in line."""
        return len(self._line)

    def take(self, holder: object, size: int) -> Deferred[None]:
        """Fires when `holder` has that much. A holder that has something already gets it at once, and so does one that
        is alone, however much it is. Cancel it when it is waited for no longer."""
        if holder in self._held or (not self._line and self._fits(size)):
            self.change(holder, size)
            return succeed(None)
        waiting: Deferred[None] = Deferred(lambda _: self._step_out(holder))
        self._line[holder] = (size, waiting)
        return waiting

    def refuse_oldest(self, refused: TooMany) -> None:
        """Refuse the holder that has waited longest."""
        holder = next(iter(self._line))
        self._line.pop(holder)[1].errback(refused)

    def change(self, holder: object, size: int) -> None:
        """It turned out to be more, or less."""
        self.bytes += size - self._held.get(holder, 0)
        self._held[holder] = size
        self._let_in()

    def leave(self, holder: object) -> None:
        """Nothing is left of it. Harmless when there was nothing."""
        self.bytes -= self._held.pop(holder, 0)
        self._let_in()

    def _step_out(self, holder: object) -> None:
        self._line.pop(holder, None)
        self._let_in()

    def _fits(self, size: int) -> bool:
        return not self._held or self.bytes + size <= self._bound

    def _let_in(self) -> None:
        while self._line:
            holder = next(reversed(self._line) if self._newest_first else iter(self._line))
            size, waiting = self._line[holder]
            if not self._fits(size):
                return
            del self._line[holder]
            self.bytes += size
            self._held[holder] = size
            waiting.callback(None)


class Slow(Protocol):
    """A connection before which something waits."""

    def give_up(self) -> None:
        """Close it. Called again while it still counts: at once, without farewell."""


class Live:
    """What waits before the slow connections of one user."""

    def __init__(self, bound: int = LIVE) -> None:
        self._bound = bound
        self._sizes: dict[Slow, int] = {}
        self.bytes = 0

    def count(self, one: Slow, size: int) -> None:
        """So much waits before this one now. When that is too much for its user, whoever has most is given up: never
        one before which nothing waits."""
        self.forget(one)
        if size:
            self._sizes[one] = size
            self.bytes += size
        while self.bytes > self._bound:
            worst = max(self._sizes, key=self._sizes.__getitem__)
            self.forget(worst)
            worst.give_up()

    def forget(self, one: Slow) -> None:
        """Nothing waits before it."""
        self.bytes -= self._sizes.pop(one, 0)


class Backlogs:
    """The backlogs of all users. One without any has no entry here. Reactor thread only."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.seconds = clock.seconds
        # Kept alive by those who have something in them.
        self._answers: WeakValueDictionary[int, Quota] = WeakValueDictionary()
        self._catch_ups: WeakValueDictionary[int, Quota] = WeakValueDictionary()
        self._live: WeakValueDictionary[int, Live] = WeakValueDictionary()
        self.under_way = 0
        """Answers of all users."""

    def catch_ups(self, userid: int) -> Quota:
        """The quota of a user's catch-ups."""
        return _of(self._catch_ups, userid, lambda: Quota(CATCH_UPS))

    def live(self, userid: int) -> Live:
        """What waits before a user's sockets."""
        return _of(self._live, userid, Live)

    async def answer(self, userid: int, cut: Callable[[], None], size: int = ANSWER_BYTES) -> Answering:
        """Wait for the quota that an answer to the user needs. `cut` ends its connection, once others wait and nothing
        of it is read. `TooMany` when that takes too long, or too many wait already."""
        quota = _of(self._answers, userid, lambda: Quota(ANSWERS, newest_first=True))
        if self.under_way >= ALL_ANSWERS:
            raise _too_many()
        if quota.waiting >= LINE:
            quota.refuse_oldest(_too_many())
        answering = Answering(self, quota, cut)
        self.under_way += 1
        try:
            taking = quota.take(answering, size)
            if not taking.called:
                taking.addTimeout(LINE_SECONDS, self._clock).addErrback(_took_too_long)
                self._make_way(quota, taking)
            await taking
        except BaseException:
            self.under_way -= 1
            raise
        return answering

    def _make_way(self, quota: Quota, taking: Deferred[None]) -> None:
        if taking.called:
            return
        longest = self._clock.seconds() - STUCK_SECONDS
        stuck = [one for one in quota if isinstance(one, Answering) and one.stuck_since is not None]
        worst = min(stuck, key=lambda one: one.stuck_since or 0.0, default=None)
        if worst is not None and (worst.stuck_since or 0.0) < longest:
            worst.stuck_since = None
            worst.cut()
        self._clock.callLater(LOOK_SECONDS, self._make_way, quota, taking)


class Answering:
    """The quota of one answer, until it has been read or can't be."""

    def __init__(self, backlogs: Backlogs, quota: Quota, cut: Callable[[], None]) -> None:
        self._backlogs = backlogs
        self._quota = quota
        self.cut = cut
        self.stuck_since: float | None = None

    def stuck(self, stuck: bool) -> None:
        """Whether something of it waits to be read."""
        self.stuck_since = self._backlogs.seconds() if stuck else None

    def change(self, size: int) -> None:
        """It turned out to need so much."""
        self._quota.change(self, size)

    def leave(self) -> None:
        """Nothing of it waits any more."""
        self._backlogs.under_way -= 1
        self._quota.leave(self)


def _of(kept: WeakValueDictionary[int, T], userid: int, make: Callable[[], T]) -> T:
    found = kept.get(userid)
    if found is None:
        found = kept[userid] = make()
    return found


def _took_too_long(failure: Failure) -> None:
    failure.trap(TookTooLong)
    raise _too_many()


def _too_many() -> TooMany:
    return TooMany("too many answers wait to be read", retry_after=RETRY_SECONDS)
