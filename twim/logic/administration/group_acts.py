"""What administrators do with groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twim.logic.administration.acts import Actor, Result, page
from twim.logic.administration.values import OfGroup, Search, Takeover
from twim.logic.groups import Groups
from twim.storage.listings import Listings


class GroupActs:
    """The acts `group.…`. Each raises `NotFound` for a group that isn't there."""

    def __init__(self, listings: Listings, groups: Groups) -> None:
        self._listings = listings
        self._groups = groups
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {
            "group.list": self.list,
            "group.show": self.show,
            "group.takeover": self.take_over,
            "group.dissolve": self.dissolve,
        }

    async def list(self, values: Search, actor: Actor) -> Result:
        """Groups, those with the highest ids first: `id, name, owner, ownername, members, messages` (the newest `seq`),
        `join, dissolved, createat`."""
        return page(await self._listings.groups(values.q, values.before, values.limit), values.limit)

    async def show(self, values: OfGroup, actor: Actor) -> Result:
        """The row of one group, and in `rows` its members: `id, nickname, avatar, role, muted`."""
        return await self._listings.group(values.group)

    async def take_over(self, values: Takeover, actor: Actor) -> Result:
        """Give the group another owner, who becomes a member if need be. `Conflict` for a group that is dissolved or
        the user's already, and for a user who may not log in."""
        speaker = await self._speaker(actor) or values.user
        await self._groups.take_over(speaker, values.group, values.user)
        return {}

    async def dissolve(self, values: OfGroup, actor: Actor) -> Result:
        """End the group. `Conflict` where it is ended already."""
        owner = (await self._listings.group(values.group))["owner"]
        assert isinstance(owner, int)
        await self._groups.dissolve_as_administrator(await self._speaker(actor) or owner, values.group)
        return {}

    async def _speaker(self, actor: Actor) -> int:
        """Whom the notice in the group names, since every message has an author: the administrator who acts or, for a
        command, the first one; 0 where there is none."""
        return actor.userid or await self._listings.first_administrator()
