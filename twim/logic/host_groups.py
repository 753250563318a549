"""What another program, which has a key, does with its groups and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twim.errors import Conflict, Malformed, NotFound, Refusal
from twim.logic.administration.administration import Administration
from twim.logic.groups import Groups
from twim.logic.hosts import actor_of, check_name, check_new_name
from twim.storage.api_keys import ApiKey
from twim.storage.external import GROUP, USER, ExternalStore
from twim.storage.groups import NOBODY
from twim.storage.interface import Community
from twim.storage.relations import RelationStore

DISSOLVED: Final = "that group is dissolved"


class HostGroups:
    """Groups, as other programs use them. They don't count towards those that their owners may make."""

    def __init__(
        self, store: ExternalStore, relations: RelationStore, groups: Groups, administration: Administration
    ) -> None:
        self.store = store
        self._relations = relations
        self._groups = groups
        self._administration = administration

    async def id_of(self, name: str) -> int:
        """The group's id. `NotFound`, `Malformed`."""
        found = await self.store.ids(GROUP, [check_name(name, GROUP)])
        if name not in found:
            raise NotFound(f"no such group: {name}")
        return found[name]

    async def put(
        self, key: ApiKey, name: str, fields: dict[str, str], owner: str, members: Sequence[str] | None
    ) -> int:
        """Make the group, or change its `name`, `join` and `history`, its owner ("" for the same), and its members
        (None for the same), among whom the owner always is. Gives the group's id. `NotFound` for a user who isn't
        there, `Malformed` for a new group without name or owner."""
        users = await self._ids([*([owner] if owner else []), *(members or ())])
        group = (await self.store.ids(GROUP, [check_name(name, GROUP)])).get(name, 0)
        if not group:
            group = await self._make(name, fields, users.get(owner, 0))
        await self._change(key, group, fields, users.get(owner, 0))
        if members is not None:
            await self._replace(group, {users[one] for one in members})
        return group

    async def _ids(self, names: Sequence[str]) -> dict[str, int]:
        found = await self.store.ids(USER, [check_name(name) for name in names])
        for name in names:
            if name not in found:
                raise NotFound(f"no such user: {name}")
        return found

    async def _make(self, name: str, fields: dict[str, str], owner: int) -> int:
        check_new_name(name, GROUP)
        if not owner or not fields.get("name"):
            raise Malformed("owner: missing" if not owner else "name: missing")
        rules = self._groups.rules(fields.get("join", ""), fields.get("history", ""))
        group, made = await self.store.make_group(name, owner, fields | rules)
        if made is not None:
            await self._groups.made(made)
        return group

    async def _change(self, key: ApiKey, group: int, fields: dict[str, str], owner: int) -> None:
        found = await self.group(group)
        if found.dissolved:
            raise Conflict(DISSOLVED)
        if owner and owner != found.ownerid:
            values = {"group": group, "user": owner}
            await self._administration.act("group.takeover", values, actor_of(key))
            found = await self.group(group)
        changed = {one: value for one, value in fields.items() if getattr(found, one) != value}
        if changed:
            if found.ownerid == NOBODY:
                raise Conflict("that group has no owner: name one")
            await self._groups.change(found.ownerid, group, changed)

    async def _replace(self, group: int, wanted: set[int]) -> None:
        owner = (await self.group(group)).ownerid
        members = set(await self._relations.member_ids(group))
        for userid in sorted(wanted - members):
            await self._groups.enter(owner or userid, group, userid)
        for userid in sorted(members - wanted - {owner}):
            await self._remove(owner, group, userid)

    async def group(self, group: int) -> Community:
        """The group. `NotFound`."""
        found = await self._relations.group_and_standing(0, group)
        if found is None:
            raise NotFound("no such group")
        return found[0]

    async def shown(self, group: int) -> dict[str, object]:
        """The group with its members, as the program sees it."""
        found = await self.group(group)
        members = await self._relations.member_ids(group)
        names = await self.store.names(USER, {*members, found.ownerid} - {NOBODY})
        external = await self.store.names(GROUP, [group])
        return {
            "id": group,
            "group": external[group],
            "name": found.name,
            "owner": names.get(found.ownerid, ""),
            "join": found.join,
            "history": found.history,
            "post": found.post,
            "notice": found.notice,
            "dissolved": found.dissolved,
            "members": [names[userid] for userid in members],
        }

    async def dissolve(self, key: ApiKey, name: str) -> None:
        """End the group, whose external id is free again; its members may read it until they leave."""
        group = await self.id_of(name)
        await self._administration.act("group.dissolve", {"group": group}, actor_of(key))
        await self.store.forget_group(group)

    async def add(self, name: str, user: str) -> None:
        """Make the user a member. Nothing changes for who is one."""
        group = await self.id_of(name)
        userid = (await self._ids([user]))[user]
        owner = (await self.group(group)).ownerid
        await self._groups.enter(owner or userid, group, userid)

    async def remove(self, name: str, user: str) -> None:
        """End the user's membership. An owner hands the group to its oldest member. `NotFound` for who is none."""
        group = await self.id_of(name)
        userid = (await self._ids([user]))[user]
        if userid not in await self._relations.member_ids(group):
            raise NotFound("not a member")
        await self._remove((await self.group(group)).ownerid, group, userid)

    async def _remove(self, owner: int, group: int, userid: int) -> None:
        try:
            if userid == owner:
                await self._groups.leave(userid, group)
            else:
                await self._groups.remove(owner, group, userid)
        except Refusal as refused:
            if refused.msg != "not a member":  # who has left a moment ago
                raise
