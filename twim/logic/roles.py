"""Roles of users, and who may not log in: stored, and known at once wherever the user is connected."""

from __future__ import annotations

from twim.errors import Malformed
from twim.logic.accounts import Accounts
from twim.storage.interface import USER_ROLES
from twim.storage.roles import RoleStore


class Roles:
    """What administrators do with users. Each raises `NotFound` for a user who isn't there."""

    def __init__(self, store: RoleStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    async def is_administrator(self, userid: int) -> bool:
        """Whether the user is an administrator who may log in."""
        return await self._store.is_administrator(userid)

    async def has_administrator(self) -> bool:
        """Whether there is an administrator who may log in."""
        return await self._store.has_administrator()

    async def set_role(self, userid: int, role: str) -> None:
        """Make the user an administrator or a member. `Conflict` for the last administrator."""
        if role not in USER_ROLES:
            raise Malformed(f"role: one of {', '.join(USER_ROLES)}")
        await self._store.set_role(userid, role)

    async def disable(self, userid: int) -> None:
        """The user is cut off, on every node, and may not log in. `Conflict` for the last administrator."""
        for deviceid in await self._store.disable(userid):
            self._accounts.forget(userid, deviceid)

    async def enable(self, userid: int) -> None:
        """The user may log in again."""
        await self._store.enable(userid)

    async def approve(self, userid: int) -> None:
        """The user, who registered and waits, may log in."""
        await self._store.approve(userid)
