"""Does on this node what changed on another one in friendships and memberships."""

from __future__ import annotations

from twim.hub.hub import Hub
from twim.logic.following import Following
from twim.logic.routing import Routing
from twim.logic.silences import Silences
from twim.storage.interface import Circle
from twim.wire import envelope


class RelationChanges:
    """Makes this node know what was changed, without telling the other nodes."""

    def __init__(self, hub: Hub, routing: Routing, following: Following, silences: Silences) -> None:
        self._hub = hub
        self._routing = routing
        self._following = following
        self._silences = silences

    def friends(self, one: int, other: int, are_friends: bool) -> None:
        """Two users are friends from now on, or no longer."""
        if are_friends:
            self._hub.befriended(one, other)
        else:
            self._hub.parted(one, other)

    def member(self, userid: int, group: int, is_member: bool) -> None:
        """The user is a member of the group from now on, or no longer."""
        if is_member:
            self._hub.joined(userid, group)
            self._following.follow(userid, group)
        else:
            self._hub.left(userid, group)
            self._following.unfollow(group)

    def blocked(self, userid: int, dstid: int, is_blocked: bool) -> None:
        """The one blocks the other from now on, or no longer."""
        self._hub.blocked(userid, dstid, is_blocked)

    def group(self, group: int) -> None:
        """The group's rules, or its members' roles or mutes, changed."""
        self._silences.read(group)

    def correct(self, userid: int, stored: Circle) -> None:
        """These are the user's friends and groups in the storage, and what keeps the user from writing to them: make
        good what differs here, and tell the user."""
        friends, groups = stored.friends, stored.groups
        user = self._hub.users.get(userid)
        if user is None:
            return
        for one in friends ^ user.friends:
            self.friends(userid, one, one in friends)
            self._routing.to_user_here(userid, envelope.changed("friend", userid=one))
        for group in groups ^ user.groups:
            self.member(userid, group, group in groups)
            self._routing.to_user_here(userid, envelope.changed("group", dstid=group))
        self._hub.correct(user, stored)
        self._routing.flush()
