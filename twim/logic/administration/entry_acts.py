"""What administrators do with that by which others come in: invitations and API keys."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from twim.errors import Conflict, Malformed
from twim.logic.administration.acts import Actor, Result, page
from twim.logic.administration.values import NewInvite, NewKey, OfId, Page, Values
from twim.logic.api_keys import ADMIN, KEY_PREFIX, ApiKeys, hash_key
from twim.logic.invitations import Invitations
from twim.storage.api_keys import ApiKeyStore
from twim.storage.listings import Listings

KEY_BYTES: Final = 24  # 192 random bits
SCOPES: Final = ("users", "groups", "messages", "webhooks", "read")
ADMIN_SCOPE: Final = ADMIN
"""What lets a key act upon administrators; a key has it only if that was said."""


class InviteActs:
    """The acts `invite.…`."""

    def __init__(self, listings: Listings, invitations: Invitations, now_ms: Callable[[], int]) -> None:
        self._listings = listings
        self._invitations = invitations
        self._now_ms = now_ms
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "invite.list": self.list,
            "invite.create": self.create,
            "invite.revoke": self.revoke,
        }

    async def list(self, values: Page, actor: Actor) -> Result:
        """Everybody's invitations that have not expired, the newest first: `id, for, maker, uses, left, expires`."""
        return page(await self._listings.invites(self._now_ms(), values.before, values.limit), values.limit)

    async def create(self, values: NewInvite, actor: Actor) -> Result:
        """A new invitation, in the name of `user`, of the administrator who acts or, where it is a command, of the
        group's owner or the server's first administrator: it dies when that one may no longer make it. Gives `id, code,
        url, expires`. `NotFound` for a group that isn't there, `NotYours` where the maker may not, `Conflict` where
        there is nobody in whose name it could be made."""
        group = 0 if values.for_ == "server" else values.for_
        maker = values.user or actor.userid
        if group and not maker:
            maker = await self._owner(group)
        maker = maker or await self._listings.first_administrator()
        if not maker:
            raise Conflict("no administrator yet: make one first")
        return await self._invitations.create(maker, group, values.uses, values.days)

    async def _owner(self, group: int) -> int:
        owner = (await self._listings.group(group))["owner"]
        if not isinstance(owner, int) or not owner:
            raise Conflict("that group has no owner")
        return owner

    async def revoke(self, values: OfId, actor: Actor) -> Result:
        """End an invitation, whoever's it is. `NotFound`."""
        await self._invitations.revoke_any(values.id)
        return {}


class KeyActs:
    """The acts `key.…`."""

    def __init__(self, store: ApiKeyStore, keys: ApiKeys, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._keys = keys
        self._now_ms = now_ms
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "key.list": self.list,
            "key.create": self.create,
            "key.revoke": self.revoke,
        }

    async def list(self, values: Values, actor: Actor) -> Result:
        """All keys, the newest first: `id, name, scopes, createat, used`."""
        return {"rows": [key.public() for key in await self._store.keys()], "next": 0}

    async def create(self, values: NewKey, actor: Actor) -> Result:
        """A new key. Gives its `id`, and the `key` itself, which is told only now."""
        scopes = _scopes(values.scopes)
        key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        made = await self._store.create(values.name, hash_key(key), scopes, self._now_ms())
        await self._keys.changed()
        return {"id": made, "key": key}

    async def revoke(self, values: OfId, actor: Actor) -> Result:
        """End a key. `NotFound`."""
        await self._store.revoke(values.id)
        await self._keys.changed()
        return {}


def _scopes(named: str) -> str:
    chosen = set(named.split(",")) if named else set(SCOPES)
    known = (*SCOPES, ADMIN_SCOPE)
    if not chosen <= set(known):
        raise Malformed(f"scopes: of {', '.join(known)}")
    return ",".join(one for one in known if one in chosen)
