"""Between the nodes: what happened here is published on the bus, what happened there is done here.

The bus is a hint, the database the truth. A message travels whole, so the usual case reads nothing; what the bus lost
(`missed`), or what doesn't come although a later one did (`Order.gaps`), is read from the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twim.access.roster import Present, Roster
from twim.cluster.interface import EVERYONE, Bus, NodeInfo, Topic
from twim.errors import Refusal
from twim.logic.order import Order
from twim.logic.routing import Routing
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, Key, Post, key_of
from twim.storage.relations import Relations
from twim.wire import envelope
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import decode_shown

GAP_SECONDS: Final = 0.1  # how long a missing message may take before it is read from the log
ONLINE_PIECE: Final = 5_000  # users in one event that tells a new node who is here
CIRCLES_PIECE: Final = 500  # users whose circles are read again in one hop after a loss


class Said(msgspec.Struct, tag=1, array_like=True):
    """A stored message."""

    body: bytes


class ToUsers(msgspec.Struct, tag=2, array_like=True):
    """Say something to users."""

    users: list[int]
    payload: bytes


class ToGroup(msgspec.Struct, tag=3, array_like=True):
    """Say something to a group."""

    group: int
    payload: bytes


class Befriended(msgspec.Struct, tag=4, array_like=True):
    """Two are friends, or no longer."""

    one: int
    other: int
    are: bool


class Membership(msgspec.Struct, tag=5, array_like=True):
    """Somebody is a member, or no longer."""

    userid: int
    group: int
    is_member: bool


class Ended(msgspec.Struct, tag=6, array_like=True):
    """A device's token is worth nothing."""

    userid: int
    deviceid: int


class Came(msgspec.Struct, tag=7, array_like=True):
    """A user's first device came, or the last one left."""

    userid: int
    friends: list[int]
    is_here: bool


class Online(msgspec.Struct, tag=8, array_like=True):
    """Who is here, for a node that is new."""

    users: list[int]


Event = Said | ToUsers | ToGroup | Befriended | Membership | Ended | Came | Online
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Event).decode


class Relay:
    """A node's part in its cluster: an `Elsewhere` to the logic, a listener to the bus and to the log."""

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        roster: Roster,
        routing: Routing,
        conversations: Conversations,
        relations: Relations,
        cut: Callable[[int, int], None],
        clock: IReactorTime,
    ) -> None:
        self._bus = bus
        self._roster = roster
        self._routing = routing
        self._conversations = conversations
        self._relations = relations
        self._cut = cut
        self._clock = clock
        self._order = Order()
        self._arriving: set[int] = set()
        self._there: defaultdict[int, set[str]] = defaultdict(set)
        self._gap_timer: IDelayedCall | None = None
        self._reading = False
        self._read_all = False
        self.gaps_read = 0

    # The log: what was stored here

    def committed(self, posts: Sequence[Post]) -> None:
        """Answer, tell the other nodes, and deliver in order."""
        fresh = self._routing.answer(posts)
        for post in fresh:
            said = post.message
            here = (said.userid, said.dstid)
            topics = [Topic("user", one) for one in here] if said.cmd == SINGLE else [Topic("group", said.dstid)]
            self._bus.publish(topics, _encode(Said(post.body)))
        self._take(fresh)

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """See `Routing.failed`."""
        self._routing.failed(posts, refused)

    def _take(self, posts: Iterable[Post]) -> None:
        ready: list[Post] = []
        for post in posts:
            said = post.message
            if self._concerns(post):
                key = key_of(said.cmd, said.userid, said.dstid)
                ready += self._order.offer(key, post, wait=self._awaited(key))
        self._routing.deliver(ready)
        if self._order.dropped:
            self._order.dropped, self._read_all = False, True
        if self._gap_timer is None and (self._read_all or self._order.gaps()):
            self._gap_timer = self._clock.callLater(GAP_SECONDS, self._gap_due)

    def _concerns(self, post: Post) -> bool:
        said = post.message
        if said.cmd == GROUP:
            return said.dstid in self._roster.rooms
        return said.dstid in self._roster.users or said.userid in self._roster.users

    def _awaited(self, key: Key) -> bool:
        if not self._arriving or self._order.known(key):
            return False
        if key[0] == SINGLE:
            return key[1] in self._arriving or key[2] in self._arriving
        return any(one in self._arriving for one in self._roster.rooms.get(key[1], ()))

    # Who is here

    def came(self, user: Present) -> None:
        """See `Elsewhere`. What the user's conversations have come to is read now; what arrives meanwhile waits."""
        self._bus.publish([EVERYONE], _encode(Came(user.id, list(user.friends), True)))
        self._arriving.add(user.id)
        arriving = Deferred.fromCoroutine(self._arrive(user))
        arriving.addErrback(lambda failure: self.log.failure("where a user's conversations stand", failure))

    async def _arrive(self, user: Present) -> None:
        ready: list[Post] = []
        try:
            for topic in [Topic("user", user.id), *(Topic("group", one) for one in user.groups)]:
                await self._bus.subscribe(topic)
            for row in await self._conversations.rows(user.id):
                ready += self._order.begin(key_of(row.scope, user.id, row.dstid), row.seq)
        finally:
            self._arriving.discard(user.id)
        # What waits still is of conversations whose first message came meanwhile.
        for key in self._order.unbegun():
            if not self._awaited(key):
                ready += self._order.begin(key, 0)
        self._routing.deliver(ready)
        if self._order.gaps():
            self._gap_due()

    def left_here(self, user: Present) -> None:
        """See `Elsewhere`."""
        users, rooms = self._roster.users, self._roster.rooms
        self._bus.unsubscribe(Topic("user", user.id))
        self._order.forget(key_of(SINGLE, user.id, one) for one in (*user.friends, user.id) if one not in users)
        for group in user.groups:
            if group not in rooms:
                self._bus.unsubscribe(Topic("group", group))
                self._order.forget([(GROUP, group, 0)])

    def gone(self, userid: int, friends: set[int]) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], _encode(Came(userid, list(friends), False)))

    def online(self, userid: int) -> bool:
        """See `Elsewhere`."""
        return userid in self._there

    # What is told

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """See `Elsewhere`."""
        self._bus.publish([Topic("user", one) for one in users], _encode(ToUsers(list(users), payload)))

    def to_group(self, group: int, payload: bytes) -> None:
        """See `Elsewhere`."""
        self._bus.publish([Topic("group", group)], _encode(ToGroup(group, payload)))

    def befriended(self, one: int, other: int) -> None:
        """See `Elsewhere`. To everyone, since any node may keep the circle of a user who left."""
        self._bus.publish([EVERYONE], _encode(Befriended(one, other, True)))

    def parted(self, one: int, other: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], _encode(Befriended(one, other, False)))

    def joined(self, userid: int, group: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], _encode(Membership(userid, group, True)))
        self._follow(userid, group)

    def left(self, userid: int, group: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], _encode(Membership(userid, group, False)))
        self._unfollow(group)

    def ended(self, userid: int, deviceid: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], _encode(Ended(userid, deviceid)))

    def _follow(self, userid: int, group: int) -> None:
        if userid in self._roster.users:
            self._bus.subscribe(Topic("group", group))

    def _unfollow(self, group: int) -> None:
        if group not in self._roster.rooms:
            self._bus.unsubscribe(Topic("group", group))
            self._order.forget([(GROUP, group, 0)])

    # The bus: what happened there

    def heard(self, node: str, event: bytes) -> None:
        """An event of another node."""
        match _decode(event):
            case Said(body):
                said = decode_shown(body)
                post = Post(None, said, Conversation(0, said.cmd, 0, 0, 0))
                post.body = body
                self._take([post])
            case ToUsers(users, payload):
                for one in users:
                    self._routing.to_user_here(one, payload)
            case ToGroup(group, payload):
                self._routing.to_group_here(group, payload)
            case Befriended(one, other, are):
                (self._roster.befriended if are else self._roster.parted)(one, other)
            case Membership(userid, group, True):
                self._roster.joined(userid, group)
                self._follow(userid, group)
            case Membership(userid, group, False):
                self._roster.left(userid, group)
                self._unfollow(group)
            case Ended(userid, deviceid):
                self._cut(userid, deviceid)
            case Came(userid, friends, is_here):
                self._presence(node, userid, friends, is_here)
            case Online(users):
                fresh = {one for one in users if not self._is_online(one)}
                for one in users:
                    self._there[one].add(node)
                self._tell_whose_friends(fresh, True)
        self._routing.flush()

    def _is_online(self, userid: int) -> bool:
        return userid in self._roster.users or userid in self._there

    def _presence(self, node: str, userid: int, friends: list[int], is_here: bool) -> None:
        before = self._is_online(userid)
        if is_here:
            self._there[userid].add(node)
        elif userid in self._there:
            self._there[userid].discard(node)
            if not self._there[userid]:
                del self._there[userid]
        if before != self._is_online(userid):
            payload = envelope.presence(userid, is_here)
            for friend in friends:
                self._routing.to_user_here(friend, payload)

    def _tell_whose_friends(self, users: set[int], online: bool) -> None:
        for present in list(self._roster.users.values()):
            for one in present.friends & users:
                self._routing.to_user_here(present.id, envelope.presence(one, online))

    def node_up(self, info: NodeInfo) -> None:
        """Tell a new node who is here."""
        self.log.info("node {node} at {address} is up", node=info.node, address=info.address)
        here = list(self._roster.users)
        for start in range(0, len(here), ONLINE_PIECE):
            self._bus.publish([EVERYONE], _encode(Online(here[start : start + ONLINE_PIECE])))

    def node_down(self, info: NodeInfo) -> None:
        """The users of a node that is no more are offline, unless they are somewhere else too."""
        self.log.info("node {node} at {address} is down", node=info.node, address=info.address)
        gone = set()
        for userid in [userid for userid, nodes in self._there.items() if info.node in nodes]:
            self._there[userid].discard(info.node)
            if not self._there[userid]:
                del self._there[userid]
                if userid not in self._roster.users:
                    gone.add(userid)
        self._tell_whose_friends(gone, False)
        self._routing.flush()

    def missed(self, node: str | None) -> None:
        """Something was lost for good: messages and relations are read again."""
        self.log.info("events of {node} were lost: reading the log", node=node or "the bus")
        self._roster.circles.clear()
        self._roster.changes += 1
        self._read_all = True
        self._gap_due()

    # The log: what the bus didn't bring

    def _gap_due(self) -> None:
        if self._gap_timer is not None:
            if self._gap_timer.active():
                self._gap_timer.cancel()
            self._gap_timer = None
        if self._reading:
            return
        self._reading = True
        reading = Deferred.fromCoroutine(self._read_gaps())
        reading.addErrback(lambda failure: self.log.warn("the log can't be read now: {why}", why=failure.value))
        reading.addBoth(self._gaps_read)

    def _gaps_read(self, _: object) -> None:
        self._reading = False
        if self._read_all or self._order.gaps():
            self._gap_timer = self._clock.callLater(GAP_SECONDS, self._gap_due)

    async def _read_gaps(self) -> None:
        if self._read_all:
            await self._read_circles()
            places = self._order.places()
            heads = await self._conversations.heads(list(places))
            wanted = [(key, places[key], head) for key, head in heads.items() if head > places[key]]
            self._read_all = False
        else:
            wanted = self._order.gaps()
        for key, after, up_to in wanted:
            while after < up_to:
                bodies = await self._conversations.between(key, after, up_to)
                if not bodies:
                    break
                self.gaps_read += len(bodies)
                after = self._take_bodies(bodies)

    def _take_bodies(self, bodies: list[bytes]) -> int:
        posts = []
        for body in bodies:
            said = decode_shown(body)
            post = Post(None, said, Conversation(0, said.cmd, 0, 0, 0))
            post.body = body
            posts.append(post)
        self._take(posts)
        return posts[-1].message.seq

    async def _read_circles(self) -> None:
        here = list(self._roster.users)
        for start in range(0, len(here), CIRCLES_PIECE):
            for userid, circle in (await self._relations.circles(here[start : start + CIRCLES_PIECE])).items():
                self._correct(userid, circle.friends, circle.groups)

    def _correct(self, userid: int, friends: set[int], groups: set[int]) -> None:
        present = self._roster.users.get(userid)
        if present is None:
            return
        for one in friends - present.friends:
            self._roster.befriended(userid, one)
        for one in present.friends - friends:
            self._roster.parted(userid, one)
        for group in groups - present.groups:
            self._roster.joined(userid, group)
            self._follow(userid, group)
        for group in present.groups - groups:
            self._roster.left(userid, group)
            self._unfollow(group)
