"""The keys of a JWK Set at a URL, kept for a while and fetched again when a token names one that isn't there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.errors import TooMany
from twim.identity.fetching import Unreachable
from twim.identity.keys import SIGNED, VerifyingKey, read_key_set
from twim.limits.buckets import RateLimit
from twim.limits.rates import parse_rate

FRESH_SECONDS: Final = 600.0  # after which keys are fetched again: one that was taken back counts no longer
STALE_SECONDS: Final = 24 * 3600.0  # for so long they are used all the same while their server can't be reached
PAUSE_SECONDS: Final = 5.0  # after a fetch that failed
UNKNOWN: Final = "1/m,5"  # fetches because of tokens that name unknown keys: anybody may send such


class Keys(Protocol):
    """What tokens are verified by."""

    async def find(self, kid: str | None, algorithm: str) -> list[VerifyingKey]:
        """The keys that may have signed a token whose header says this. `Unreachable` when they can't be known."""


class OneKey:
    """The key of a file."""

    def __init__(self, key: VerifyingKey) -> None:
        self._keys = [key]

    async def find(self, kid: str | None, algorithm: str) -> list[VerifyingKey]:
        """The key: whoever verifies compares the algorithm."""
        return self._keys


class KeySet:
    """The set at a URL. `get` fetches an object or raises `Unreachable`; `seconds` is a clock that doesn't jump."""

    def __init__(self, url: str, get: Callable[[str], Awaitable[dict[str, Any]]], seconds: Callable[[], float]) -> None:
        self.url = url
        self._get = get
        self._seconds = seconds
        self._unknown = RateLimit(parse_rate(UNKNOWN), seconds)
        self._keys: list[VerifyingKey] = []
        self._fetched = -inf
        self._failed = -inf
        self._waiting: list[Deferred[None]] = []

    async def find(self, kid: str | None, algorithm: str) -> list[VerifyingKey]:
        """The keys of this name, or, if a token names none, the only one for its algorithm. `Unreachable`."""
        if algorithm not in SIGNED:
            return []
        if self._seconds() - self._fetched > FRESH_SECONDS:
            await self._fetch_unless_just_failed()
        found = self._fitting(kid, algorithm)
        if not found and kid is not None and self._may_look_again():
            await self._fetch()
            found = self._fitting(kid, algorithm)
        return found

    def _fitting(self, kid: str | None, algorithm: str) -> list[VerifyingKey]:
        found = [one for one in self._keys if one.algorithm == algorithm and kid in (None, one.kid)]
        return found if kid is not None or len(found) == 1 else []

    def _may_look_again(self) -> bool:
        try:
            self._unknown.take(self.url)
        except TooMany:
            return False
        return True

    async def _fetch_unless_just_failed(self) -> None:
        now = self._seconds()
        usable = now - self._fetched <= STALE_SECONDS
        if now - self._failed < PAUSE_SECONDS:
            if usable:
                return
            raise Unreachable(f"{self.url}: the keys can't be fetched")
        try:
            await self._fetch()
        except Unreachable:
            if not usable:
                raise

    async def _fetch(self) -> None:
        """Fetch them once for all who wait."""
        done: Deferred[None] = Deferred()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            Deferred.fromCoroutine(self._fetch_now()).addBoth(self._tell)
        await done

    async def _fetch_now(self) -> None:
        try:
            self._keys = read_key_set(await self._get(self.url))
        except Unreachable:
            self._failed = self._seconds()
            raise
        except ValueError as error:
            self._failed = self._seconds()
            raise Unreachable(f"{self.url}: {error}") from error
        self._fetched = self._seconds()

    def _tell(self, result: Failure | None) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(result)
