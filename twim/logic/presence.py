"""Which users are online, told to their friends.

That a user has come is told at once. That a user has gone is told only some seconds after the last device left, since a
phone that changes its network comes back at once. A node knows its own users; what the other nodes tell of theirs comes
over the bus (`OtherNodes.online`).
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.hub.hub import Hub
from twim.hub.session import SessionUser
from twim.logic.routing import Routing
from twim.wire import envelope

GRACE_SECONDS: Final = 5.0


class Presence:
    """Tells friends when a user comes online or goes offline."""

    def __init__(self, hub: Hub, routing: Routing, clock: IReactorTime) -> None:
        self._hub = hub
        self._routing = routing
        self._clock = clock
        self._leaving: dict[int, tuple[IDelayedCall, SessionUser]] = {}

    def online(self, userid: int) -> bool:
        """Whether the user has a device anywhere, or had one a moment ago."""
        return userid in self._hub.users or userid in self._leaving or self._routing.other_nodes.online(userid)

    def came(self, user: SessionUser) -> None:
        """The user's first device is here."""
        self._routing.other_nodes.came(user)
        leaving = self._leaving.pop(user.id, None)
        if leaving is not None:
            leaving[0].cancel()
        elif not self._routing.other_nodes.online(user.id):
            self._tell(user.id, user.audience(), True)

    def went(self, user: SessionUser) -> None:
        """The user's last device is gone."""
        self._routing.other_nodes.left_here(user)
        call = self._clock.callLater(GRACE_SECONDS, self._gone, user.id)
        self._leaving[user.id] = (call, user)

    def _gone(self, userid: int) -> None:
        friends = self._leaving.pop(userid)[1].audience()
        self._routing.other_nodes.gone(userid, friends)
        if not self._routing.other_nodes.online(userid):
            self._tell(userid, friends, False)

    def _tell(self, userid: int, friends: set[int], online: bool) -> None:
        # Only friends who are connected here are told: every node does the same for its own users.
        payload = envelope.presence(userid, online)
        for friend in friends:
            self._routing.to_user_here(friend, payload)
        self._routing.flush()

    def stop(self) -> None:
        """Start nothing more: all timers end."""
        for call, _ in self._leaving.values():
            call.cancel()
        self._leaving.clear()
