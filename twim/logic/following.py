"""Which users and groups this node follows on the bus: users who are connected here, and groups of such users.

To follow means to subscribe, and then to read how far the conversations have come. Messages that arrive meanwhile wait
(`Loading`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.cluster.interface import Bus, Topic
from twim.hub.hub import Hub
from twim.hub.order import Gap
from twim.hub.session import SessionUser
from twim.logic.loading import LoadingUser
from twim.logic.ordered_delivery import OrderedDelivery
from twim.logic.repair import RETRY_SECONDS
from twim.storage.conversation_list import Row
from twim.storage.conversations import Conversations
from twim.storage.interface import Key, key_of
from twim.wire.commands import GROUP, SINGLE


class Following:
    """Follows users from when they connect, and groups from when they are joined. `read` reads missing messages."""

    log = Logger()

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        conversations: Conversations,
        delivery: OrderedDelivery,
        read: Callable[[Gap], None],
        clock: IReactorTime,
    ) -> None:
        self._bus = bus
        self._hub = hub
        self._conversations = conversations
        self._delivery = delivery
        self._order = delivery.order
        self._loading = delivery.loading
        self._read = read
        self._clock = clock

    # Users

    def connected(self, user: SessionUser) -> None:
        """The user's first device is connected here: read the positions of its conversations."""
        loading = self._loading.users[user.id] = LoadingUser(user)
        self._begin(loading)

    def disconnected(self, user: SessionUser) -> None:
        """The user's last device here is gone."""
        users, members = self._hub.users, self._hub.members
        loading = self._loading.users.pop(user.id, None)
        self._bus.unsubscribe(Topic("user", user.id))
        self._delivery.forget(key_of(SINGLE, user.id, one) for one in (*user.friends, user.id) if one not in users)
        for group in user.groups:
            if group not in members:
                self.unfollow(group)
        if loading is not None:
            self._delivery.begin_new()
            loading.settle()

    def settled(self, user: SessionUser) -> Deferred[None]:
        """See `OtherNodes`."""
        loading = self._loading.users.get(user.id)
        if loading is None:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        loading.waiting.append(waiting)
        return waiting

    def undelivered(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        """See `OtherNodes`."""
        return {
            row.name: row.seq for row in rows if self._order.position(key_of(row.scope, userid, row.dstid)) < row.seq
        }

    def _begin(self, loading: LoadingUser) -> None:
        if self._loading.users.get(loading.user.id) is loading:
            Deferred.fromCoroutine(self._load(loading)).addErrback(self._not_loaded, loading)

    async def _load(self, loading: LoadingUser) -> None:
        user = loading.user
        topics = [Topic("user", user.id), *(Topic("group", one) for one in user.groups)]
        await gatherResults([self._bus.subscribe(topic) for topic in topics])
        rows = await self._conversations.rows(user.id)
        if self._loading.users.get(user.id) is not loading:
            return
        del self._loading.users[user.id]
        positions: list[tuple[Key, int]] = []
        begun: list[tuple[Key, int]] = []
        for row in rows:
            key = key_of(row.scope, user.id, row.dstid)
            # If it is unknown though another participant is here, it was empty when that one connected.
            was_empty = self._loading.was_empty(key, user.id)
            if was_empty and not self._order.known(key):
                begun.append((key, row.seq))
            positions.append((key, 0 if was_empty else row.seq))
        self._delivery.begin(positions)
        self._delivery.begin_new()
        loading.settle()
        for key, head in begun:
            # What the other participant has not got of it is on its way, or was lost while nobody could tell.
            self._read_up_to(key, head)

    def _not_loaded(self, failure: Failure, loading: LoadingUser) -> None:
        self.log.warn("a user's conversations can't be read now: {why}", why=failure.getErrorMessage())
        loading.settle(failure)
        self._clock.callLater(RETRY_SECONDS, self._begin, loading)

    # Groups

    def follow(self, userid: int, group: int) -> None:
        """The user joined the group. Harmless when the user isn't connected here, or the group is followed already."""
        key = (GROUP, group, 0)
        if userid not in self._hub.users or self._order.known(key) or key in self._loading.groups:
            return
        self._loading.groups.add(key)
        following = Deferred.fromCoroutine(self._load_group(userid, key))
        following.addErrback(self._group_not_loaded, userid, key)

    def unfollow(self, group: int) -> None:
        """A member left the group. Harmless while other members are connected here."""
        if group not in self._hub.members:
            self._bus.unsubscribe(Topic("group", group))
            self._delivery.forget([(GROUP, group, 0)])

    async def _load_group(self, userid: int, key: Key) -> None:
        await self._bus.subscribe(Topic("group", key[1]))
        rows = await self._conversations.rows(userid)
        self._loading.groups.discard(key)
        if key[1] not in self._hub.members:
            return
        # A member begins after what was said before the joining, which counts as read.
        read, head = next(((row.read, row.seq) for row in rows if (row.scope, row.dstid) == key[:2]), (0, 0))
        self._delivery.begin([(key, read)])
        self._read_up_to(key, head)

    def _group_not_loaded(self, failure: Failure, userid: int, key: Key) -> None:
        self.log.warn("a new member's group can't be read now: {why}", why=failure.getErrorMessage())
        self._clock.callLater(RETRY_SECONDS, self._follow_again, userid, key)

    def _follow_again(self, userid: int, key: Key) -> None:
        self._loading.groups.discard(key)
        self.follow(userid, key[1])

    def _read_up_to(self, key: Key, head: int) -> None:
        position = self._order.position(key)
        if position < head:
            self._read((key, position, head))
