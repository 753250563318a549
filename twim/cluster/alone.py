"""The bus of a node that is the whole cluster."""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from twim.cluster.interface import Listener, NodeInfo, Topic
from twim.cluster.nodes import Record, check_event, new_node


class AloneBus:
    """There are no other nodes: the listener is never called, and what is published reaches nobody."""

    dropped = 0
    joined = True

    def __init__(self, *, epoch: str, clock: IReactorTime, version: str = "") -> None:
        self.node = new_node()
        self._clock = clock
        self._self = Record(self.node, clock.seconds())
        self._self.epoch, self._self.version = epoch, version

    def start(self, listener: Listener) -> Deferred[None]:
        return succeed(None)

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        check_event(event)
        self._self.meter.events += 1

    def subscribe(self, topic: Topic) -> Deferred[None]:
        return succeed(None)

    def unsubscribe(self, topic: Topic) -> None:
        pass

    def nodes(self) -> list[NodeInfo]:
        self._self.last_seen = self._clock.seconds()
        return [self._self.info()]

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        self._self.describe(connections, address)

    def stop(self) -> Deferred[None]:
        return succeed(None)
