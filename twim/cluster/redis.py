"""The bus over Redis's publish and subscribe, for nodes that share no LAN.

A node is subscribed to everyone's channel and to those of the users and groups that are present on it: so the
traffic grows with interest, not with nodes times messages. Redis is trusted: whoever may publish on it is
believed, so it needs a password and a network of its own, and TLS in front of it where that isn't so.

Redis keeps an order for each publishing connection and loses nothing of it while both connections last. So
losses are known:

- the hearing connection was lost: `missed(None)` once it is back and all channels are subscribed again;
- the publishing one was lost, or its queue full: the next announcement tells that something was dropped, and
  the others call `missed` for this node;
- and, should anything between lose something all the same, each event carries a count for its publisher and
  topic, in which receivers see a gap.

An event on several channels comes several times, one directly behind the other, and is known by its number.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.cluster.audience import Audience
from twim.cluster.complaints import Complaints
from twim.cluster.interest import Interest
from twim.cluster.interface import EVERYONE, Listener, NodeInfo, Topic
from twim.cluster.nodes import (
    ANNOUNCE_EVERY,
    SILENT_AFTER,
    Announcement,
    Record,
    check_event,
    decode_announcement,
    new_node,
)
from twim.cluster.redis_lines import Line, PublishingLine, SubscribedLine, distinct

START_WAIT = 2.0  # seconds that start waits for Redis; then it goes on without, and Redis may come later
STOP_WAIT = 1.0  # seconds that stop waits for Redis to have taken the last events
ANSWER_AFTER = 0.01  # seconds until a new node is answered, so that several are answered at once
MAX_NODES = 1024  # others that one node knows
MAX_COUNTS = 65536  # topics that a publisher counts; the one not published to for longest begins again

_HEAD = struct.Struct(">8sQI")  # of an event: node, number, count of its topic


class Server(Protocol):
    """Where Redis is, and who we are to it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def db(self) -> int: ...
    @property
    def user(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...


class Other(Record):
    """Another node."""

    def __init__(self, id: bytes, now: float, announced: Announcement) -> None:
        super().__init__(id.hex(), now)
        self.number = announced.last
        """of its last event that was heard, or was published before it was known"""
        self.drops = announced.drops
        self.counts: dict[bytes, int] = {}


class RedisBus:
    """`reactor` gives time and connections. `server.db` only keeps clusters apart: channels have no databases
    in Redis.
    """

    log = Logger()

    def __init__(self, *, server: Server, epoch: str, reactor: Any, version: str = "") -> None:
        self.node = new_node()
        self._id = bytes.fromhex(self.node)
        self._clock = reactor
        self._self = Record(self.node, reactor.seconds())
        self._self.epoch, self._self.version = epoch, version
        self._prefix = f"twim:{server.db}:{epoch}:"
        self._nodes_channel = f"twim:{server.db}:nodes".encode()
        self._everyones = [self._nodes_channel, self._channel(EVERYONE)]
        self._audience = Audience(self.log)
        self.complaints = Complaints(self.log, reactor)
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = reactor
        self._lines = self._both_lines(server, reactor)
        self._publishing: PublishingLine | None = None
        self._subscribed: SubscribedLine | None = None
        self._starting: Deferred[None] | None = None
        self._start_ends: IDelayedCall | None = None
        self._greeting: IDelayedCall | None = None
        self._running = False
        self._others: dict[bytes, Other] = {}
        self._counts: dict[bytes, int] = {}
        self._last = 0
        self._drops = 0
        self._echo_at = 0.0  # when this node's own announcement came back from Redis
        self._interest = Interest(self._everyones)

    # What the node does

    def start(self, listener: Listener) -> Deferred[None]:
        self._running = True
        self._audience.open(listener)
        starting: Deferred[None] = Deferred()
        self._starting = starting
        self._start_ends = self._clock.callLater(START_WAIT, self._started)
        for line in self._lines:
            line.start()
        self._ticking.start(ANNOUNCE_EVERY).addErrback(self._broken)
        return starting

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        check_event(event)
        meter = self._self.meter
        meter.events += 1
        meter.bytes += len(event)
        self._last += 1
        sent = True
        for channel in distinct(map(self._channel, topics)):
            payload = _HEAD.pack(self._id, self._last, self._count(channel)) + event
            sent &= self._publishing is not None and self._publishing.publish_to(channel, payload)
        if not sent:
            self._drops += 1

    def subscribe(self, topic: Topic) -> Deferred[None]:
        channel = self._channel(topic)
        if channel not in self._interest:
            self._interest.add(channel)
            if self._subscribed is not None:
                self._interest.asked(channel)
                self._subscribed.subscribe_to([channel])
        return self._interest.settled(channel)

    def unsubscribe(self, topic: Topic) -> None:
        channel = self._channel(topic)
        if not self._interest.remove(channel):
            return
        for other in self._others.values():
            other.counts.pop(channel, None)
        if self._subscribed is not None:
            self._subscribed.unsubscribe_from(channel)

    def nodes(self) -> list[NodeInfo]:
        me = self._self
        me.last_seen, me.lost = self._clock.seconds(), self._drops
        return [me.info(), *(other.info() for _, other in sorted(self._others.items()))]

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        self._self.describe(connections, address)

    def stop(self) -> Deferred[None]:
        if not self._running:
            return succeed(None)
        self._running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._ticking.stop()
        self._audience.close()
        if self._greeting is not None:
            self._greeting.cancel()
        self._started()
        self._announce(bye=True)
        end = self._clock.seconds() + STOP_WAIT
        while self._publishing is not None and self._publishing.waiting and self._clock.seconds() < end:
            await deferLater(self._clock, 0.005)
        for line in self._lines:
            await line.stop()

    # What comes

    def _came(self, channel: bytes, payload: bytes) -> None:
        if channel == self._nodes_channel:
            self._announced(payload)
        elif len(payload) > _HEAD.size:
            self._event(channel, payload)
        else:
            self.complaints.make("something on a channel that no node of ours published", channel)

    def _event(self, channel: bytes, payload: bytes) -> None:
        id, number, count = _HEAD.unpack_from(payload)
        other = self._others.get(id)
        # What comes before all channels are subscribed again is covered by the `missed` that follows then.
        if other is None or self._interest.restoring:
            return
        if channel in self._interest:
            before = other.counts.get(channel, count - 1)
            other.counts[channel] = count
            if count != before + 1 and count != 1:
                other.gaps += 1
                self._audience.miss(other)
        if number > other.number:
            other.number = number
            self._audience.hear(other, payload[_HEAD.size :])

    def _announced(self, payload: bytes) -> None:
        id = payload[: len(self._id)]
        if id == self._id:
            self._echo_at = self._clock.seconds()
            return
        try:
            announced = decode_announcement(payload[len(id) :])
        except msgspec.MsgspecError:
            self.complaints.make("an announcement of another version of twim", id.hex())
            return
        if announced.epoch != self._self.epoch:
            self.complaints.make("a node with another database", announced.address)
        elif announced.bye:
            self._down(id)
        else:
            self._alive(id, announced)

    def _alive(self, id: bytes, announced: Announcement) -> None:
        now = self._clock.seconds()
        other = self._others.get(id)
        if other is None and len(self._others) >= MAX_NODES:
            self.complaints.make("more nodes than the bus is made for", announced.address)
        elif other is None:
            self._others[id] = other = Other(id, now, announced)
            other.learn(announced, now, "")
            self._audience.up(other)
            if announced.last:
                self._audience.miss(other)
            self._greet()
        else:
            other.learn(announced, now, "")
            if announced.drops != other.drops:
                other.drops = announced.drops
                self._audience.miss(other)

    def _down(self, id: bytes) -> None:
        other = self._others.pop(id, None)
        if other is not None:
            self._audience.down(other)

    # What happens by time

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._self.meter.tick(now)
        for id, other in list(self._others.items()):
            other.meter.tick(now)
            if now - other.last_seen > SILENT_AFTER:
                self._down(id)
        if now - self._echo_at > SILENT_AFTER:
            # What goes to Redis doesn't come back: a connection is dead without a word, or stuck.
            self._abort()
        self._announce()

    def _announce(self, bye: bool = False) -> None:
        if self._publishing is not None:
            now = self._clock.seconds()
            said = self._self.announcement(now, last=self._last, drops=self._drops, bye=bye)
            self._publishing.publish_to(self._nodes_channel, self._id + said)

    def _greet(self) -> None:
        if self._greeting is None and self._running:
            self._greeting = self._clock.callLater(ANSWER_AFTER, self._greet_now)

    def _greet_now(self) -> None:
        self._greeting = None
        self._announce()

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bus no longer announces this node", failure)

    # The connections

    def _both_lines(self, server: Server, reactor: Any) -> list[Line]:
        login = {"username": server.user, "password": server.password}
        where = (server.host, server.port)

        def publishing() -> PublishingLine:
            return PublishingLine(self._refused, **login)

        def subscribed() -> SubscribedLine:
            return SubscribedLine(self._came, self._confirmed, **login)

        return [
            Line(reactor, where, publishing, self._publishing_up, self._publishing_down, self._refused),
            Line(reactor, where, subscribed, self._subscribed_up, self._subscribed_down, self._refused),
        ]

    def _refused(self, why: str) -> None:
        # An event that Redis refused (it is loading, or out of memory) reached nobody.
        self._drops += 1
        self.complaints.make("Redis refuses what is asked of it", why)

    def _publishing_up(self, line: PublishingLine) -> None:
        self._publishing = line
        self._self.address = self._self.address or line.transport.getHost().host
        self._announce()  # before anything is published: who isn't known isn't heard
        self._connected()

    def _publishing_down(self, line: PublishingLine) -> None:
        if self._publishing is line:
            self._publishing = None
            self._drops += bool(line.waiting)
            self.complaints.make("the connection to Redis is lost", "publishing")

    def _subscribed_up(self, line: SubscribedLine) -> None:
        self._subscribed = line
        for other in self._others.values():
            other.counts.clear()
        line.subscribe_to(self._interest.connected())

    def _subscribed_down(self, line: SubscribedLine) -> None:
        if self._subscribed is not line:
            return
        self._subscribed = None
        self._interest.disconnected()
        self.complaints.make("the connection to Redis is lost", "subscribed")

    def _confirmed(self, channel: bytes) -> None:
        if not self._interest.confirmed(channel):
            return
        self.log.info("hearing Redis on {channels} channels", channels=len(self._interest))
        if self._starting is None:
            self._audience.miss(None)
        self._announce()  # before anything is published: who isn't known isn't heard
        self._connected()

    def _connected(self) -> None:
        self._echo_at = self._clock.seconds()
        if self._publishing is not None and self._subscribed is not None and not self._interest.restoring:
            self._started()

    def _started(self) -> None:
        starting, self._starting = self._starting, None
        if starting is None:
            return
        if self._start_ends is not None and self._start_ends.active():
            self._start_ends.cancel()
            self._start_ends = None
        if self._subscribed is None:
            self.complaints.make("Redis can't be reached yet")
        starting.callback(None)

    def _abort(self) -> None:
        self._echo_at = self._clock.seconds()
        for line in (self._publishing, self._subscribed):
            if line is not None:
                line.transport.abortConnection()

    # Names

    def _channel(self, topic: Topic) -> bytes:
        return f"{self._prefix}{topic.kind}:{topic.id}".encode()

    def _count(self, channel: bytes) -> int:
        counts = self._counts
        counts[channel] = count = counts.pop(channel, 0) + 1  # taken out and put in: the order is that of use
        if len(counts) > MAX_COUNTS:
            del counts[next(iter(counts))]
        return count
