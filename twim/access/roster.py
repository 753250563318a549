"""Who is here: sessions by user, and users by group.

The seed names two schemes for groups: every connection keeps the set of its groups and a message walks all
connections, or every group keeps its users. The second is used: a message touches exactly those it is for, and
there is one thread, so the locks that made the seed hesitate don't exist (`docs/decisions/`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from twim.access.session import Session
from twim.storage.interface import Conversation

CIRCLES: Final = 20_000  # users who left and whose circles are kept


class Present:
    """A user who is connected here: devices, and whom the user may write to."""

    __slots__ = ("friends", "group_places", "groups", "id", "sessions", "single_places")

    def __init__(self, userid: int, friends: set[int], groups: set[int]) -> None:
        self.id = userid
        self.friends = friends
        self.groups = groups
        self.sessions: list[Session] = []
        # Two, since a key of scope and dstid would be made for every message.
        self.single_places: dict[int, Conversation] = {}
        self.group_places: dict[int, Conversation] = {}
        """Where the user has posted and may post now, by `dstid`: the policy's answer and the conversation in one
        look-up. Never more than `friends` and `groups`, whose changes take entries out."""


class Roster:
    """Everybody who is connected to this node. Reactor thread only."""

    def __init__(self) -> None:
        self.users: dict[int, Present] = {}
        self.rooms: dict[int, dict[int, Present]] = {}
        self.circles: OrderedDict[int, tuple[set[int], set[int]]] = OrderedDict()
        """Friends and groups of users who left, for when they are back: a storm of reconnects asks nothing of the
        storage. Every change changes them too."""
        self.connections = 0
        self.changes = 0
        """Counts changes of relations, so that who is just arriving can tell that something changed meanwhile."""

    def enter(self, userid: int, friends: set[int], groups: set[int]) -> Present:
        """The user's entry, made if this is the first device. An entry that is there is newer than the arguments."""
        present = self.users.get(userid)
        if present is None:
            self.users[userid] = present = Present(userid, friends, groups)
            for group in groups:
                self.rooms.setdefault(group, {})[userid] = present
        return present

    def add(self, present: Present, session: Session) -> None:
        """A device of the user is connected."""
        present.sessions.append(session)
        self.connections += 1

    def remove(self, present: Present, session: Session) -> bool:
        """A device is gone. True when it was the user's last one here."""
        if session not in present.sessions:
            return False
        present.sessions.remove(session)
        self.connections -= 1
        if present.sessions:
            return False
        self.forget(present)
        return True

    def forget(self, present: Present) -> None:
        """Drop the entry of a user without devices."""
        if self.users.get(present.id) is present and not present.sessions:
            del self.users[present.id]
            self.remember(present.id, present.friends, present.groups)
            for group in present.groups:
                self._leave_room(present.id, group)

    def remember(self, userid: int, friends: set[int], groups: set[int]) -> None:
        """Keep the circle of a user who isn't here."""
        self.circles[userid] = (friends, groups)
        if len(self.circles) > CIRCLES:
            self.circles.popitem(last=False)

    def sessions_of(self, userid: int) -> Iterable[Session]:
        """The user's devices here."""
        present = self.users.get(userid)
        return present.sessions if present is not None else ()

    def sessions_in(self, group: int) -> Iterator[Session]:
        """The devices here of the group's members."""
        for present in self.rooms.get(group, {}).values():
            yield from present.sessions

    def befriended(self, one: int, other: int) -> None:
        """The two are friends from now on."""
        self.changes += 1
        for a, b in ((one, other), (other, one)):
            self._friends_of(a).add(b)

    def parted(self, one: int, other: int) -> None:
        """The two are friends no longer."""
        self.changes += 1
        for a, b in ((one, other), (other, one)):
            self._friends_of(a).discard(b)
            if a in self.users:
                self.users[a].single_places.pop(b, None)

    def joined(self, userid: int, group: int) -> None:
        """The user is a member from now on."""
        self.changes += 1
        self._groups_of(userid).add(group)
        if userid in self.users:
            self.rooms.setdefault(group, {})[userid] = self.users[userid]

    def left(self, userid: int, group: int) -> None:
        """The user is a member no longer."""
        self.changes += 1
        self._groups_of(userid).discard(group)
        if userid in self.users:
            self.users[userid].group_places.pop(group, None)
        self._leave_room(userid, group)

    def _friends_of(self, userid: int) -> set[int]:
        present = self.users.get(userid)
        if present is not None:
            return present.friends
        return self.circles[userid][0] if userid in self.circles else set()

    def _groups_of(self, userid: int) -> set[int]:
        present = self.users.get(userid)
        if present is not None:
            return present.groups
        return self.circles[userid][1] if userid in self.circles else set()

    def _leave_room(self, userid: int, group: int) -> None:
        room = self.rooms.get(group)
        if room is not None:
            room.pop(userid, None)
            if not room:
                del self.rooms[group]
