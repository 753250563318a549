"""Who is online, told to friends.

Coming is told at once, going only some seconds after the last device left: a phone that changes its network is not
gone. A node knows its own users; what others say of theirs comes over the bus (`Elsewhere.online`).
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.access.roster import Present, Roster
from twim.logic.routing import Routing
from twim.wire import envelope

GRACE_SECONDS: Final = 5.0


class Presence:
    """Tells friends who comes and goes."""

    def __init__(self, roster: Roster, routing: Routing, clock: IReactorTime) -> None:
        self._roster = roster
        self._routing = routing
        self._clock = clock
        self._leaving: dict[int, tuple[IDelayedCall, set[int]]] = {}

    def online(self, userid: int) -> bool:
        """Whether the user has a device anywhere, or had one a moment ago."""
        return userid in self._roster.users or userid in self._leaving or self._routing.elsewhere.online(userid)

    def came(self, user: Present) -> None:
        """The user's first device is here."""
        self._routing.elsewhere.came(user)
        leaving = self._leaving.pop(user.id, None)
        if leaving is not None:
            leaving[0].cancel()
        elif not self._routing.elsewhere.online(user.id):
            self._tell(user.id, user.friends, True)

    def went(self, user: Present) -> None:
        """The user's last device is gone."""
        self._routing.elsewhere.left_here(user)
        call = self._clock.callLater(GRACE_SECONDS, self._gone, user.id)
        self._leaving[user.id] = (call, user.friends)

    def _gone(self, userid: int) -> None:
        _, friends = self._leaving.pop(userid)
        self._routing.elsewhere.gone(userid, friends)
        if not self._routing.elsewhere.online(userid):
            self._tell(userid, friends, False)

    def _tell(self, userid: int, friends: set[int], online: bool) -> None:
        # Only those who are here: every node does the same for its own users.
        payload = envelope.presence(userid, online)
        for friend in friends:
            self._routing.to_user_here(friend, payload)
        self._routing.flush()

    def stop(self) -> None:
        """Forget who is leaving."""
        for call, _ in self._leaving.values():
            call.cancel()
        self._leaving.clear()
