"""What comes from the other nodes through Redis: who is up, each event once, and where something was lost.

Nothing that comes is believed more than necessary. What can't be read is dropped and counted. A number that jumps never
makes the node drop an event: it reads the log instead.

An event on several channels comes several times, each directly after the other; it is recognised by its number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from twim.cluster.audience import Audience
from twim.cluster.interest import Interest
from twim.cluster.interface import MAX_EVENT, NodeInfo
from twim.cluster.nodes import SILENT_AFTER, Announcement, Record, Unreadable, decode_announcement
from twim.cluster.problem_log import ProblemLog
from twim.cluster.redis.outgoing import HEAD, MAX_COUNTS

MAX_NODES: Final = 1024
"""How many other nodes one node knows."""

HEARD_COUNTS: Final = 16 * MAX_COUNTS
"""How many counts are kept, of all topics of all other nodes. Each takes about 200 bytes."""

JUMP: Final = 100_000
"""How many events a node may publish between two of its announcements, which is half a second. A number that jumps
further is not one that our program gave."""


class OtherNode(Record):
    """Another node, and what was heard of it last."""

    def __init__(self, id: bytes, now: float, announced: Announcement) -> None:
        super().__init__(id.hex(), now)
        self.number = announced.last
        """The number of its last event that was heard, or that it published before it was known here."""
        self.event = b""
        """The last event that was heard."""
        self.drops = announced.drops
        self.counts: dict[bytes, int] = {}


class Incoming:
    """Takes what other nodes publish, and calls the listener through `audience`.

    `this_node` is what is known of this node itself. `greet` is called when a new node has come up, and `echoed` when
    an announcement of this node comes back from Redis.
    """

    def __init__(
        self,
        this_node: Record,
        clock: IReactorTime,
        interest: Interest,
        audience: Audience,
        problems: ProblemLog,
        greet: Callable[[], None],
        echoed: Callable[[], None],
    ) -> None:
        self._this_node = this_node
        self._id = bytes.fromhex(this_node.node)
        self._clock = clock
        self._interest = interest
        self._audience = audience
        self._problems = problems
        self._greet = greet
        self._echoed = echoed
        self._others: dict[bytes, OtherNode] = {}
        self._heard_counts = 0

    def nodes(self) -> list[NodeInfo]:
        """The other nodes that are up, by id."""
        return [other.info() for _, other in sorted(self._others.items())]

    def tick(self) -> None:
        """Bring the rates up to date, and notice which nodes have fallen silent. Called with each announcement."""
        now = self._clock.seconds()
        for id, other in list(self._others.items()):
            other.meter.tick(now)
            if now - other.last_seen > SILENT_AFTER:
                self._down(id)

    # Events

    def take_event(self, channel: bytes, payload: bytes) -> None:
        """Something was published on a topic's channel."""
        if not HEAD.size < len(payload) <= HEAD.size + MAX_EVENT:
            self._problems.drop("something on a channel that no node of ours published", channel.decode("latin-1"))
            return
        id, number, count = HEAD.unpack_from(payload)
        other = self._others.get(id)
        # What comes before all channels are subscribed again is covered by the `missed` that follows then.
        if other is None or self._interest.restoring:
            if other is None and id != self._id:
                self._problems.drop("an event of a node that isn't known", id)
            return
        if channel in self._interest:
            self._compare(other, channel, count)
        event = payload[HEAD.size :]
        ahead = number - other.number
        if 0 < ahead <= JUMP:
            other.number = number
        elif event == other.event:
            return  # The same event on another channel.
        else:
            # The number is not taken over: the next announcement says at which number the node is. But the event is
            # heard, so that nobody can silence a node by publishing a false number in its name.
            self._problems.warn("an event whose number leaps", other.node)
            self._missed_some(other)
        other.event = event
        self._audience.hear(other, event)

    def _compare(self, other: OtherNode, channel: bytes, count: int) -> None:
        before = other.counts.get(channel)
        other.counts[channel] = count
        if before is None:
            self._heard_counts += 1
            if self._heard_counts > HEARD_COUNTS:
                self.forget_counts()
        elif count != before + 1 and count != 1:
            self._missed_some(other)

    def _missed_some(self, other: OtherNode) -> None:
        other.gaps += 1
        self._audience.miss(other)

    def forget_counts(self) -> None:
        """Begin to count all topics anew: events may have passed unheard."""
        self._heard_counts = 0
        for other in self._others.values():
            other.counts.clear()

    def forget_channel(self, channel: bytes) -> None:
        """Begin to count one topic anew: this node is no longer subscribed to it."""
        for other in self._others.values():
            other.counts.pop(channel, None)

    # Announcements

    def take_announcement(self, payload: bytes) -> None:
        """Something was published on the channel on which nodes announce themselves."""
        id = payload[: len(self._id)]
        if id == self._id:
            self._echoed()
            return
        try:
            announced = decode_announcement(payload[len(id) :])
        except Unreadable:
            self._problems.drop("an announcement of another version of twim", id)
            return
        if announced.epoch != self._this_node.epoch:
            self._problems.drop("a node with another database", announced.address)
        elif announced.bye:
            self._down(id)
        else:
            self._alive(id, announced)

    def _alive(self, id: bytes, announced: Announcement) -> None:
        now = self._clock.seconds()
        other = self._others.get(id)
        if other is None and len(self._others) >= MAX_NODES:
            self._problems.warn("more nodes than the bus is made for", announced.address)
        elif other is None:
            self._others[id] = other = OtherNode(id, now, announced)
            other.learn(announced, now, "")
            self._audience.up(other)
            if announced.last:
                self._audience.miss(other)
            self._greet()
        else:
            other.learn(announced, now, "")
            # Redis keeps the order: all that was published before has come, and what follows has higher numbers.
            other.number = announced.last
            if announced.drops != other.drops:
                other.drops = announced.drops
                self._audience.miss(other)

    def _down(self, id: bytes) -> None:
        other = self._others.pop(id, None)
        if other is not None:
            self._audience.down(other)
