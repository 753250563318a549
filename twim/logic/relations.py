"""Friends and blocks as their users change them: stored, then known at once wherever somebody is connected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from twim.errors import Refusal
from twim.hub.hub import Hub
from twim.logic.live_settings import LiveSettings
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.storage.relations import RelationStore
from twim.wire import envelope


class Relations:
    """What users do about each other."""

    def __init__(
        self,
        store: RelationStore,
        hub: Hub,
        routing: Routing,
        presence: Presence,
        settings: LiveSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._hub = hub
        self._routing = routing
        self._presence = presence
        self._settings = settings
        self._now_ms = now_ms

    async def befriend(self, userid: int, dstid: int, memo: str) -> bool:
        """Become friends, or request it where an approval is needed. True if they are friends now."""
        if userid == dstid:
            raise Refusal("you can't add yourself")
        approve = self._settings.approve_friends
        friends = await self._store.befriend(userid, dstid, memo, approve)
        if friends:
            self.befriended(userid, dstid)
        elif friends is None:
            # Answered, and told to the user's own devices, as any other.
            if not approve:
                self._tell([userid], "friend", userid=dstid)
            return not approve
        else:
            self._tell([dstid], "friend-request", userid=userid)
        return bool(friends)

    async def acquainted(self, userid: int, other: int) -> bool:
        """Whether the two share a friendship, a group or a chat."""
        return await self._store.acquainted(userid, other)

    def befriended(self, userid: int, dstid: int) -> None:
        """These two are friends, which is stored: everybody who has to know learns of it."""
        self._hub.befriended(userid, dstid)
        self._routing.other_nodes.befriended(userid, dstid)
        self._tell([userid], "friend", userid=dstid)
        self._tell([dstid], "friend", userid=userid)

    async def requests(self, userid: int) -> list[dict[str, object]]:
        """The users whose requests wait for this user's answer."""
        return [one.public() for one in await self._store.requests(userid)]

    async def answer(self, userid: int, requestid: int, accept: bool) -> None:
        """Accept or refuse a request."""
        asker = await self._store.answer_request(userid, requestid, accept)
        if accept:
            self.befriended(userid, asker)
        else:
            self._tell([userid], "friend-request", userid=asker)

    async def part(self, userid: int, dstid: int) -> None:
        """End a friendship."""
        await self._store.part(userid, dstid)
        self._hub.parted(userid, dstid)
        self._routing.other_nodes.parted(userid, dstid)
        self._tell([userid], "friend", userid=dstid)
        self._tell([dstid], "friend", userid=userid)

    async def friends(self, userid: int) -> list[int]:
        """The ids of the user's friends, ascending. There may be thousands; `shown` gives them piece by piece."""
        return await self._store.friend_ids(userid)

    async def hidden_from(self, userid: int) -> set[int]:
        """Of whom the user doesn't see whether they are online: a block is between them."""
        return await self._store.hidden_from(userid)

    async def shown(self, userids: Sequence[int], hidden: Collection[int] = ()) -> list[dict[str, object]]:
        """These users, by id, as others see them; `hidden` are shown as offline."""
        return [
            one.public(one.id not in hidden and self._presence.online(one.id))
            for one in await self._store.users(userids)
        ]

    async def block(self, userid: int, dstid: int) -> None:
        """The user hears no more of `dstid`, who isn't told."""
        if userid == dstid:
            raise Refusal("you can't block yourself")
        await self._store.block(userid, dstid, self._now_ms())
        self._blocked(userid, dstid, True)

    async def unblock(self, userid: int, dstid: int) -> None:
        """All is as before the block."""
        await self._store.unblock(userid, dstid)
        self._blocked(userid, dstid, False)

    def _blocked(self, userid: int, dstid: int, is_blocked: bool) -> None:
        self._hub.blocked(userid, dstid, is_blocked)
        self._routing.other_nodes.blocked(userid, dstid, is_blocked)
        self._tell([userid], "block", userid=dstid)

    async def blocked(self, userid: int) -> list[dict[str, object]]:
        """Whom the user blocks."""
        return [one.public(False) for one in await self._store.blocked(userid)]

    async def remark(self, userid: int, dstid: int, remark: str) -> None:
        """The user's own name for a friend."""
        await self._store.set_remark(userid, dstid, remark)
        self._tell([userid], "friend", userid=dstid)

    async def remarks(self, userid: int) -> dict[int, str]:
        """The user's own names for friends who have one."""
        return await self._store.remarks(userid)

    async def sees_online(self, userid: int, other: int) -> bool:
        """Whether the other is online, as far as the user may know."""
        return self._presence.online(other) and other not in await self._store.hidden_from(userid)

    async def tell_profile(self, userid: int) -> None:
        """The user's profile changed: tell its friends and its own devices."""
        user = self._hub.users.get(userid) or await self._store.circle(userid)
        self._tell([userid, *user.friends], "profile", userid=userid)

    def _tell(self, users: list[int], what: str, **more: object) -> None:
        payload = envelope.changed(what, **more)
        self._routing.to_users(users, payload)
        self._routing.flush()
