"""Who is connected to this node: sessions by user, and users by group.

The original Go server names two schemes for groups: every connection keeps the set of its groups and a message walks
through all connections, or every group keeps its users. The second is used: a message touches exactly those it is for,
and there is one thread, so the locks that made that server's author hesitate don't exist (`docs/decisions/`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from twim.hub.session import Session
from twim.limits.buckets import UNLIMITED, Allowances
from twim.storage.interface import Circle, Conversation

REMEMBERED: Final = 20_000  # users who have left, and whose friends and groups are remembered


class OnlineUser:
    """A user who is connected here: devices, and whom the user may write to."""

    __slots__ = (
        "_allowances",
        "allowance",
        "circle",
        "friends",
        "group_conversations",
        "groups",
        "id",
        "sessions",
        "single_conversations",
    )

    def __init__(self, userid: int, circle: Circle, allowances: Allowances = UNLIMITED) -> None:
        self.id = userid
        self._allowances = allowances
        # Most users who connect only read: their own is made when they send something.
        self.allowance = allowances.not_begun
        self.circle = circle
        """Whom the user may write to."""
        # The same sets, since every first message to somebody looks into them.
        self.friends = circle.friends
        self.groups = circle.groups
        self.sessions: list[Session] = []
        # Two, since a key of scope and dstid would be made for every message.
        self.single_conversations: dict[int, Conversation] = {}
        self.group_conversations: dict[int, Conversation] = {}
        """Conversations in which the user has posted and may post now, by `dstid`: one look-up gives the policy's
        answer and the conversation. Never more than `friends` and `groups`, whose changes take entries out, as do
        blocks and mutes."""

    def refill(self) -> None:
        """`allowance.left` has fallen below zero: let the message pass, or raise `TooMany`."""
        if self.allowance is self._allowances.not_begun:
            self.allowance = self._allowances.of(self.id)
            self.allowance.left -= 1
            if self.allowance.left >= 0:
                return
        self.allowance.refill()

    def audience(self) -> set[int]:
        """The friends who are told whether the user is here."""
        circle = self.circle
        if not circle.blocks and not circle.blocked_by:
            return self.friends
        return self.friends - circle.blocks - circle.blocked_by


class Hub:
    """Everybody who is connected to this node. Reactor thread only."""

    def __init__(self, allowances: Allowances = UNLIMITED) -> None:
        self._allowances = allowances
        self.users: dict[int, OnlineUser] = {}
        self.members: dict[int, dict[int, OnlineUser]] = {}
        """The members of each group who are connected here, by the group's id. Groups without such members are not in
        it."""
        self.remembered: OrderedDict[int, Circle] = OrderedDict()
        """The friends and groups of users who have left. So when many users reconnect at once, nothing has to be read
        from the storage. Every change of relations is applied here, too."""
        self.connections = 0
        self.changes = 0
        """Counts changes of relations, so that whoever is being admitted can tell that something changed meanwhile."""

    def enter(self, userid: int, circle: Circle) -> OnlineUser:
        """The user's entry, made if this is the first device. An entry that is there is newer than the arguments."""
        user = self.users.get(userid)
        if user is None:
            self.users[userid] = user = OnlineUser(userid, circle, self._allowances)
            for group in circle.groups:
                self.members.setdefault(group, {})[userid] = user
        return user

    def add(self, user: OnlineUser, session: Session) -> None:
        """A device of the user is connected."""
        user.sessions.append(session)
        self.connections += 1

    def remove(self, session: Session) -> bool:
        """A device is gone. True when it was its user's last one here."""
        user = self.users.get(session.user.id)
        if user is None or session not in user.sessions:
            return False
        user.sessions.remove(session)
        self.connections -= 1
        if user.sessions:
            return False
        self.forget(user)
        return True

    def forget(self, user: OnlineUser) -> None:
        """Drop the entry of a user without devices."""
        if self.users.get(user.id) is user and not user.sessions:
            del self.users[user.id]
            self.remember(user.id, user.circle)
            for group in user.groups:
                self._leave_group(user.id, group)

    def remember(self, userid: int, circle: Circle) -> None:
        """Keep the friends and groups of a user who isn't connected here."""
        self.remembered[userid] = circle
        if len(self.remembered) > REMEMBERED:
            self.remembered.popitem(last=False)

    def sessions_of(self, userid: int) -> Iterable[Session]:
        """The user's devices here."""
        user = self.users.get(userid)
        return user.sessions if user is not None else ()

    def sessions_in(self, group: int) -> Iterator[Session]:
        """The devices here of the group's members."""
        for user in self.members.get(group, {}).values():
            yield from user.sessions

    def befriended(self, one: int, other: int) -> None:
        """The two are friends from now on."""
        self.changes += 1
        for a, b in ((one, other), (other, one)):
            self._circle_of(a).friends.add(b)

    def parted(self, one: int, other: int) -> None:
        """The two are friends no longer."""
        self.changes += 1
        for a, b in ((one, other), (other, one)):
            self._circle_of(a).friends.discard(b)
            if a in self.users:
                self.users[a].single_conversations.pop(b, None)

    def joined(self, userid: int, group: int) -> None:
        """The user is a member from now on."""
        self.changes += 1
        self._circle_of(userid).groups.add(group)
        if userid in self.users:
            self.members.setdefault(group, {})[userid] = self.users[userid]

    def left(self, userid: int, group: int) -> None:
        """The user is a member no longer."""
        self.changes += 1
        self._circle_of(userid).groups.discard(group)
        if userid in self.users:
            self.users[userid].group_conversations.pop(group, None)
        self._circle_of(userid).silenced.pop(group, None)
        self._leave_group(userid, group)

    def blocked(self, userid: int, dstid: int, is_blocked: bool) -> None:
        """`userid` blocks `dstid` from now on, or no longer."""
        self.changes += 1
        circle, other = self._circle_of(userid), self._circle_of(dstid)
        if is_blocked:
            circle.blocks |= {dstid}
            other.blocked_by |= {userid}
            if dstid in self.users:
                self.users[dstid].single_conversations.pop(userid, None)
        else:
            circle.blocks -= {dstid}
            other.blocked_by -= {userid}

    def silenced(self, group: int, until: dict[int, int]) -> None:
        """These are all of the group's members here who may not post in it, until when (ms). Of who isn't connected it
        is read again."""
        self.changes += 1
        for userid, user in self.members.get(group, {}).items():
            if userid in until:
                user.circle.silenced[group] = until[userid]
                user.group_conversations.pop(group, None)
            else:
                user.circle.silenced.pop(group, None)
        for userid in [one for one, circle in self.remembered.items() if group in circle.groups]:
            del self.remembered[userid]

    def correct(self, user: OnlineUser, stored: Circle) -> None:
        """These blocks and mutes are the user's."""
        circle = user.circle
        circle.blocks, circle.blocked_by, circle.silenced = stored.blocks, stored.blocked_by, stored.silenced
        for one in circle.blocked_by:
            user.single_conversations.pop(one, None)
        for group in circle.silenced:
            user.group_conversations.pop(group, None)

    def _circle_of(self, userid: int) -> Circle:
        """What is known of the user, to be changed; of who isn't known it is changed in vain."""
        user = self.users.get(userid)
        if user is not None:
            return user.circle
        return self.remembered.get(userid) or Circle(set(), set())

    def _leave_group(self, userid: int, group: int) -> None:
        members = self.members.get(group)
        if members is not None:
            members.pop(userid, None)
            if not members:
                del self.members[group]
