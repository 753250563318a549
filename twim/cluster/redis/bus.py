"""The bus over Redis's publish and subscribe, for nodes that share no LAN.

A node is subscribed to everyone's channel and to those of the users and groups that are present on it. So the traffic
grows with what the nodes are interested in, not with the number of nodes times the number of messages. Redis is
trusted: whoever may publish there is believed. So it needs a password and a network of its own, or ``rediss://`` on any
other network (`docs/operating.md`).

Redis keeps the order of what one connection publishes, and loses nothing of it while both connections last. So every
loss is noticed:

- If the subscribed connection was lost: `missed(None)` is called once all channels are subscribed again.
- If the publishing connection was lost, or its queue was full: the next announcement tells that something was dropped,
  and the other nodes call `missed` for this node.
- If anything in between loses something all the same: each event carries a count for its publisher and topic, in which
  the receivers see a gap.

`outgoing` numbers what this node publishes, and `incoming` takes what the others publish. This module keeps the two
connections of `protocol`, announces the node, and has the contract of a bus.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.cluster.audience import Audience
from twim.cluster.interest import Interest
from twim.cluster.interface import EVERYONE, Listener, NodeInfo, Topic
from twim.cluster.nodes import ANNOUNCE_EVERY, SILENT_AFTER, Record, check_event, new_node
from twim.cluster.problem_log import ProblemLog
from twim.cluster.redis.incoming import Incoming
from twim.cluster.redis.outgoing import Outgoing
from twim.cluster.redis.protocol import (
    CONNECT_TIMEOUT,
    PublishingConnection,
    ReconnectingConnection,
    SubscribedConnection,
    distinct,
)

START_WAIT: Final = 2.0  # seconds that `start` waits for Redis; then the node starts without it
STOP_WAIT: Final = 1.0  # seconds that `stop` waits until Redis has taken the last events
ANSWER_AFTER: Final = 0.01  # seconds until a new node is answered, so that one answer serves several
GREET_EVERY: Final = 0.25  # seconds between two such answers, however many nodes are new


class Server(Protocol):
    """Where Redis is, and as which user to log in."""

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


class RedisBus:
    """`reactor` gives time and connections. `server.db` only keeps clusters apart: in Redis, channels belong to no
    database.
    """

    log = Logger()

    def __init__(self, *, server: Server, epoch: str, reactor: Any, version: str = "", tls: Any = None) -> None:
        self.node = new_node()
        self._clock = reactor
        self._self = Record(self.node, reactor.seconds())
        self._self.epoch, self._self.version = epoch, version
        self._prefix = f"twim:{server.db}:{epoch}:"
        self._nodes_channel = f"twim:{server.db}:nodes".encode()
        self.problems = ProblemLog(self.log, reactor)
        self._audience = Audience(self.log, self.problems)
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = reactor
        self._connections = self._both_connections(server, reactor, tls)
        self._subscribed: SubscribedConnection | None = None
        self._starting: Deferred[None] | None = None
        self._start_ends: IDelayedCall | None = None
        self._greeting: IDelayedCall | None = None
        self._running = False
        self._greeted_at = -GREET_EVERY
        self._echo_at = 0.0
        """When this node's own announcement came back from Redis last."""
        self._interest = Interest([self._nodes_channel, self._channel(EVERYONE)])
        self._out = Outgoing(bytes.fromhex(self.node))
        self._incoming = Incoming(
            self._self, reactor, self._interest, self._audience, self.problems, self._greet, self._echoed
        )

    @property
    def dropped(self) -> int:
        return self.problems.dropped

    @property
    def joined(self) -> bool:
        return self._out.connection is not None and self._subscribed is not None and not self._interest.restoring

    # Bus

    def start(self, listener: Listener) -> Deferred[None]:
        self._running = True
        self._audience.open(listener)
        starting: Deferred[None] = Deferred()
        self._starting = starting
        self._start_ends = self._clock.callLater(START_WAIT, self._started)
        for connection in self._connections:
            connection.start()
        self._ticking.start(ANNOUNCE_EVERY).addErrback(self._broken)
        return starting

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        check_event(event)
        meter = self._self.meter
        meter.events += 1
        meter.bytes += len(event)
        self._out.publish(distinct(map(self._channel, topics)), event)

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
        self._incoming.forget_channel(channel)
        if self._subscribed is not None:
            self._subscribed.unsubscribe_from(channel)

    def nodes(self) -> list[NodeInfo]:
        me = self._self
        me.last_seen, me.lost = self._clock.seconds(), self._out.drops
        return [me.info(), *self._incoming.nodes()]

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
        while not self._out.is_drained and self._clock.seconds() < end:
            await deferLater(self._clock, 0.005)
        for connection in self._connections:
            await connection.stop()

    # Receiving

    def _received(self, channel: bytes, payload: bytes) -> None:
        try:
            if channel == self._nodes_channel:
                self._incoming.take_announcement(payload)
            else:
                self._incoming.take_event(channel, payload)
        except Exception:
            # An exception would end the connection, and nothing more would be heard.
            self.problems.dropped += 1
            self.problems.failure("something on a channel could not be handled", channel.decode("latin-1"))

    # Announcements

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._self.meter.tick(now)
        self._incoming.tick()
        if now - self._echo_at > SILENT_AFTER:
            # What this node sends to Redis doesn't come back: a connection is stuck, or dead without having been
            # closed.
            self._abort()
        self._announce()

    def _announce(self, bye: bool = False) -> None:
        announcement = self._self.announcement(
            self._clock.seconds(), last=self._out.last, drops=self._out.drops, bye=bye
        )
        self._out.announce(self._nodes_channel, announcement)

    def _greet(self) -> None:
        if self._greeting is None and self._running:
            wait = max(ANSWER_AFTER, self._greeted_at + GREET_EVERY - self._clock.seconds())
            self._greeting = self._clock.callLater(wait, self._greet_now)

    def _greet_now(self) -> None:
        self._greeting = None
        self._greeted_at = self._clock.seconds()
        self._announce()

    def _echoed(self) -> None:
        self._echo_at = self._clock.seconds()

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the bus no longer announces this node", failure)

    # The connections

    def _both_connections(self, server: Server, reactor: Any, tls: Any) -> list[ReconnectingConnection]:
        login = {"username": server.user, "password": server.password}
        where: IStreamClientEndpoint = HostnameEndpoint(reactor, server.host, server.port, timeout=CONNECT_TIMEOUT)
        if tls is not None:
            where = wrapClientTLS(tls, where)

        def publishing() -> PublishingConnection:
            return PublishingConnection(self._refused, **login)

        def subscribed() -> SubscribedConnection:
            return SubscribedConnection(self._received, self._confirmed, self._not_subscribed, **login)

        return [
            ReconnectingConnection(
                reactor, where, publishing, self._publishing_up, self._publishing_down, self._refused
            ),
            ReconnectingConnection(
                reactor, where, subscribed, self._subscribed_up, self._subscribed_down, self._refused
            ),
        ]

    def _refused(self, why: str) -> None:
        # An event that Redis refused (because it is loading its data, or is out of memory) reached nobody.
        self._out.drops += 1
        self.problems.warn("Redis refuses what is asked of it", why)

    def _not_subscribed(self, why: str) -> None:
        self.problems.warn("Redis refuses what is asked of it", why)

    def _publishing_up(self, connection: PublishingConnection) -> None:
        self._out.connection = connection
        self._self.address = self._self.address or connection.transport.getHost().host
        # Before anything is published, since events of an unknown node are dropped.
        self._announce()
        self._connected()

    def _publishing_down(self, connection: PublishingConnection) -> None:
        if self._out.disconnected(connection):
            self.problems.warn("the connection to Redis is lost", "publishing")

    def _subscribed_up(self, connection: SubscribedConnection) -> None:
        self._subscribed = connection
        self._incoming.forget_counts()
        connection.subscribe_to(self._interest.connected())

    def _subscribed_down(self, connection: SubscribedConnection) -> None:
        if self._subscribed is not connection:
            return
        self._subscribed = None
        self._interest.disconnected()
        self.problems.warn("the connection to Redis is lost", "subscribed")

    def _confirmed(self, channel: bytes) -> None:
        if not self._interest.confirmed(channel):
            return
        self.log.info("hearing Redis on {channels} channels", channels=len(self._interest))
        if self._starting is None:
            self._audience.miss(None)
        # Before anything is published, since events of an unknown node are dropped.
        self._announce()
        self._connected()

    def _connected(self) -> None:
        self._echo_at = self._clock.seconds()
        if self.joined:
            self._started()

    def _started(self) -> None:
        starting, self._starting = self._starting, None
        if starting is None:
            return
        if self._start_ends is not None and self._start_ends.active():
            self._start_ends.cancel()
            self._start_ends = None
        if self._subscribed is None:
            self.problems.warn("Redis can't be reached yet")
        starting.callback(None)

    def _abort(self) -> None:
        self._echo_at = self._clock.seconds()
        for connection in (self._out.connection, self._subscribed):
            if connection is not None:
                connection.transport.abortConnection()

    def _channel(self, topic: Topic) -> bytes:
        return f"{self._prefix}{topic.kind}:{topic.id}".encode()
