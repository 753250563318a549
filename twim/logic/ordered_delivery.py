"""Delivers the messages of all nodes to the devices here, in the order of the log, and answers repeated messages in
that order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.errors import Refusal
from twim.hub.hub import Hub
from twim.hub.order import Gap, Order
from twim.logic.loading import Loading
from twim.logic.repair import GAP_SECONDS
from twim.logic.repeats import Repeats
from twim.logic.routing import Routing
from twim.storage.interface import Key, Post, key_of
from twim.wire.commands import GROUP


class OrderedDelivery:
    """Stands between the log or the bus and the routing. `look_for_gaps` is called when messages may be missing."""

    def __init__(self, hub: Hub, routing: Routing, look_for_gaps: Callable[[], None], clock: IReactorTime) -> None:
        self._hub = hub
        self._routing = routing
        self._look_for_gaps = look_for_gaps
        self._clock = clock
        self.order = Order()
        self.loading = Loading(hub, self.order)
        self._repeats = Repeats(routing.refuse, clock)
        self._without_position: set[Key] = set()
        self._looking: IDelayedCall | None = None

    def stop(self) -> None:
        """Start nothing more: all timers end."""
        self._repeats.stop()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    # New messages

    def take(self, posts: Iterable[Post]) -> None:
        """Deliver these stored messages, or keep them until those before them are here."""
        ready: list[Post] = []
        for post in posts:
            said = post.message
            if not self._concerns(post):
                self._routing.answer(post)
                continue
            key = key_of(said.cmd, said.userid, said.dstid)
            now = self.order.offer(key, post, wait=self.loading.awaits(key))
            ready += now
            if post.origin is not None and self.order.position(key) >= said.seq and post not in now:
                # The message was read from the log, and delivered, before this node heard of its own commit.
                self._routing.answer(post)
        self._deliver(ready)
        self._look_for_gaps()

    def _concerns(self, post: Post) -> bool:
        said = post.message
        if said.cmd == GROUP:
            return said.dstid in self._hub.members
        return said.dstid in self._hub.users or said.userid in self._hub.users

    def _deliver(self, ready: list[Post]) -> None:
        if not self._repeats:
            self._routing.deliver(ready)
            return
        together: list[Post] = []
        for post in ready:
            said = post.message
            repeats = self._repeats.pop(key_of(said.cmd, said.userid, said.dstid), said.seq)
            if not repeats:
                together.append(post)
                continue
            self._routing.deliver(together)
            together = []
            self._routing.deliver_answered(post, repeats)
        self._routing.deliver(together)

    def begin(self, positions: Iterable[tuple[Key, int]]) -> None:
        """These conversations have come to these seqs: deliver what was kept of them."""
        ready: list[Post] = []
        for key, position in positions:
            ready += self.order.begin(key, position)
        self._deliver(ready)

    def begin_new(self) -> None:
        """Deliver what is kept of conversations whose position nobody is reading: their first message came after that
        was read."""
        self.begin([(key, 0) for key in self.order.unbegun() if not self.loading.awaits(key)])
        self._look_for_gaps()

    def forget(self, keys: Iterable[Key]) -> None:
        """Nobody here takes part in these conversations any more."""
        keys = list(keys)
        for post in [*self.order.forget(keys), *self._repeats.forget(keys)]:
            self._routing.answer(post)

    def missing(self, heads: dict[Key, int]) -> list[Gap]:
        """What was not delivered of these conversations, whose newest seqs in the log these are."""
        gaps = []
        for key, head in heads.items():
            position = self.order.position(key)
            # A conversation that is unknown, and isn't being loaded, was empty when its users connected.
            if position < head and not self.loading.awaits(key):
                gaps.append((key, position, head))
        return gaps

    # What is not new

    def answer_repeats(self, posts: Iterable[Post]) -> None:
        """Answer posts that were refused, and posts that were said before; the latter only when this node has delivered
        their conversation so far."""
        for post in posts:
            self._answer_repeat(post)
        self._routing.flush()

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """See `Routing.failed`."""
        self._routing.failed(posts, refused)

    def _answer_repeat(self, post: Post) -> None:
        if post.first is None:
            self._routing.answer(post)
            return
        scope, dstid, seq, _ = post.first
        userid = post.message.userid
        key = key_of(scope, userid, dstid)
        user = self._hub.users.get(userid)
        # Nothing is delivered to a user who isn't connected here, or is no member any more.
        if self.order.position(key) >= seq or user is None or (scope == GROUP and dstid not in user.groups):
            self._routing.answer(post)
            return
        self._repeats.add(key, seq, post)
        if not self.loading.awaits(key):
            self.order.want(key, seq)
            self._look_for_gaps()
            return
        self._without_position.add(key)
        if self._looking is None:
            self._looking = self._clock.callLater(GAP_SECONDS, self._look_again)

    def _look_again(self) -> None:
        """Answer in conversations whose position was not known: by now it may be."""
        self._looking = None
        for key in [key for key in self._without_position if not self.loading.awaits(key)]:
            self._without_position.discard(key)
            for post in self._repeats.reached(key, self.order.position(key)):
                self._routing.answer(post)
            if furthest := self._repeats.furthest(key):
                self.order.want(key, furthest)
        if self._without_position:
            self._looking = self._clock.callLater(GAP_SECONDS, self._look_again)
        self._look_for_gaps()
        self._routing.flush()
