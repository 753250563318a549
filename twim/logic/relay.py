"""Between the nodes: what happened here is published on the bus, what happened there is done here.

The bus is a hint, the database the truth. A message travels whole, so the usual case reads nothing. What doesn't come
although a later one did is read from the log, and all that may have changed is read when the bus lost something
(`missed`) or a node ended, perhaps between its commit and its word (`Mending`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.access.roster import Present, Roster
from twim.cluster.interface import EVERYONE, Bus, NodeInfo, Topic
from twim.errors import Refusal
from twim.logic import news
from twim.logic.mending import RETRY_SECONDS, Mending, stored_post
from twim.logic.order import Order, Span
from twim.logic.presence import Presence
from twim.logic.routing import Routing
from twim.logic.whereabouts import Whereabouts
from twim.storage.conversations import Conversations, Row
from twim.storage.interface import Key, Post, key_of
from twim.storage.relations import Relations
from twim.wire import envelope
from twim.wire.commands import GROUP, SINGLE

PIECE: Final = 5_000  # users in one event, of at most 9 bytes each
CIRCLES_PIECE: Final = 500  # users that are read again in one hop after a loss
LIST_SECONDS: Final = 0.5  # who is here is listed at most so often, however many ask
DESCRIBE_SECONDS: Final = 1.0  # how often the other nodes are told how many are here


class Arrival:
    """A user whose first device is here, but not yet where its conversations stand."""

    def __init__(self, user: Present) -> None:
        self.user = user
        self.waiting: list[Deferred[None]] = []

    def settle(self, result: Failure | None = None) -> None:
        """Let those go on who wait."""
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            one.callback(result)


class Relay:
    """A node's part in its cluster: an `Elsewhere` to the logic, a listener to the bus and to the log.

    `cut` ends a device's connections here, `recheck` those of all devices that are no more; `settled` is the log's.
    """

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        roster: Roster,
        routing: Routing,
        presence: Presence,
        conversations: Conversations,
        relations: Relations,
        cut: Callable[[int, int], None],
        recheck: Callable[[], Awaitable[None]],
        settled: Callable[[], Deferred[None]],
        clock: IReactorTime,
    ) -> None:
        self._bus = bus
        self._roster = roster
        self._routing = routing
        self._conversations = conversations
        self._relations = relations
        self._cut = cut
        self._recheck = recheck
        self._clock = clock
        self._order = Order()
        self._there = Whereabouts(roster, routing, presence.online, clock)
        self.mending = Mending(self._order, conversations, self._read_everything, self._take, settled, clock)
        self._arriving: dict[int, Arrival] = {}
        self._entering: set[Key] = set()
        self._listing: IDelayedCall | None = None
        self._describing = LoopingCall(self._describe)
        self._describing.clock = clock

    def start(self) -> Deferred[None]:
        """Join the cluster. Fires when events are heard, or will be once the network is there."""
        started = self._bus.start(self)
        self._describing.start(DESCRIBE_SECONDS).addErrback(
            lambda failure: self.log.failure("the node is no longer described", failure)
        )
        return started

    def stop(self) -> None:
        """Do nothing more by itself."""
        self._describing.stop()
        self.mending.stop()
        self._there.stop()
        if self._listing is not None:
            self._listing.cancel()
            self._listing = None

    def _describe(self) -> None:
        self._bus.describe(connections=self._roster.connections)

    # The log: what was stored here

    def committed(self, posts: Sequence[Post]) -> None:
        """Tell the other nodes, deliver and answer in order."""
        fresh = []
        for post in posts:
            if not post.is_new:
                self._routing.answer(post)
                continue
            fresh.append(post)
            said = post.message
            here = (said.userid, said.dstid)
            topics = [Topic("user", one) for one in here] if said.cmd == SINGLE else [Topic("group", said.dstid)]
            self._bus.publish(topics, news.encode(news.Said(post.body)))
        self._take(fresh)

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """See `Routing.failed`."""
        self._routing.failed(posts, refused)

    def _take(self, posts: Iterable[Post]) -> None:
        ready: list[Post] = []
        for post in posts:
            said = post.message
            if not self._concerns(post):
                self._routing.answer(post)
                continue
            key = key_of(said.cmd, said.userid, said.dstid)
            now = self._order.offer(key, post, wait=self._awaited(key))
            ready += now
            if post.origin is not None and self._order.place(key) >= said.seq and post not in now:
                # The log was faster: the message has been delivered.
                self._routing.answer(post)
        self._routing.deliver(ready)
        self.mending.look()

    def _concerns(self, post: Post) -> bool:
        said = post.message
        if said.cmd == GROUP:
            return said.dstid in self._roster.rooms
        return said.dstid in self._roster.users or said.userid in self._roster.users

    def _awaited(self, key: Key) -> bool:
        if self._order.known(key) or not (self._arriving or self._entering):
            return False
        if key[0] == SINGLE:
            return key[1] in self._arriving or key[2] in self._arriving
        return key in self._entering or any(one in self._arriving for one in self._roster.rooms.get(key[1], ()))

    # Who is here

    def came(self, user: Present) -> None:
        """See `Elsewhere`. What the user's conversations have come to is read now; what arrives meanwhile waits."""
        self._tell_presence(user.id, user.friends, True)
        arrival = self._arriving[user.id] = Arrival(user)
        self._begin(arrival)

    def _begin(self, arrival: Arrival) -> None:
        if self._arriving.get(arrival.user.id) is arrival:
            Deferred.fromCoroutine(self._arrive(arrival)).addErrback(self._not_begun, arrival)

    async def _arrive(self, arrival: Arrival) -> None:
        user = arrival.user
        topics = [Topic("user", user.id), *(Topic("group", one) for one in user.groups)]
        await gatherResults([self._bus.subscribe(topic) for topic in topics])
        rows = await self._conversations.rows(user.id)
        if self._arriving.get(user.id) is not arrival:
            return
        ready: list[Post] = []
        begun: list[tuple[Key, int]] = []
        del self._arriving[user.id]
        for row in rows:
            key = key_of(row.scope, user.id, row.dstid)
            # If it is unknown though another one of it is here, it was empty when that one came.
            was_empty = self._was_empty(key, user.id)
            if was_empty and not self._order.known(key):
                begun.append((key, row.seq))
            ready += self._order.begin(key, 0 if was_empty else row.seq)
        self._routing.deliver(ready)
        self._begin_new()
        arrival.settle()
        for key, head in begun:
            # What the other one has not got of it is on its way, or was lost while nobody could tell (`_behind`).
            if self._order.place(key) < head:
                self.mending.read((key, self._order.place(key), head))

    def _begin_new(self) -> None:
        """What waits and is awaited by nobody is of conversations whose first message came meanwhile."""
        ready: list[Post] = []
        for key in self._order.unbegun():
            if not self._awaited(key):
                ready += self._order.begin(key, 0)
        self._routing.deliver(ready)
        self.mending.look()

    def _was_empty(self, key: Key, newcomer: int) -> bool:
        there = key[1:] if key[0] == SINGLE else self._roster.rooms.get(key[1], ())
        return key not in self._entering and any(
            one != newcomer and one in self._roster.users and one not in self._arriving for one in there
        )

    def _not_begun(self, failure: Failure, arrival: Arrival) -> None:
        self.log.warn("a user's conversations can't be read now: {why}", why=failure.getErrorMessage())
        arrival.settle(failure)
        self._clock.callLater(RETRY_SECONDS, self._begin, arrival)

    def settled(self, user: Present) -> Deferred[None]:
        """See `Elsewhere`."""
        arrival = self._arriving.get(user.id)
        if arrival is None:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        arrival.waiting.append(waiting)
        return waiting

    def behind(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        """See `Elsewhere`."""
        return {row.name: row.seq for row in rows if self._order.place(key_of(row.scope, userid, row.dstid)) < row.seq}

    def left_here(self, user: Present) -> None:
        """See `Elsewhere`."""
        users, rooms = self._roster.users, self._roster.rooms
        arrival = self._arriving.pop(user.id, None)
        self._bus.unsubscribe(Topic("user", user.id))
        self._forget(key_of(SINGLE, user.id, one) for one in (*user.friends, user.id) if one not in users)
        for group in user.groups:
            if group not in rooms:
                self._unfollow(group)
        if arrival is not None:
            self._begin_new()
            arrival.settle()

    def gone(self, userid: int, friends: set[int]) -> None:
        """See `Elsewhere`."""
        self._tell_presence(userid, friends, False)

    def online(self, userid: int) -> bool:
        """See `Elsewhere`."""
        return self._there.online(userid)

    def _tell_presence(self, userid: int, friends: set[int], is_here: bool) -> None:
        self._bus.publish([EVERYONE], news.encode(news.Came(userid, list(islice(friends, PIECE)), is_here)))

    # What is told

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """See `Elsewhere`."""
        for start in range(0, len(users), PIECE):
            piece = list(users[start : start + PIECE])
            self._bus.publish([Topic("user", one) for one in piece], news.encode(news.ToUsers(piece, payload)))

    def to_group(self, group: int, payload: bytes) -> None:
        """See `Elsewhere`."""
        self._bus.publish([Topic("group", group)], news.encode(news.ToGroup(group, payload)))

    def befriended(self, one: int, other: int) -> None:
        """See `Elsewhere`. To everyone, since any node may keep the circle of a user who left."""
        self._bus.publish([EVERYONE], news.encode(news.Befriended(one, other, True)))

    def parted(self, one: int, other: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], news.encode(news.Befriended(one, other, False)))

    def joined(self, userid: int, group: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], news.encode(news.Membership(userid, group, True)))
        self._follow(userid, group)

    def left(self, userid: int, group: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], news.encode(news.Membership(userid, group, False)))
        self._unfollow(group)

    def ended(self, userid: int, deviceid: int) -> None:
        """See `Elsewhere`."""
        self._bus.publish([EVERYONE], news.encode(news.Ended(userid, deviceid)))

    def _follow(self, userid: int, group: int) -> None:
        key = (GROUP, group, 0)
        if userid not in self._roster.users or self._order.known(key) or key in self._entering:
            return
        self._entering.add(key)
        following = Deferred.fromCoroutine(self._enter(userid, key))
        following.addErrback(self._not_entered, userid, key)

    async def _enter(self, userid: int, key: Key) -> None:
        await self._bus.subscribe(Topic("group", key[1]))
        rows = await self._conversations.rows(userid)
        self._entering.discard(key)
        if key[1] not in self._roster.rooms:
            return
        # A member begins behind what was said before the joining, which counts as read.
        stands = next(((row.read, row.seq) for row in rows if (row.scope, row.dstid) == key[:2]), (0, 0))
        self._routing.deliver(self._order.begin(key, stands[0]))
        if self._order.place(key) < stands[1]:
            self.mending.read((key, self._order.place(key), stands[1]))

    def _not_entered(self, failure: Failure, userid: int, key: Key) -> None:
        self.log.warn("a new member's group can't be read now: {why}", why=failure.getErrorMessage())
        self._clock.callLater(RETRY_SECONDS, self._follow_again, userid, key)

    def _follow_again(self, userid: int, key: Key) -> None:
        self._entering.discard(key)
        self._follow(userid, key[1])

    def _unfollow(self, group: int) -> None:
        if group not in self._roster.rooms:
            self._bus.unsubscribe(Topic("group", group))
            self._forget([(GROUP, group, 0)])

    def _forget(self, keys: Iterable[Key]) -> None:
        for post in self._order.forget(keys):
            self._routing.answer(post)

    # The bus: what happened there

    def heard(self, node: str, event: bytes) -> None:
        """An event of another node."""
        match news.decode(event):
            case news.Said(body):
                self._take([stored_post(body)])
            case news.ToUsers(users, payload):
                for one in users:
                    self._routing.to_user_here(one, payload)
            case news.ToGroup(group, payload):
                self._routing.to_group_here(group, payload)
            case news.Befriended(one, other, are):
                (self._roster.befriended if are else self._roster.parted)(one, other)
            case news.Membership(userid, group, True):
                self._roster.joined(userid, group)
                self._follow(userid, group)
            case news.Membership(userid, group, False):
                self._roster.left(userid, group)
                self._unfollow(group)
            case news.Ended(userid, deviceid):
                self._cut(userid, deviceid)
            case news.Came(userid, friends, is_here):
                (self._there.came if is_here else self._there.went)(node, userid, friends)
            case news.Online(users, more):
                self._there.listed(node, users, more)
            case news.WhoIsThere(asked):
                if asked in ("", self._bus.node):
                    self._list_soon()
        self._routing.flush()

    def node_up(self, info: NodeInfo) -> None:
        """Tell a new node who is here."""
        self._list_soon()

    def node_down(self, info: NodeInfo) -> None:
        """Its users are offline; and it may have ended between a commit and its word."""
        self._there.node_down(info)
        self._routing.flush()
        self.mending.read_all()

    def missed(self, node: str | None) -> None:
        """Something was lost for good: read what can be read, and ask for the rest."""
        self.log.info("events of {node} were lost: reading the log", node=node or "the bus")
        self._bus.publish([EVERYONE], news.encode(news.WhoIsThere(node or "")))
        self.mending.read_all()

    def _list_soon(self) -> None:
        if self._listing is None:
            self._listing = self._clock.callLater(LIST_SECONDS, self._list)

    def _list(self) -> None:
        self._listing = None
        here = list(self._roster.users)
        for start in range(0, max(1, len(here)), PIECE):
            end = start + PIECE
            self._bus.publish([EVERYONE], news.encode(news.Online(here[start:end], more=end < len(here))))

    # After a loss

    async def _read_everything(self) -> list[Span]:
        self._roster.circles.clear()
        self._roster.changes += 1
        await self._recheck()
        spans: list[Span] = []
        here = list(self._roster.users)
        for start in range(0, len(here), CIRCLES_PIECE):
            piece = here[start : start + CIRCLES_PIECE]
            for userid, circle in (await self._relations.circles(piece)).items():
                self._correct(userid, circle.friends, circle.groups)
            spans += self._behind(await self._conversations.heads_of(piece))
        return spans

    def _behind(self, heads: dict[Key, int]) -> list[Span]:
        found = []
        for key, head in heads.items():
            place = self._order.place(key)
            # What is unknown and not awaited was empty when its users came.
            if place < head and not self._awaited(key):
                found.append((key, place, head))
        return found

    def _correct(self, userid: int, friends: set[int], groups: set[int]) -> None:
        present = self._roster.users.get(userid)
        if present is None:
            return
        for one in friends ^ present.friends:
            (self._roster.befriended if one in friends else self._roster.parted)(userid, one)
            self._routing.to_user_here(userid, envelope.changed("friend", userid=one))
        for group in groups ^ present.groups:
            if group in groups:
                self._roster.joined(userid, group)
                self._follow(userid, group)
            else:
                self._roster.left(userid, group)
                self._unfollow(group)
            self._routing.to_user_here(userid, envelope.changed("group", dstid=group))
        self._routing.flush()
