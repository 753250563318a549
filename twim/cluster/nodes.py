"""What nodes announce about themselves, and how much they publish."""

from __future__ import annotations

import secrets
from typing import Annotated, Final

import msgspec

from twim.cluster.interface import DOWN_WITHIN, MAX_EVENT, NodeInfo

MAX_NODES = 64  # how many other nodes one node knows; their ids must fit into an announcement
ANNOUNCE_EVERY = 0.5  # seconds; if 20 % are lost, all of SILENT_AFTER are lost with a probability of 0.2 ** 8
SILENT_AFTER = DOWN_WITHIN - 2 * ANNOUNCE_EVERY  # seconds; whether a node is silent is checked with each announcement

_SMOOTH = 0.2  # the share of the newest interval in a rate: a rate is about that of the last 3 s


def new_node() -> str:
    """A node's id, never used before."""
    return secrets.token_hex(8)


def check_event(event: bytes) -> None:
    """ValueError unless `event` can be published."""
    if not 0 < len(event) <= MAX_EVENT:
        raise ValueError(f"an event has 1 to {MAX_EVENT} bytes, not {len(event)}")


_UPTIME: Final = 1e10  # seconds: longer than any real uptime; NaN and infinity are not below it
_Text = Annotated[str, msgspec.Meta(max_length=255)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Unreadable(ValueError):
    """The payload is not an announcement of this version."""


class Announcement(msgspec.Struct, array_like=True, frozen=True):
    """A sign of life. It has the uptime in seconds and not the time of the start, because the clocks of machines
    differ."""

    epoch: _Text
    version: _Text
    address: _Text
    connections: _Count
    uptime: float
    last: _Count
    """The number of the newest thing that was published."""
    drops: _Count
    """How many times something was published that reached nobody."""
    heard: Annotated[bytes, msgspec.Meta(max_length=8 * MAX_NODES)]
    """The ids of the nodes that it heard lately, 8 bytes each. They prove that the announcement is new and not a
    replay."""
    bye: bool

    def hears(self, id: bytes) -> bool:
        """Whether the node with that id is among `heard`."""
        size = len(id)
        return any(self.heard[at : at + size] == id for at in range(0, len(self.heard), size))


encode_announcement = msgspec.msgpack.Encoder().encode
_decode_announcement = msgspec.msgpack.Decoder(Announcement).decode


def decode_announcement(payload: bytes) -> Announcement:
    """The announcement in `payload`. Unreadable if `payload` is anything else."""
    try:
        announced = _decode_announcement(payload)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(type(error).__name__) from None
    if not 0 <= announced.uptime < _UPTIME:
        raise Unreadable("uptime")
    return announced


class Meter:
    """Counts events and their bytes, and computes their recent rates per second."""

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
        """Take over what the node announced; `address` is used if it announced none."""
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
