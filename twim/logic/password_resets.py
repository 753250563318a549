"""Resets of passwords: a link, which somebody else hands to the user, sets one new password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twim.errors import NotFound
from twim.logic.accounts import Accounts
from twim.logic.passwords import Passwords, prepare
from twim.logic.signup import CODE_CHARS, hash_code, new_code
from twim.storage.password_resets import NO_RESET, PasswordResetStore

GOOD_MS: Final = 24 * 3600 * 1000  # for which a link is good


class PasswordResets:
    """Begins and ends resets."""

    def __init__(
        self, store: PasswordResetStore, passwords: Passwords, accounts: Accounts, now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._accounts = accounts
        self._now_ms = now_ms

    async def begin(self, userid: int) -> tuple[str, int]:
        """From now on the user's password opens nothing, and all devices have ended, on every node. Gives the code of
        the link, which is told only now, and when it expires (ms). `NotFound`."""
        code = new_code()
        expires = self._now_ms() + GOOD_MS
        for deviceid in await self._store.begin(userid, hash_code(code), expires):
            self._accounts.forget(userid, deviceid)
        return code, expires

    async def check(self, code: str) -> None:
        """`NotFound` unless the code is good now: wrong, used and expired ones alike."""
        await self._store.look(_hashed(code), self._now_ms())

    async def use(self, code: str, passwd: str) -> None:
        """Set the new password, and use the code up. `NotFound` as for `check`."""
        hashed = _hashed(code)
        # First, so that nobody makes the server hash passwords without a code.
        await self._store.look(hashed, self._now_ms())
        stored = await self._passwords.hash(prepare(passwd))
        await self._store.use(hashed, stored, self._now_ms())


def _hashed(code: str) -> bytes:
    if not code or len(code) > CODE_CHARS:
        raise NotFound(NO_RESET)
    return hash_code(code)
