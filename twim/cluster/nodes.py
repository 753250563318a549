"""What nodes tell of themselves, and how much they say."""

from __future__ import annotations

import secrets

import msgspec

from twim.cluster.interface import DOWN_WITHIN, MAX_EVENT, NodeInfo

MAX_NODES = 64  # others that one node knows; the list of them must fit into an announcement
ANNOUNCE_EVERY = 0.5  # seconds: at 20 % loss, silence by chance for SILENT_AFTER has a probability of 0.2 ** 8
SILENT_AFTER = DOWN_WITHIN - 2 * ANNOUNCE_EVERY  # seconds: it is looked for once per announcement

_SMOOTH = 0.2  # the share of the newest interval in a rate: what is seen is about the last 3 s


def new_node() -> str:
    """A node's id, never used before."""
    return secrets.token_hex(8)


def check_event(event: bytes) -> None:
    """ValueError unless `event` can be published."""
    if not 0 < len(event) <= MAX_EVENT:
        raise ValueError(f"an event has 1 to {MAX_EVENT} bytes, not {len(event)}")


class Announcement(msgspec.Struct, array_like=True, frozen=True):
    """A sign of life. `uptime` instead of a time of day, because clocks differ."""

    epoch: str
    version: str
    address: str
    connections: int
    uptime: float
    last: int
    """the number of the last thing published"""
    drops: int
    """how often things were published that reached nobody"""
    heard: bytes
    """the ids of the nodes that it heard lately, 8 bytes each: the proof that it speaks now and isn't a
    recording
    """
    bye: bool

    def hears(self, id: bytes) -> bool:
        """Whether the node with that id is among `heard`."""
        size = len(id)
        return any(self.heard[at : at + size] == id for at in range(0, len(self.heard), size))


encode_announcement = msgspec.msgpack.Encoder().encode
decode_announcement = msgspec.msgpack.Decoder(Announcement).decode


class Meter:
    """Counts events and their bytes, and knows how many they were per second of late."""

    def __init__(self, now: float) -> None:
        self.events = 0
        self.bytes = 0
        self.events_per_second = 0.0
        self.bytes_per_second = 0.0
        self._before = (now, 0, 0)

    def tick(self, now: float) -> None:
        """Bring the rates up to date; to be called about once per `ANNOUNCE_EVERY`."""
        then, events, size = self._before
        if now > then:
            self.events_per_second += _SMOOTH * ((self.events - events) / (now - then) - self.events_per_second)
            self.bytes_per_second += _SMOOTH * ((self.bytes - size) / (now - then) - self.bytes_per_second)
        self._before = (now, self.events, self.bytes)


class Record:
    """What is known of a node, this one or another."""

    def __init__(self, node: str, now: float) -> None:
        self.node = node
        self.epoch = self.version = self.address = ""
        self.connections = 0
        self.started = self.last_seen = now
        self.meter = Meter(now)
        self.gaps = self.asked = self.lost = 0

    def learn(self, announced: Announcement, now: float, address: str) -> None:
        """Take over what it says of itself; `address` is for one that doesn't say where it is."""
        self.epoch, self.version, self.connections = announced.epoch, announced.version, announced.connections
        self.address = announced.address or address
        self.started = now - announced.uptime
        self.last_seen = now

    def describe(self, connections: int | None, address: str | None) -> None:
        """As `Bus.describe`."""
        if connections is not None:
            self.connections = connections
        if address is not None:
            self.address = address

    def announcement(self, now: float, *, last: int, drops: int = 0, heard: bytes = b"", bye: bool = False) -> bytes:
        """The announcement of this node."""
        return encode_announcement(
            Announcement(
                self.epoch,
                self.version,
                self.address,
                self.connections,
                now - self.started,
                last,
                drops,
                heard,
                bye,
            )
        )

    def info(self) -> NodeInfo:
        """A copy for others."""
        return NodeInfo(
            node=self.node,
            address=self.address,
            version=self.version,
            epoch=self.epoch,
            connections=self.connections,
            started=self.started,
            last_seen=self.last_seen,
            events=self.meter.events,
            events_per_second=round(self.meter.events_per_second, 1),
            bytes_per_second=round(self.meter.bytes_per_second, 1),
            gaps=self.gaps,
            asked=self.asked,
            lost=self.lost,
        )
