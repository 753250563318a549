"""Token buckets: one for each key of a limit, bounded in number; and the one of a user's messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import inf
from time import monotonic
from typing import Final

from twim.errors import TooMany
from twim.limits.rates import Rate

BUCKETS: Final = 20_000  # keys remembered for each limit; the one used longest ago is forgotten
PAUSE_SECONDS: Final = 1.0  # how long at least somebody waits who has used up a burst of messages


class RateLimit:
    """At most `rate.burst` at once, and `rate.amount` in `rate.seconds` in the long run, for each key."""

    def __init__(self, rate: Rate, seconds: Callable[[], float], msg: str = "too many requests") -> None:
        self.rate = rate
        self._msg = msg
        self._seconds = seconds
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, amount: float = 1) -> None:
        """Count `amount`. `TooMany`, with the seconds to wait, when it exceeds the limit; then nothing is counted."""
        left, now = self._left(key)
        if left < amount:
            self._keep(key, left, now)
            # What exceeds a whole burst would never be allowed; it is when the bucket is full.
            missing = min(amount, self.rate.burst) - left
            if missing > 0:
                raise TooMany(self._msg, retry_after=missing / self.rate.per_second)
        self._keep(key, left - amount, now)

    def check(self, key: Hashable) -> None:
        """`TooMany` when `take` would refuse 1. Nothing is counted."""
        left, _ = self._left(key)
        if left < 1:
            raise TooMany(self._msg, retry_after=(1 - left) / self.rate.per_second)

    def charge(self, key: Hashable, amount: float) -> None:
        """Count what is known only afterwards, however much it is: what exceeds the limit is missing later."""
        left, now = self._left(key)
        self._keep(key, left - amount, now)

    def _left(self, key: Hashable) -> tuple[float, float]:
        now = self._seconds()
        left, then = self._buckets.get(key, (float(self.rate.burst), now))
        return min(self.rate.burst, left + max(0.0, now - then) * self.rate.per_second), now

    def _keep(self, key: Hashable, left: float, now: float) -> None:
        self._buckets[key] = (left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)


class Allowance:
    """How many messages one user may send now. The message path counts `left` down itself and calls `refill` when
    that falls below zero: so an ordinary message costs one subtraction and no look at the clock. The price is that
    after a pause what was left of one burst and the next one may be sent together."""

    __slots__ = ("_at", "_burst", "_paused_until", "_rate", "_saved", "_seconds", "left")

    def __init__(self, rate: Rate, seconds: Callable[[], float]) -> None:
        self._rate = rate.per_second
        self._burst = rate.burst
        self._seconds = seconds
        self._at = seconds()
        self._paused_until = self._at
        self._saved = 0.0
        self.left: float = rate.burst
        """Messages that may be sent before the next look at the clock."""

    def refill(self) -> None:
        """`left` has fallen below zero: let the message pass if the time since the last call allows it; else
        `TooMany`.

        Whoever is refused is refused for `PAUSE_SECONDS` at least. Otherwise one of several messages that were sent at
        once would be taken and the one before it refused, which changes their order.
        """
        now = self._seconds()
        have = min(self._burst, self.left + 1 + self._saved + max(0.0, now - self._at) * self._rate)
        self._at = now
        if now >= self._paused_until:
            if have >= 1:
                self.left, self._saved = have - 1, 0.0
                return
            self._paused_until = now + max(PAUSE_SECONDS, (1 - have) / self._rate)
        self.left, self._saved = 0.0, have
        raise TooMany("too many messages", retry_after=self._paused_until - now)


class Allowances:
    """The allowances of users, kept when they leave: a reconnect gives nobody another burst."""

    def __init__(self, rate: Rate | None, seconds: Callable[[], float] = monotonic) -> None:
        """Without a rate nobody is limited."""
        self._rate = rate
        self._seconds = seconds
        self._kept: OrderedDict[int, Allowance] = OrderedDict()
        self.not_begun = Allowance(rate or Rate(1, 1, 1), seconds)
        """Of everybody who hasn't sent anything yet: it has nothing left, so that who sends is given one."""
        self.not_begun.left = -inf

    def of(self, userid: int) -> Allowance:
        """The user's allowance."""
        kept = self._kept.get(userid)
        if kept is None:
            kept = self._kept[userid] = Allowance(self._rate or Rate(1, 1, 1), self._seconds)
            if self._rate is None:
                kept.left = inf
            if len(self._kept) > BUCKETS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(userid)
        return kept


UNLIMITED: Final = Allowances(None)
