"""What administrators do with users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from twim.logic.accounts import Accounts
from twim.logic.administration.acts import Actor, Result, page
from twim.logic.administration.values import Find, OfUser, Role, UserSearch
from twim.logic.erasure import Erasure
from twim.logic.password_resets import PasswordResets
from twim.logic.roles import Roles
from twim.storage.external import USER, ExternalStore, number_in
from twim.storage.listings import Listings

FOUND: Final = 20  # users of one name that are shown
_ID_DIGITS: Final = 15


class UserActs:
    """The acts `user.…`. Each raises `NotFound` for a user who isn't there."""

    def __init__(
        self,
        listings: Listings,
        external: ExternalStore,
        roles: Roles,
        accounts: Accounts,
        resets: PasswordResets,
        erasure: Erasure,
    ) -> None:
        self._listings = listings
        self._external = external
        self._roles = roles
        self._accounts = accounts
        self._resets = resets
        self._erasure = erasure
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "user.list": self.list,
            "user.find": self.find,
            "user.show": self.show,
            "user.approve": self.approve,
            "user.disable": self.disable,
            "user.enable": self.enable,
            "user.role": self.role,
            "user.reset": self.reset,
            "user.sessions": self.sessions,
            "user.erase": self.erase,
        }

    async def list(self, values: UserSearch, actor: Actor) -> Result:
        """Users, those with the highest ids first: `id, mobile, nickname, avatar, role, disabled, waiting, createat,
        last` (use of any device), `devices`."""
        rows = await self._listings.users(values.q, bool(values.waiting), values.before, values.limit)
        return page(rows, values.limit)

    async def find(self, values: Find, actor: Actor) -> Result:
        """The users whom a word names. One without a prefix is an id, a mobile or a whole nickname."""
        kind, colon, rest = values.word.partition(":")
        word = rest if colon else values.word
        number = int(word) if word.isascii() and word.isdigit() and len(word) <= _ID_DIGITS else 0
        if kind == "id" and colon:
            rows = await self._listings.named(FOUND, id=number)
        elif kind == "mobile" and colon:
            rows = await self._listings.named(FOUND, mobile=word)
        elif kind == "external" and colon:
            named = (await self._external.ids(USER, [word])).get(word, 0)
            rows = await self._listings.named(FOUND, id=named) if named and not number_in(word) else []
        else:
            rows = await self._listings.named(FOUND, id=number, mobile=values.word, nickname=values.word)
        return page(rows, FOUND)

    async def show(self, values: OfUser, actor: Actor) -> Result:
        """The row of one user, with `groups`: `id, name, role`."""
        return await self._listings.user(values.user)

    async def approve(self, values: OfUser, actor: Actor) -> Result:
        """The user, who registered and waits, may log in."""
        await self._roles.approve(values.user)
        return {}

    async def disable(self, values: OfUser, actor: Actor) -> Result:
        """The user is cut off. `Conflict` for the last administrator."""
        await self._roles.disable(values.user)
        return {}

    async def enable(self, values: OfUser, actor: Actor) -> Result:
        """The user may log in again."""
        await self._roles.enable(values.user)
        return {}

    async def role(self, values: Role, actor: Actor) -> Result:
        """Make the user an administrator or a member. `Conflict` for the last administrator."""
        await self._roles.set_role(values.user, values.role)
        return {}

    async def reset(self, values: OfUser, actor: Actor) -> Result:
        """The password and all devices end now. Gives `url`, the path of a page that sets a new password once, and
        when that `expires`."""
        code, expires = await self._resets.begin(values.user)
        return {"url": f"/reset/{code}", "expires": expires}

    async def sessions(self, values: OfUser, actor: Actor) -> Result:
        """End all devices of the user. Gives how many these were, `ended`."""
        return {"ended": await self._accounts.end_all(values.user)}

    async def erase(self, values: OfUser, actor: Actor) -> Result:
        """Erase the user, who stays as the nameless author of recalled messages. `Conflict` for the last
        administrator."""
        await self._erasure.erase(values.user)
        return {}
