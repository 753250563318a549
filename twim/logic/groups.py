"""Groups as their members change them: stored, then known at once wherever somebody is connected, and told in the
group by a notice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twim.errors import Malformed, NotFound, NotYours
from twim.hub.hub import Hub
from twim.logic import policy
from twim.logic.posting import Posting
from twim.logic.routing import Routing
from twim.logic.silences import Silences
from twim.storage.interface import Community
from twim.storage.members import Entered
from twim.storage.relations import RelationStore
from twim.storage.standing import MEMBER_ROLE, OUTSIDE, OWNER
from twim.wire import envelope

MUTE_SECONDS: Final = 365 * 24 * 3600  # the longest mute
_NOTICES: Final = (("name", "renamed"), ("icon", "icon"), ("memo", "about"), ("notice", "notice"))
_RULES: Final = ("join", "history", "post")


class Groups:
    """What users do with their groups. `default_join` gives the rule of a new group whose maker names none."""

    def __init__(
        self,
        store: RelationStore,
        hub: Hub,
        routing: Routing,
        posting: Posting,
        silences: Silences,
        default_join: Callable[[], str],
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._hub = hub
        self._routing = routing
        self._posting = posting
        self._silences = silences
        self._default_join = default_join
        self._now_ms = now_ms

    def rules(self, join: str = "", history: str = "") -> dict[str, str]:
        """The rules of a new group whose maker names these: newcomers read its history from their joining on where
        everybody may join, else all of it."""
        join = join or self._default_join()
        return {"join": join, "history": history or ("joined" if join == "open" else "all")}

    async def create(self, userid: int, fields: dict[str, Any]) -> Community:
        """A new group, with `rules` unless `fields` say otherwise."""
        made = await self._store.create(userid, fields | self.rules(fields.get("join", ""), fields.get("history", "")))
        await self.made(made)
        return made

    async def made(self, group: Community) -> None:
        """A new group was stored: its owner learns of it."""
        owner = group.ownerid
        self._hub.joined(owner, group.id)
        self._routing.other_nodes.joined(owner, group.id)
        self._posting.notice(group.id, owner, "created", group.name)
        self._tell([owner], "group", dstid=group.id)
        if group.post != "members":
            await self._silences.read(group.id)

    async def enter(self, actor: int, group: int, memberid: int, *, by_host: bool = False) -> None:
        """Another program makes somebody a member, in the name of `actor`, whatever the group's rule; with `by_host`
        when its user logs in. Nothing changes for who is one. `NotFound`, `Conflict`."""
        if await self._store.standings(group, [memberid]):
            return
        entered = await self._store.join(memberid, group, self._now_ms(), policy.may_be_entered, by_host=by_host)
        assert entered is not None
        await self._joined(memberid, actor, entered, "joined" if actor == memberid else "added")

    async def join(self, userid: int, group: int) -> Community | None:
        """Join a group; None when that was only asked for."""
        joined = await self._store.join(userid, group, self._now_ms(), policy.may_join)
        if joined is None:
            self._tell(await self._store.rulers(group), "join-request", dstid=group, userid=userid)
            return None
        await self._joined(userid, userid, joined, "joined")
        return joined.group

    async def join_by_invitation(self, userid: int, group: int) -> Community:
        """Join a group by an invitation, whose maker may invite. `NotYours` for who was removed, and for a group that
        is dissolved or not there."""
        joined = await self._store.join(userid, group, self._now_ms(), policy.may_join_by_invitation)
        assert joined is not None
        await self._joined(userid, userid, joined, "joined")
        return joined.group

    async def join_by_code(self, userid: int, hashed: bytes) -> Community | None:
        """Join the group of an invitation, known by the hash of its code, and count that use; None for an invitation to
        the server. `NotFound` when it is not good now, `NotYours` for who was removed from the group."""
        joined = await self._store.join_by_invitation(
            userid, hashed, self._now_ms(), policy.may_invite, policy.may_join_by_invitation
        )
        if joined is None:
            return None
        await self._joined(userid, userid, joined, "joined")
        return joined.group

    async def check_inviting(self, userid: int, group: int) -> Community:
        """The group. `NotYours` when the user may not add members to it, or it isn't there."""
        found = await self._store.group_and_standing(userid, group)
        if found is None:
            raise NotYours("you are not in that group")
        policy.may_invite(*found)
        return found[0]

    async def add(self, userid: int, group: int, memberid: int) -> None:
        """Make a friend of the user's a member."""
        added = await self._store.add(userid, group, memberid, self._now_ms(), policy.may_add)
        await self._joined(memberid, userid, added, "added")

    async def _joined(self, userid: int, actor: int, entered: Entered, what: str) -> None:
        group = entered.group.id
        self._hub.joined(userid, group)
        self._routing.other_nodes.joined(userid, group)
        if entered.may_be_silenced:
            await self._posting_changed(group)
        if actor == userid:
            self._posting.notice(group, actor, what)
        else:
            self._posting.notice(group, actor, what, str(userid), about=userid)
        self._tell_group(group)

    async def join_requests(self, userid: int, group: int) -> list[dict[str, object]]:
        """Who asks to join."""
        return [one.public() for one in await self._store.join_requests(userid, group, policy.may_run)]

    async def answer_join(self, userid: int, requestid: int, accept: bool) -> None:
        """Accept or refuse a request to join."""
        entered, asker = await self._store.answer_join(userid, requestid, accept, self._now_ms(), policy.may_run)
        if accept:
            await self._joined(asker, userid, entered, "approved")
        group = entered.group.id
        self._tell(await self._store.rulers(group), "join-request", dstid=group, userid=asker)

    async def leave(self, userid: int, group: int) -> None:
        """Leave a group."""
        _, is_handed_on = await self._store.leave(userid, group, self._now_ms())
        self._left(userid, userid, group, "left")
        if is_handed_on:
            await self._posting_changed(group)

    async def remove(self, userid: int, group: int, memberid: int) -> None:
        """End somebody's membership."""
        await self._store.remove(userid, group, memberid, self._now_ms(), policy.may_remove(userid == memberid))
        self._left(memberid, userid, group, "removed")

    def _left(self, userid: int, actor: int, group: int, what: str) -> None:
        self._hub.left(userid, group)
        self._routing.other_nodes.left(userid, group)
        self._posting.notice(group, actor, what, str(userid) if actor != userid else "")
        self._tell_group(group)
        self._tell([userid], "group", dstid=group)

    async def set_role(self, userid: int, group: int, memberid: int, role: str) -> None:
        """Make a member an admin, a member again, or the owner."""
        if role not in policy.GIVEN_ROLES:
            raise Malformed(f"role: one of {', '.join(policy.GIVEN_ROLES)}")
        await self._store.set_role(userid, group, memberid, role, self._now_ms(), policy.may_set_role)
        await self._stands_otherwise(userid, group, memberid, "role", role)

    async def mute(self, userid: int, group: int, memberid: int, seconds: int) -> None:
        """A member may not post for so long; 0 ends it."""
        now = self._now_ms()
        until = now + 1000 * seconds if seconds else 0
        await self._store.mute(userid, group, memberid, until, now, policy.may_act_on)
        await self._stands_otherwise(userid, group, memberid, "muted" if until else "unmuted", str(until or ""))

    async def _stands_otherwise(self, actor: int, group: int, memberid: int, what: str, memo: str) -> None:
        await self._posting_changed(group)
        self._posting.notice(group, actor, what, memo, about=memberid)
        self._tell_group(group)

    async def change(self, userid: int, group: int, fields: dict[str, Any]) -> Community:
        """Change the group's name, icon, memo, notice or rules. What differs is told, each by a notice."""
        before, now = await self._store.change(userid, group, fields, self._now_ms(), policy.may_run)
        if before.post != now.post:
            await self._posting_changed(group)
        for name, what in _NOTICES:
            if getattr(before, name) != getattr(now, name):
                self._posting.notice(group, userid, what, getattr(now, name))
        for name in _RULES:
            if getattr(before, name) != getattr(now, name):
                self._posting.notice(group, userid, f"rule-{name}", getattr(now, name))
        self._tell_group(group)
        return now

    async def dissolve(self, userid: int, group: int) -> None:
        """End the group: it stays to be read."""
        await self._store.dissolve(userid, group, self._now_ms(), policy.may_own)
        await self._dissolved(userid, group)

    async def _dissolved(self, actor: int, group: int) -> None:
        await self._posting_changed(group)
        if actor:  # else there are neither members nor an administrator
            self._posting.notice(group, actor, "dissolved")
        self._tell_group(group)

    async def take_over(self, actor: int, group: int, userid: int) -> None:
        """An administrator of the server gives the group another owner, who becomes a member if need be. `NotFound`,
        `Conflict`."""
        if await self._store.take_over(userid, group, self._now_ms()):
            self._hub.joined(userid, group)
            self._routing.other_nodes.joined(userid, group)
            self._posting.notice(group, actor, "added", str(userid), about=userid)
        await self._stands_otherwise(actor, group, userid, "role", OWNER)

    async def dissolve_as_administrator(self, actor: int, group: int) -> None:
        """An administrator of the server ends the group. `NotFound`, `Conflict`."""
        try:
            await self._store.dissolve(actor, group, self._now_ms(), policy.check_not_dissolved)
        except NotYours:
            raise NotFound("no such group") from None
        await self._dissolved(actor, group)

    async def groups(self, userid: int) -> list[int]:
        """The user's groups, in the order of joining: see `communities`."""
        return await self._store.group_ids(userid)

    async def communities(self, userid: int, groups: Sequence[int]) -> list[dict[str, object]]:
        """These groups of the user's, in this order, with the user's own role and mute."""
        return [
            group.public() | {"role": stand.role, "muted": self._still(stand.muted)}
            for group, stand in await self._store.communities(groups, userid)
        ]

    async def members(self, userid: int, group: int) -> list[int]:
        """The members of a group that the user is in, ascending."""
        members = await self._store.member_ids(group)
        if userid not in members:
            raise NotYours("you are not in that group")
        return members

    async def standings(self, group: int, userids: Sequence[int]) -> dict[int, dict[str, object]]:
        """Role and mute of these members."""
        found = await self._store.standings(group, userids)
        stands = {one: (stand.role or MEMBER_ROLE, self._still(stand.muted)) for one, stand in found.items()}
        return {one: dict(zip(("role", "muted"), stands.get(one, (OUTSIDE, 0)), strict=True)) for one in userids}

    def _still(self, muted: int) -> int:
        return muted if muted > self._now_ms() else 0

    async def _posting_changed(self, group: int) -> None:
        self._routing.other_nodes.group_changed(group)
        await self._silences.read(group)

    def _tell(self, users: list[int], what: str, **more: object) -> None:
        self._routing.to_users(users, envelope.changed(what, **more))
        self._routing.flush()

    def _tell_group(self, group: int) -> None:
        self._routing.to_group(group, envelope.changed("group", dstid=group))
        self._routing.flush()
