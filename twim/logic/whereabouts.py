"""Who is at which other node, and what that means for friends who are here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.access.roster import Roster
from twim.cluster.interface import NodeInfo
from twim.logic.routing import Routing
from twim.wire import envelope

GRACE_SECONDS: Final = 4.0  # how long the users of a node that said goodbye may take to be somewhere else
FRESH_SECONDS: Final = 2.0  # a node whose last sign of life is younger said goodbye


class Whereabouts:
    """Users at other nodes. `is_online` says whether a user is anywhere, or was a moment ago."""

    def __init__(self, roster: Roster, routing: Routing, is_online: Callable[[int], bool], clock: IReactorTime) -> None:
        self._roster = roster
        self._routing = routing
        self._is_online = is_online
        self._clock = clock
        self._nodes: defaultdict[int, set[str]] = defaultdict(set)
        self._listing: dict[str, set[int]] = {}
        self._leaving: dict[str, IDelayedCall] = {}

    def online(self, userid: int) -> bool:
        """Whether the user is at another node."""
        return userid in self._nodes

    def came(self, node: str, userid: int, friends: Iterable[int]) -> None:
        """The user's first device came to `node`."""
        if node in self._listing:
            self._listing[node].add(userid)
        before = self._is_online(userid)
        self._nodes[userid].add(node)
        if not before:
            self._tell(userid, friends, True)

    def went(self, node: str, userid: int, friends: Iterable[int]) -> None:
        """The user's last device left `node`."""
        if node in self._listing:
            self._listing[node].discard(userid)
        if self._take_out(node, userid) and not self._is_online(userid):
            self._tell(userid, friends, False)

    def listed(self, node: str, users: list[int], more: bool) -> None:
        """`users`, and those of the pieces before, are all who are at `node`."""
        listing = self._listing.setdefault(node, set())
        listing.update(users)
        if more:
            return
        del self._listing[node]
        fresh = {one for one in listing if not self._is_online(one)}
        gone = self._users_of(node) - listing
        for one in listing:
            self._nodes[one].add(node)
        self._tell_friends_of(fresh, True)
        self._out(node, gone)

    def node_down(self, info: NodeInfo) -> None:
        """The node is no more. Its users are offline, unless they are somewhere else: at once when it fell silent, and
        after a moment when it said goodbye, because they are on their way to another."""
        if self._clock.seconds() - info.last_seen < FRESH_SECONDS:
            self._leaving[info.node] = self._clock.callLater(GRACE_SECONDS, self._gone, info.node)
        else:
            self._gone(info.node)

    def stop(self) -> None:
        """Forget who is leaving."""
        for call in self._leaving.values():
            call.cancel()
        self._leaving.clear()

    def _gone(self, node: str) -> None:
        self._leaving.pop(node, None)
        self._listing.pop(node, None)
        self._out(node, self._users_of(node))
        self._routing.flush()

    def _users_of(self, node: str) -> set[int]:
        return {userid for userid, nodes in self._nodes.items() if node in nodes}

    def _out(self, node: str, users: Iterable[int]) -> None:
        self._tell_friends_of({one for one in users if self._take_out(node, one) and not self._is_online(one)}, False)

    def _take_out(self, node: str, userid: int) -> bool:
        nodes = self._nodes.get(userid)
        if nodes is None or node not in nodes:
            return False
        nodes.discard(node)
        if not nodes:
            del self._nodes[userid]
        return True

    def _tell(self, userid: int, friends: Iterable[int], online: bool) -> None:
        payload = envelope.presence(userid, online)
        for friend in friends:
            self._routing.to_user_here(friend, payload)

    def _tell_friends_of(self, users: set[int], online: bool) -> None:
        if not users:
            return
        for present in list(self._roster.users.values()):
            for one in present.friends & users:
                self._routing.to_user_here(present.id, envelope.presence(one, online))
