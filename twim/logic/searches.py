"""How often somebody may look for people by guessing: counted for all nodes together."""

from __future__ import annotations

from collections.abc import Callable

from twim.errors import TooMany
from twim.limits import table
from twim.limits.rates import Rate
from twim.limits.table import Rates
from twim.storage.attempts import AttemptStore, Count, Quota, key_of

WHY = "too many searches"


class Searches:
    """Counts searches by a user, and by an address of somebody who isn't logged in. When it is off, nothing is
    counted."""

    def __init__(self, store: AttemptStore, on: bool, rates: Rates, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._on = on
        self._by_user = _quota(rates[table.SEARCHES])
        self._by_address = _quota(rates[table.STRANGERS])
        self._now_ms = now_ms

    async def check_user(self, userid: int) -> None:
        """`TooMany` when the user may not search now. To be asked before anything is told; nothing is counted."""
        await self._check(self._user(userid))

    async def count_user(self, userid: int) -> None:
        """Count a search of the user. `TooMany` when it is one too many: then its result must not be told."""
        await self._take(self._user(userid))

    async def check_address(self, address: str) -> None:
        """As `check_user`, of an address of somebody who isn't logged in."""
        await self._check(self._address(address))

    async def count_address(self, address: str) -> None:
        """As `count_user`."""
        await self._take(self._address(address))

    def _user(self, userid: int) -> Count:
        return Count(key_of("search", "user", userid), self._by_user)

    def _address(self, address: str) -> Count:
        return Count(key_of("search", "address", address), self._by_address)

    async def _check(self, count: Count) -> None:
        if self._on:
            _wait(await self._store.wait([count], self._now_ms()))

    async def _take(self, count: Count) -> None:
        if self._on:
            _wait(await self._store.take([count], self._now_ms()))


def _wait(milliseconds: int) -> None:
    if milliseconds:
        raise TooMany(WHY, retry_after=milliseconds / 1000)


def _quota(rate: Rate) -> Quota:
    return Quota(leak=rate.per_second, most=rate.burst)
