"""Publishes on the bus, for the other nodes, what happened on this one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from twisted.internet.defer import Deferred

from twim.cluster.interface import EVERYONE, Bus, Topic
from twim.errors import Refusal
from twim.hub.session import SessionUser
from twim.logic import cluster_events
from twim.logic.cluster_events import PIECE
from twim.logic.following import Following
from twim.logic.ordered_delivery import OrderedDelivery
from twim.logic.remote_presence import RemotePresence
from twim.storage.conversation_list import Row
from twim.storage.interface import Key, Post, key_of
from twim.wire.commands import SINGLE


class Publishing:
    """The other nodes, as the logic sees them (`OtherNodes`), and who hears what the log stored (a `LogListener`)."""

    def __init__(
        self, bus: Bus, following: Following, remote_presence: RemotePresence, delivery: OrderedDelivery
    ) -> None:
        self._bus = bus
        self._following = following
        self._remote_presence = remote_presence
        self._delivery = delivery

    # What the log stored

    def committed(self, posts: Sequence[Post]) -> None:
        """Tell the other nodes, and deliver and answer here in order."""
        new = []
        repeats = []
        by_conversation: dict[Key, list[bytes]] = {}
        for post in posts:
            if not post.is_new:
                repeats.append(post)
                continue
            new.append(post)
            said = post.message
            by_conversation.setdefault(key_of(said.cmd, said.userid, said.dstid), []).append(post.body)
        for (scope, one, other), bodies in by_conversation.items():
            topics = [Topic("user", one), Topic("user", other)] if scope == SINGLE else [Topic("group", one)]
            for event in cluster_events.said(bodies):
                self._bus.publish(topics, cluster_events.encode(event))
        self._delivery.take(new)
        if repeats:
            self._delivery.answer_repeats(repeats)

    def repeat(self, post: Post) -> None:
        """Answer one post that was said before, when this node has delivered its conversation so far."""
        self._delivery.answer_repeats([post])

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """See `Routing.failed`."""
        self._delivery.failed(posts, refused)

    # What is said to users

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """See `OtherNodes`."""
        for start in range(0, len(users), PIECE):
            piece = list(users[start : start + PIECE])
            self._bus.publish(
                [Topic("user", one) for one in piece], cluster_events.encode(cluster_events.ToUsers(piece, payload))
            )

    def to_group(self, group: int, payload: bytes) -> None:
        """See `OtherNodes`."""
        self._bus.publish([Topic("group", group)], cluster_events.encode(cluster_events.ToGroup(group, payload)))

    # What changed: told to every node, since any of them may remember the friends and groups of a user who left

    def befriended(self, one: int, other: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Befriended(one, other, True)))

    def parted(self, one: int, other: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Befriended(one, other, False)))

    def joined(self, userid: int, group: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Membership(userid, group, True)))
        self._following.follow(userid, group)

    def left(self, userid: int, group: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Membership(userid, group, False)))
        self._following.unfollow(group)

    def blocked(self, userid: int, dstid: int, is_blocked: bool) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Blocked(userid, dstid, is_blocked)))

    def group_changed(self, group: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.GroupChanged(group)))

    def settings_changed(self) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.SettingsChanged()))

    def stored(self) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Stored()))

    def ended(self, userid: int, deviceid: int) -> None:
        """See `OtherNodes`."""
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.Ended(userid, deviceid)))

    # Who is online

    def online(self, userid: int) -> bool:
        """See `OtherNodes`."""
        return self._remote_presence.online(userid)

    def came(self, user: SessionUser) -> None:
        """See `OtherNodes`. What arrives while the positions of the user's conversations are read waits."""
        self._tell_presence(user.id, user.audience(), True)
        self._following.connected(user)

    def gone(self, userid: int, friends: set[int]) -> None:
        """See `OtherNodes`."""
        self._tell_presence(userid, friends, False)

    def _tell_presence(self, userid: int, friends: set[int], is_here: bool) -> None:
        self._bus.publish(
            [EVERYONE], cluster_events.encode(cluster_events.Came(userid, list(islice(friends, PIECE)), is_here))
        )

    def left_here(self, user: SessionUser) -> None:
        """See `OtherNodes`."""
        self._following.disconnected(user)

    def settled(self, user: SessionUser) -> Deferred[None]:
        """See `OtherNodes`."""
        return self._following.settled(user)

    def undelivered(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        """See `OtherNodes`."""
        return self._following.undelivered(userid, rows)
