"""A node's part in its cluster, put together.

The bus is only a hint, and the database has the truth. The bus carries whole messages, so that usually nothing has to
be read. A message that is missing when a later one arrives is read from the log. When the bus has lost something, or
when a node has ended (perhaps after a commit that it told nobody of), everything that may have changed is read
(`Repair`, `Resync`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from twim.cluster.interface import Bus
from twim.hub.order import Gap
from twim.logic.announcing import Announcing
from twim.logic.applying import Applying
from twim.logic.following import Following
from twim.logic.local_node import LocalNode
from twim.logic.ordered_delivery import OrderedDelivery
from twim.logic.publishing import Publishing
from twim.logic.relation_changes import RelationChanges
from twim.logic.remote_presence import RemotePresence
from twim.logic.repair import Repair
from twim.logic.rereading import Rereading
from twim.logic.resync import Resync


class ClusterNode:
    """Joins the cluster: `publishing` tells the other nodes what happens here, `applying` does what they tell."""

    def __init__(self, bus: Bus, local: LocalNode, clock: IReactorTime) -> None:
        hub, routing, conversations = local.hub, local.routing, local.conversations
        self._bus = bus
        self.delivery = OrderedDelivery(hub, routing, self._look_for_gaps, clock)
        self.repair = Repair(self.delivery.order, conversations, self._resync, self.delivery.take, local.settled, clock)
        following = Following(bus, hub, conversations, self.delivery, self.repair.read, clock)
        changes = RelationChanges(hub, routing, following, local.silences)
        self.rereading = Rereading(local.relations, local.look_for_ended, hub, changes, clock)
        self.resync = Resync(local, changes, self.delivery)
        self.announcing = Announcing(bus, hub, clock)
        self.remote_presence = RemotePresence(hub, routing, self.announcing, local.presence.online, clock)
        self.publishing = Publishing(bus, following, self.remote_presence, self.delivery)
        self.applying = Applying(local, self.delivery, changes, self.remote_presence, self.repair, clock)

    def start(self) -> Deferred[None]:
        """Join the cluster. Fires when events are heard, or will be once the network is there."""
        started = self._bus.start(self.applying)
        self.announcing.start()
        self.rereading.start()
        return started

    def stop(self) -> None:
        """Start nothing more: all timers end."""
        self.applying.stop()
        self.announcing.stop()
        self.rereading.stop()
        self.repair.stop()
        self.delivery.stop()
        self.remote_presence.stop()

    def _look_for_gaps(self) -> None:
        self.repair.look()

    def _resync(self) -> AsyncIterator[list[Gap]]:
        return self.resync.read()
