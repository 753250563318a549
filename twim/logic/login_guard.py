"""Who guesses passwords has to wait, and not the owner of the account.

Failed log-ins are counted by address and mobile together, by the mobile alone and by the address alone; the more there
were, the longer the next attempt has to wait. A browser that has logged in to the account keeps a random cookie, and
the addresses that an account was used from are remembered: who comes with either is counted apart from strangers,
whose failures never delay the owner then. Mobiles without an account are counted alike, so an answer tells nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from twim.errors import TooMany
from twim.storage.attempts import AttemptStore, Count, Delay, key_of

# Of one address at one account: five wrong passwords are nothing, then each costs twice the time of the last one.
TOGETHER: Final = Delay(leak=1 / 600, free=5, step=1, longest=900.0)
# Of all strangers at one account, however many addresses they have.
ACCOUNT: Final = Delay(leak=1 / 120, free=40, step=5, longest=300.0)
# Of one address at all accounts. In a school of 500 at nine o'clock many mistype.
ADDRESS: Final = Delay(leak=1 / 10, free=200, step=10, longest=60.0)

BITS: Final = 128  # of the cookie that a browser is known by
_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{22}")


class LoginAttempt(NamedTuple):
    """An attempt that may be made, and what is to be undone when it succeeds."""

    own: tuple[Count, ...]
    """Counts that a success clears: they are this person's own mistakes."""
    others: tuple[Count, ...]
    """Counts in which others' failures are too: a success takes only itself out."""
    address: str
    cookie: str


class LoginGuard:
    """Counts attempts to log in, for all nodes together. When it is off, nobody has to wait."""

    def __init__(self, store: AttemptStore, on: bool, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._on = on
        self._now_ms = now_ms

    async def begin(self, mobile: str, address: str, cookie: str) -> LoginAttempt:
        """Count an attempt to log in as `mobile` from `address` ("" for this machine's own, which says nothing of who
        comes), with the cookie that `succeeded` gave this browser, or "". `TooMany` when it has to wait; then the
        password must not be looked at."""
        cookie = cookie if _COOKIE.fullmatch(cookie) else ""
        if not self._on:
            return LoginAttempt((), (), address, cookie)
        hashes = _hashes(address, cookie)
        known = await self._store.known(mobile, hashes) if hashes else set()
        own: tuple[Count, ...]
        others: tuple[Count, ...] = ()
        if cookie and _of_cookie(cookie) in known:
            own = (Count(key_of("login", "cookie", cookie, mobile), TOGETHER),)
        else:
            own = (Count(key_of("login", "address", address, mobile), TOGETHER),)
            if not known:
                others = (Count(key_of("login", "account", mobile), ACCOUNT),)
                if address:
                    others += (Count(key_of("login", "from", address), ADDRESS),)
        wait = await self._store.take(own + others, self._now_ms())
        if wait:
            raise TooMany("too many log-ins", retry_after=wait / 1000)
        return LoginAttempt(own, others, address, cookie)

    async def succeeded(self, attempt: LoginAttempt, userid: int) -> str:
        """The attempt was right: it and this person's earlier mistakes count no more, and the browser is known from
        now on by the cookie that is returned."""
        if self._on:
            await self._store.forgive(attempt.others, attempt.own, self._now_ms())
        return await self.registered(userid, attempt.address, attempt.cookie)

    async def registered(self, userid: int, address: str, cookie: str) -> str:
        """A user is logged in from here without an attempt: as `succeeded`."""
        cookie = cookie if _COOKIE.fullmatch(cookie) else secrets.token_urlsafe(BITS // 8)
        await self._store.know(userid, _hashes(address, cookie))
        return cookie


def _hashes(address: str, cookie: str) -> list[bytes]:
    return ([_of_address(address)] if address else []) + ([_of_cookie(cookie)] if cookie else [])


def _of_cookie(cookie: str) -> bytes:
    return key_of("known", "cookie", cookie)


def _of_address(address: str) -> bytes:
    return key_of("known", "address", address)
