"""Knows which users are connected to which other nodes, and tells it to their friends who are connected here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.cluster.interface import NodeInfo
from twim.hub.hub import Hub
from twim.logic.announcing import Announcing
from twim.logic.routing import Routing
from twim.wire import envelope

KNOWN: Final = 2_000_000  # users at other nodes that are known, about 300 bytes each; any more are ignored
GRACE_SECONDS: Final = 4.0  # how long the users of a node that said goodbye may take to connect to another one
FRESH_SECONDS: Final = 2.0  # if the last sign of life of a node that is down is younger, the node has said goodbye


class RemotePresence:
    """The users at other nodes. `is_online` says whether a user is connected anywhere, or was a moment ago."""

    def __init__(
        self,
        hub: Hub,
        routing: Routing,
        announcing: Announcing,
        is_online: Callable[[int], bool],
        clock: IReactorTime,
    ) -> None:
        self._hub = hub
        self._routing = routing
        self.announcing = announcing
        self._is_online = is_online
        self._clock = clock
        self._nodes: defaultdict[int, set[str]] = defaultdict(set)
        self._users: defaultdict[str, set[int]] = defaultdict(set)
        self._count = 0
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
        if self._put_in(node, userid) and not before:
            self._tell(userid, friends, True)

    def went(self, node: str, userid: int, friends: Iterable[int]) -> None:
        """The user's last device left `node`."""
        if node in self._listing:
            self._listing[node].discard(userid)
        if self._take_out(node, userid) and not self._is_online(userid):
            self._tell(userid, friends, False)

    def listed(self, node: str, users: list[int], more: bool) -> None:
        """`users`, together with those of the pieces before, are all users who are at `node`."""
        listing = self._listing.setdefault(node, set())
        if sum(map(len, self._listing.values())) < KNOWN:
            listing.update(users)
        if more:
            return
        del self._listing[node]
        fresh = {one for one in listing if not self._is_online(one)}
        gone = self._users_of(node) - listing
        for one in listing:
            self._put_in(node, one)
        self._tell_friends_of(fresh, True)
        self._out(node, gone)

    def node_up(self, node: str) -> None:
        """The node is there, perhaps again: its users may have stayed. Tell it who is connected here."""
        self._stay(node)
        self.announcing.list_soon()

    def _stay(self, node: str) -> None:
        leaving = self._leaving.pop(node, None)
        if leaving is not None:
            leaving.cancel()

    def node_down(self, info: NodeInfo) -> None:
        """The node is down. Its users are offline unless they are at another node. If it fell silent, that is so at
        once; if it said goodbye, only after a moment, because its users are connecting to other nodes."""
        self._stay(info.node)
        if self._clock.seconds() - info.last_seen < FRESH_SECONDS:
            self._leaving[info.node] = self._clock.callLater(GRACE_SECONDS, self._gone, info.node)
        else:
            self._gone(info.node)

    def stop(self) -> None:
        """Start nothing more: all timers end."""
        for call in self._leaving.values():
            call.cancel()
        self._leaving.clear()

    def _gone(self, node: str) -> None:
        self._leaving.pop(node, None)
        self._listing.pop(node, None)
        self._out(node, self._users_of(node))
        self._routing.flush()

    def _users_of(self, node: str) -> set[int]:
        return set(self._users.get(node, ()))

    def _out(self, node: str, users: Iterable[int]) -> None:
        self._tell_friends_of({one for one in users if self._take_out(node, one) and not self._is_online(one)}, False)

    def _put_in(self, node: str, userid: int) -> bool:
        if userid not in self._users.get(node, ()):
            if self._count >= KNOWN:
                return False
            self._count += 1
            self._users[node].add(userid)
            self._nodes[userid].add(node)
        return True

    def _take_out(self, node: str, userid: int) -> bool:
        nodes = self._nodes.get(userid)
        if nodes is None or node not in nodes:
            return False
        self._count -= 1
        users = self._users[node]
        users.discard(userid)
        if not users:
            del self._users[node]
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
        for user in list(self._hub.users.values()):
            for one in user.audience() & users:
                self._routing.to_user_here(user.id, envelope.presence(one, online))
