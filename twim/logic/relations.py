"""Friends and groups as their users change them: stored, then known at once wherever somebody is connected."""

from __future__ import annotations

from typing import Any

from twim.access.roster import Roster
from twim.errors import NotYours, Refusal
from twim.logic.posting import Posting
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.storage.interface import Community
from twim.storage.relations import Relations as RelationStore
from twim.wire import envelope


class Relations:
    """What users do about each other and their groups."""

    def __init__(
        self,
        store: RelationStore,
        roster: Roster,
        routing: Routing,
        presence: Presence,
        posting: Posting,
        approve: bool,
    ) -> None:
        self._store = store
        self._roster = roster
        self._routing = routing
        self._presence = presence
        self._posting = posting
        self._approve = approve

    async def befriend(self, userid: int, dstid: int, memo: str) -> bool:
        """Become friends, or ask to where an approval is needed. True when they are friends now."""
        if userid == dstid:
            raise Refusal("you can't add yourself")
        friends = await self._store.befriend(userid, dstid, memo, self._approve)
        if friends:
            self._befriended(userid, dstid)
        else:
            self._tell([dstid], "friend-request", userid=userid)
        return friends

    def _befriended(self, userid: int, dstid: int) -> None:
        self._roster.befriended(userid, dstid)
        self._routing.elsewhere.befriended(userid, dstid)
        self._tell([userid], "friend", userid=dstid)
        self._tell([dstid], "friend", userid=userid)

    async def requests(self, userid: int) -> list[dict[str, object]]:
        """Who waits for the user's answer."""
        return [one.public() for one in await self._store.requests(userid)]

    async def answer(self, userid: int, requestid: int, accept: bool) -> None:
        """Accept or refuse a request."""
        asker = await self._store.answer_request(userid, requestid, accept)
        if accept:
            self._befriended(userid, asker)
        else:
            self._tell([userid], "friend-request", userid=asker)

    async def part(self, userid: int, dstid: int) -> None:
        """End a friendship."""
        await self._store.part(userid, dstid)
        self._roster.parted(userid, dstid)
        self._routing.elsewhere.parted(userid, dstid)
        self._tell([userid], "friend", userid=dstid)
        self._tell([dstid], "friend", userid=userid)

    async def friends(self, userid: int) -> list[dict[str, object]]:
        """The user's friends."""
        return [one.public(self._presence.online(one.id)) for one in await self._store.friends(userid)]

    async def create(self, userid: int, fields: dict[str, Any]) -> Community:
        """A new group."""
        made = await self._store.create(userid, fields)
        self._roster.joined(userid, made.id)
        self._routing.elsewhere.joined(userid, made.id)
        self._posting.notice(made.id, userid, "created", made.name)
        self._tell([userid], "group", dstid=made.id)
        return made

    async def join(self, userid: int, group: int) -> Community:
        """Join a group."""
        joined = await self._store.join(userid, group)
        self._roster.joined(userid, group)
        self._routing.elsewhere.joined(userid, group)
        self._posting.notice(group, userid, "joined")
        self._tell_group(group)
        return joined

    async def leave(self, userid: int, group: int) -> None:
        """Leave a group."""
        await self._store.leave(userid, group)
        self._left(userid, userid, group, "left")

    async def remove(self, owner: int, group: int, memberid: int) -> None:
        """The owner removes a member."""
        await self._store.remove(owner, group, memberid)
        self._left(memberid, owner, group, "removed")

    def _left(self, userid: int, actor: int, group: int, what: str) -> None:
        self._roster.left(userid, group)
        self._routing.elsewhere.left(userid, group)
        self._posting.notice(group, actor, what, str(userid) if actor != userid else "")
        self._tell_group(group)
        self._tell([userid], "group", dstid=group)

    async def change(self, owner: int, group: int, fields: dict[str, Any]) -> Community:
        """The owner changes the group's name, icon or memo."""
        before, now = await self._store.change(owner, group, fields)
        if before.name != now.name:
            self._posting.notice(group, owner, "renamed", now.name)
        self._tell_group(group)
        return now

    async def groups(self, userid: int) -> list[Community]:
        """The user's groups."""
        return await self._store.groups(userid)

    async def members(self, userid: int, group: int) -> list[dict[str, object]]:
        """The members of a group that the user is in."""
        members = await self._store.members(group)
        if all(one.id != userid for one in members):
            raise NotYours("you are not in that group")
        return [one.public(self._presence.online(one.id)) for one in members]

    async def tell_profile(self, userid: int) -> None:
        """The user's profile changed: tell its friends and its own devices."""
        circle = self._roster.users.get(userid) or await self._store.circle(userid)
        self._tell([userid, *circle.friends], "profile", userid=userid)

    def _tell(self, users: list[int], what: str, **more: object) -> None:
        payload = envelope.changed(what, **more)
        self._routing.to_users(users, payload)
        self._routing.flush()

    def _tell_group(self, group: int) -> None:
        self._routing.to_group(group, envelope.changed("group", dstid=group))
        self._routing.flush()
