"""Users who have just connected, and groups that have just been joined, while their conversations' positions are
read."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.hub.hub import Hub
from twim.hub.order import Order
from twim.hub.session import SessionUser
from twim.storage.interface import Key
from twim.wire.commands import SINGLE


class LoadingUser:
    """A user whose first device has connected here. The positions of its conversations aren't known yet."""

    def __init__(self, user: SessionUser) -> None:
        self.user = user
        self.waiting: list[Deferred[None]] = []

    def settle(self, result: Failure | None = None) -> None:
        """Call back everyone who waits for the positions, with the failure if they can't be read."""
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.callback(result)


class Loading:
    """Whose positions are being read now."""

    def __init__(self, hub: Hub, order: Order) -> None:
        self._hub = hub
        self._order = order
        self.users: dict[int, LoadingUser] = {}
        """By the user's id."""
        self.groups: set[Key] = set()
        """The groups' conversations."""

    def awaits(self, key: Key) -> bool:
        """Whether the position of this conversation is unknown and will be known soon."""
        if self._order.known(key) or not (self.users or self.groups):
            return False
        if key[0] == SINGLE:
            return key[1] in self.users or key[2] in self.users
        return key in self.groups or any(one in self.users for one in self._hub.members.get(key[1], ()))

    def was_empty(self, key: Key, loaded_userid: int) -> bool:
        """Whether a conversation of unknown position had no message when somebody else who takes part in it, and who
        is connected here, was loaded."""
        participants = key[1:] if key[0] == SINGLE else self._hub.members.get(key[1], ())
        return key not in self.groups and any(
            one != loaded_userid and one in self._hub.users and one not in self.users for one in participants
        )
