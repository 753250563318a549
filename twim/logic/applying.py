"""Does on this node what happened on the others: it handles the events of the bus, and nodes that come and go.

Messages that are heard in one iteration of the reactor are delivered together, so that each device gets them by one
write. Whatever else is heard comes after the messages that were heard before it.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twim.cluster.interface import NodeInfo
from twim.cluster.problem_log import ProblemLog
from twim.logic import cluster_events
from twim.logic.local_node import LocalNode
from twim.logic.ordered_delivery import OrderedDelivery
from twim.logic.relation_changes import RelationChanges
from twim.logic.remote_presence import RemotePresence
from twim.logic.repair import Repair
from twim.storage.interface import Post


class Applying:
    """Hears the bus (its `Listener`)."""

    log = Logger()

    def __init__(
        self,
        local: LocalNode,
        delivery: OrderedDelivery,
        changes: RelationChanges,
        remote_presence: RemotePresence,
        repair: Repair,
        clock: IReactorTime,
    ) -> None:
        self._routing = local.routing
        self._delivery = delivery
        self._changes = changes
        self._remote_presence = remote_presence
        self._repair = repair
        self._clock = clock
        self._said: list[Post] = []
        self._delivering: IDelayedCall | None = None
        self._cut = local.cut
        self._settings_changed = local.settings_changed
        self._stored = local.stored
        self.problems = ProblemLog(self.log, clock)

    def heard(self, node: str, event: bytes) -> None:
        """Do what an event of another node tells."""
        try:
            told = cluster_events.decode(event)
            if isinstance(told, cluster_events.Said):
                self._gather(told)
                return
            self._deliver()
            self._hear(node, told)
        except cluster_events.Unreadable as error:
            self.problems.drop("an event of another version of twim", f"{node}: {error}")
        self._routing.flush()

    def stop(self) -> None:
        """Deliver what was heard; the timer ends."""
        self._deliver()

    def _gather(self, told: cluster_events.Said) -> None:
        # All of them or none: what comes after one that can't be read is read from the log, once it is missed.
        self._said += [cluster_events.post_of(body) for body in told.bodies]
        if self._delivering is None:
            self._delivering = self._clock.callLater(0, self._deliver)

    def _deliver(self) -> None:
        if self._delivering is None:
            return
        if self._delivering.active():
            self._delivering.cancel()
        self._delivering = None
        said, self._said = self._said, []
        self._delivery.take(said)

    def _hear(self, node: str, event: cluster_events.Event) -> None:
        match event:
            case cluster_events.ToUsers(users, payload):
                cluster_events.check_frame(payload)
                for one in users:
                    self._routing.to_user_here(one, payload)
            case cluster_events.ToGroup(group, payload):
                cluster_events.check_frame(payload)
                self._routing.to_group_here(group, payload)
            case cluster_events.Befriended(one, other, are_friends):
                self._changes.friends(one, other, are_friends)
            case cluster_events.Membership(userid, group, is_member):
                self._changes.member(userid, group, is_member)
            case cluster_events.Blocked(userid, dstid, is_blocked):
                self._changes.blocked(userid, dstid, is_blocked)
            case cluster_events.GroupChanged(group):
                self._changes.group(group)
            case cluster_events.SettingsChanged():
                self._settings_changed()
            case cluster_events.Stored():
                self._stored()
            case cluster_events.Ended(userid, deviceid):
                self._cut(userid, deviceid)
            case cluster_events.Came(userid, friends, is_here):
                (self._remote_presence.came if is_here else self._remote_presence.went)(node, userid, friends)
            case cluster_events.Online(users, more):
                self._remote_presence.listed(node, users, more)
            case cluster_events.WhoIsThere(asked):
                self._remote_presence.announcing.asked(asked)

    def node_up(self, info: NodeInfo) -> None:
        """Tell a new node who is connected here."""
        self._remote_presence.node_up(info.node)

    def node_down(self, info: NodeInfo) -> None:
        """The node's users are offline. The log is read, too: the node may have ended after a commit that it told
        nobody of."""
        self._deliver()
        self._remote_presence.node_down(info)
        self._routing.flush()
        self._repair.read_all()

    def missed(self, node: str | None) -> None:
        """Events are lost for good: read from the storage what they may have told, and ask the nodes for everything
        else."""
        self._deliver()
        self.problems.warn("events were lost: reading the log", node or "the bus")
        self._remote_presence.announcing.ask(node)
        self._settings_changed()
        self._repair.read_all()
