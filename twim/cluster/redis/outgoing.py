"""What one node publishes on Redis: each event numbered, and counted for each of its topics."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from twim.cluster.redis.protocol import PublishingConnection

HEAD: Final = struct.Struct(">8sQI")
"""What stands before each event: the node's id, the number of the event, and the count of its topic."""

MAX_COUNTS: Final = 65536
"""How many topics a publisher counts. The topic that was not published to for longest begins again at 1."""


class Outgoing:
    """Sends over `connection`, as long as there is one."""

    def __init__(self, node: bytes) -> None:
        self.connection: PublishingConnection | None = None
        self.last = 0
        """The number of the newest event."""
        self.drops = 0
        """How many times something that was published reached nobody, as far as this node knows."""
        self._node = node
        self._counts: dict[bytes, int] = {}

    def publish(self, channels: Iterable[bytes], event: bytes) -> None:
        """Send `event` to each of these channels, with the same number."""
        self.last += 1
        sent = True
        for channel in channels:
            payload = HEAD.pack(self._node, self.last, self.count(channel)) + event
            sent &= self.connection is not None and self.connection.publish_to(channel, payload)
        if not sent:
            self.drops += 1

    def announce(self, channel: bytes, announcement: bytes) -> None:
        """Send an announcement of this node, which has no number. It is dropped if there is no connection."""
        if self.connection is not None:
            self.connection.publish_to(channel, self._node + announcement)

    def disconnected(self, connection: PublishingConnection) -> bool:
        """`connection` is lost, and with it what Redis had not answered. Gives whether it was the one in use."""
        if self.connection is not connection:
            return False
        self.connection = None
        self.drops += bool(connection.waiting)
        return True

    @property
    def is_drained(self) -> bool:
        """Whether Redis has answered everything that was sent, or can't answer any more."""
        return self.connection is None or not self.connection.waiting

    def count(self, channel: bytes) -> int:
        """The next count of a channel."""
        counts = self._counts
        # Taken out and put in again, so that the order is that of use.
        counts[channel] = count = counts.pop(channel, 0) + 1
        if len(counts) > MAX_COUNTS:
            del counts[next(iter(counts))]
        return count
