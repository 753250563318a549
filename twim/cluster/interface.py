"""The bus: how the nodes of one cluster tell each other what happened.

The contract, in words
----------------------
An *event* is bytes that the bus doesn't look into, 1 byte to `MAX_EVENT`. A *node* is one running process;
its id is random and new at every start. A *topic* says whom an event concerns, so that a bus that can (Redis)
brings it only to nodes where somebody cares; a bus that can't (broadcast) brings everything to everyone. So
`heard` may get events for topics this node never subscribed to, and the listener must not mind.

What a bus promises about the events of one other node:

1. each is heard at most once, however many of its topics this node subscribes to, and in the order of
   publishing;
2. if one that this node had to hear is lost for good, `missed` is called: the log must be read, because the
   bus is a hint and the database the truth. `missed` comes in its place in the order: after all that was
   before the loss, before what follows it. It may be called without need, never too rarely;
3. nothing of a node is heard before `node_up` and nothing after `node_down`, until `node_up` comes again;
4. a node that has been up longer than this one begins, for this node, at the moment of `node_up`; if it had
   published before, `missed` follows at once;
5. `node_down` comes less than `DOWN_WITHIN` seconds after a node's last sign of life, at once when it said
   goodbye.

A node never hears its own events. Publishing never blocks and never raises because of the network: what can't
be carried is counted, and the others are told that they missed something. Nodes whose database has another
epoch don't exist for each other. Listeners' exceptions are logged and go no further.

The bus calls its listener in the reactor's thread, never from within a call of `publish`, `subscribe` or
`unsubscribe`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

MAX_EVENT = 128 * 1024  # bytes; a message is at most 64 KiB on the wire, and an event is a message with its addressees
DOWN_WITHIN = 5.0  # seconds


class BusUrlError(ValueError):
    """The bus can't be opened as it was asked for; the text says what is wrong, for the operator."""


class Topic(NamedTuple):
    """Whom an event concerns. `id` is a user's or a group's, 0 for everyone."""

    kind: str
    id: int


EVERYONE = Topic("everyone", 0)


def user(id: int) -> Topic:
    """The topic of the user with this id."""
    return Topic("user", id)


def group(id: int) -> Topic:
    """The topic of the group with this id."""
    return Topic("group", id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInfo:
    """What is known here of one node. Times are seconds since 1970; counts began when this process first met
    the node.

    For this node itself the rates are of what it published, `asked` counts the requests others made of it,
    and `lost` the events that its full queue dropped.
    """

    node: str
    address: str = ""
    version: str = ""
    epoch: str = ""
    connections: int = 0
    started: float = 0.0
    last_seen: float = 0.0
    events: int = 0
    events_per_second: float = 0.0
    bytes_per_second: float = 0.0
    gaps: int = 0
    """times that something of it was found missing, mostly to come a little later"""
    asked: int = 0
    """re-requests sent to it"""
    lost: int = 0
    """times that something of it was lost for good, so that the log had to be read"""


class Listener(Protocol):
    """What a bus tells its node."""

    def heard(self, node: str, event: bytes) -> None:
        """`node` published `event`."""

    def missed(self, node: str | None) -> None:
        """Events of `node`, or of any node if None, are lost for good: what they told is in the log."""

    def node_up(self, info: NodeInfo) -> None:
        """A node is there that wasn't."""

    def node_down(self, info: NodeInfo) -> None:
        """A node said goodbye or gave no sign of life."""


class Bus(Protocol):
    """One node's place in the cluster."""

    @property
    def node(self) -> str:
        """This node's id: random, 16 hexadecimal digits, new at every start of the process."""

    def start(self, listener: Listener) -> Deferred[None]:
        """Begin. Fires when publishing and hearing work, or, if the network is to come later, are being
        tried. OSError if they never will.
        """

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        """Tell the nodes that subscribe to one of `topics`. ValueError if `event` is empty or above
        `MAX_EVENT`.
        """

    def subscribe(self, topic: Topic) -> Deferred[None]:
        """Somebody here cares for `topic`. What is published after the Deferred fires is heard, or missed is
        called.

        Wait for it before reading the log for a newcomer, or what happens between is in neither. It never
        fails and never waits for a network that is away. Everyone's topic needs no subscription. Subscribing
        twice is subscribing once.
        """

    def unsubscribe(self, topic: Topic) -> None:
        """Nobody here cares for `topic` any more."""

    def nodes(self) -> list[NodeInfo]:
        """The nodes that are up, this one first, the others by id."""

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        """Change what the other nodes are told of this one, with the next announcement (within a second)."""

    def stop(self) -> Deferred[None]:
        """Send what waits, say goodbye, and end. The listener hears nothing more. Stopping twice is stopping
        once.
        """
