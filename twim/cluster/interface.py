"""The bus: how the nodes of one cluster tell each other what happened.

The contract ------------ An *event* consists of 1 to `MAX_EVENT` bytes, which the bus doesn't look into. A *node* is
one running process; its id is random and new at every start. A *topic* says whom an event concerns. A bus that can
(Redis) delivers the event only to nodes that subscribed to the topic; a bus that can't (broadcast) delivers everything
to every node. So `heard` may get events for topics to which this node never subscribed, and the listener must accept
that.

What a bus promises about the events of one other node:

1. Each is heard at most once, however many of its topics this node subscribes to, and in the order of publishing.
2. If one that this node had to hear is lost for good, `missed` is called: then the log must be read, because the bus is
   only a hint, and the database has the truth. `missed` is called in order with the events: after everything that was
   published before the loss, and before everything that follows it. It may be called without need, but is never
   omitted.
3. Nothing of a node is heard before `node_up`, and nothing after `node_down` until `node_up` comes again.
4. A node that has been up longer than this one begins, for this node, at the moment of `node_up`. If it had published
   something before, `missed` follows at once.
5. `node_down` comes less than `DOWN_WITHIN` seconds after a node's last sign of life, and at once if it said goodbye.

Nothing that others send, whatever it is, stops the bus or floods the log: unusable data are dropped, counted
(`dropped`) and logged once a minute. A number that jumps is not believed: `missed` is called instead.

A node never hears its own events. Publishing never blocks and never raises because of the network: what can't be sent
is counted, and the others are told that they missed something. Nodes whose databases have different epochs ignore each
other. Exceptions of the listener are logged and go no further.

The bus calls its listener in the reactor's thread, never from within a call of `publish`, `subscribe` or
`unsubscribe`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

MAX_EVENT = 128 * 1024  # bytes; a message is at most 64 KiB on the wire, and an event is a message with its addressees
DOWN_WITHIN = 5.0  # seconds


class BusUrlError(ValueError):
    """The bus can't be opened as it was asked for; the text says what is wrong, for the operator."""


class Topic(NamedTuple):
    """Whom an event concerns. `id` is the id of a user or a group, or 0 for everyone."""

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
    """How many times something of it was missing. Most of it comes a little later."""
    asked: int = 0
    """How many requests for missing datagrams were sent to it."""
    lost: int = 0
    """How many times something of it was lost for good, so that the log had to be read."""

    def public(self, now: float) -> dict[str, object]:
        """The fields, with `age` and `silent`, in seconds before `now`, in place of its times: the clock that these
        were read from is this process's own."""
        line = asdict(self)
        return line | {"age": round(now - line.pop("started"), 1), "silent": round(now - line.pop("last_seen"), 1)}


class Listener(Protocol):
    """What a bus tells its node."""

    def heard(self, node: str, event: bytes) -> None:
        """`node` published `event`."""

    def missed(self, node: str | None) -> None:
        """Events of `node`, or of any node if it is None, are lost for good. What they told is in the log."""

    def node_up(self, info: NodeInfo) -> None:
        """A node has come up."""

    def node_down(self, info: NodeInfo) -> None:
        """A node said goodbye or gave no sign of life."""


class Bus(Protocol):
    """One node's connection to the cluster."""

    @property
    def node(self) -> str:
        """This node's id: random, 16 hexadecimal digits, new at every start of the process."""

    @property
    def dropped(self) -> int:
        """How many received items could not be used: damaged, forged, or of another version."""

    @property
    def joined(self) -> bool:
        """Whether publishing and hearing work now, as far as this node can tell."""

    def start(self, listener: Listener) -> Deferred[None]:
        """Begin. Fires when publishing and hearing work, or, if the network isn't there yet, when they are being tried.
        OSError if they will never work.
        """

    def publish(self, topics: Collection[Topic], event: bytes) -> None:
        """Tell the nodes that subscribe to one of `topics`. ValueError if `event` is empty or larger than
        `MAX_EVENT`."""

    def subscribe(self, topic: Topic) -> Deferred[None]:
        """Subscribe this node to `topic`. What is published after the Deferred has fired is heard, or `missed` is
        called.

        Wait for it before reading the log for a user who connects: otherwise what happens in between is neither read
        nor heard. It never fails, and never waits for a network that can't be reached. Everyone's topic needs no
        subscription. Subscribing twice is the same as subscribing once.
        """

    def unsubscribe(self, topic: Topic) -> None:
        """End the subscription to `topic`."""

    def nodes(self) -> list[NodeInfo]:
        """The nodes that are up, this one first, the others by id."""

    def describe(self, *, connections: int | None = None, address: str | None = None) -> None:
        """Change what the other nodes are told of this one, with the next announcement (within a second)."""

    def stop(self) -> Deferred[None]:
        """Send what waits, say goodbye, and end. The listener hears nothing more. Stopping twice is the same as
        stopping once.
        """
