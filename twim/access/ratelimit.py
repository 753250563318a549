"""How often somebody may ask: token buckets by whatever names the asker, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from math import ceil
from typing import Final

from twim.errors import TooMany

BUCKETS: Final = 20_000  # askers remembered per limit; the one that asked longest ago is forgotten


class RateLimit:
    """At most `burst` at once, and `rate` a second in the long run, for each key."""

    def __init__(self, rate: float, burst: float, seconds: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._seconds = seconds
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable) -> None:
        """Count one. `TooMany`, with the time to wait, when that is too often."""
        now = self._seconds()
        left, then = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + max(0.0, now - then) * self._rate)
        if left < 1:
            self._buckets[key] = (left, now)
            raise TooMany(retry_after=max(1, ceil((1 - left) / self._rate)))
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)


class Limits:
    """The limits of this server. Off, everything may be asked at any rate."""

    def __init__(self, on: bool, seconds: Callable[[], float]) -> None:
        self._on = on
        # A classroom behind one address registers within minutes; a guesser of passwords needs years.
        self._by_address = RateLimit(2.0, 100.0, seconds)
        self._by_mobile = RateLimit(0.1, 10.0, seconds)
        self._by_user = RateLimit(20.0, 200.0, seconds)

    def address(self, address: str) -> None:
        """Somebody not logged in asks for something expensive."""
        if self._on:
            self._by_address.take(address)

    def mobile(self, mobile: str) -> None:
        """Somebody tries to log in as this mobile."""
        if self._on:
            self._by_mobile.take(mobile)

    def passwd(self, userid: int) -> None:
        """Somebody logged in says what the user's password is; a stolen token must not help to guess it."""
        if self._on:
            self._by_mobile.take(userid)

    def user(self, userid: int) -> None:
        """A user asks for something."""
        if self._on:
            self._by_user.take(userid)
