"""Invitations as their makers and guests use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twim.errors import NotFound
from twim.logic.groups import Groups
from twim.logic.signup import CODE_CHARS, hash_code, new_code
from twim.storage.interface import Community
from twim.storage.invites import NO_INVITE, Invited, InviteStore

DAY_MS: Final = 24 * 3600 * 1000


class Invitations:
    """What users do with invitations."""

    def __init__(self, store: InviteStore, groups: Groups, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._groups = groups
        self._now_ms = now_ms

    async def create(self, userid: int, group: int, uses: int, days: int) -> dict[str, object]:
        """A new invitation to the group, or for 0 to the server. Gives its code, which is told only now. `NotYours` for
        who may not make it."""
        code = new_code()
        now = self._now_ms()
        expires = now + days * DAY_MS
        number = await self._store.create(userid, group, hash_code(code), uses, expires, now)
        return {"id": number, "code": code, "url": f"/i/{code}", "expires": expires}

    async def listed(self, userid: int) -> list[dict[str, object]]:
        """The user's invitations, newest first."""
        return [one.public() for one in await self._store.made_by(userid, self._now_ms())]

    async def revoke(self, userid: int, id: int) -> None:
        """End one of the user's invitations. `NotFound`."""
        await self._store.revoke(userid, id)

    async def revoke_any(self, id: int) -> None:
        """End an invitation, whoever's it is. `NotFound`."""
        await self._store.revoke_any(id)

    async def look(self, code: str) -> Invited:
        """What an invitation is for. `NotFound` when it is not good now."""
        return await self._store.look(_hashed(code), self._now_ms())

    async def accept(self, userid: int, code: str) -> Community | None:
        """Join the group of an invitation; None for one to the server, where the user is already. `NotFound` when it is
        not good now."""
        return await self._groups.join_by_code(userid, _hashed(code))


def _hashed(code: str) -> bytes:
    if not code or len(code) > CODE_CHARS:
        raise NotFound(NO_INVITE)
    return hash_code(code)
