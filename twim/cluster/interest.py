"""The channels that a node is subscribed to, wants to be subscribed to, or is about to be. No input or output."""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.defer import Deferred, succeed


class Interest:
    """`always` are the channels that every node subscribes to."""

    def __init__(self, always: Collection[bytes]) -> None:
        self._always = frozenset(always)
        self._wanted: set[bytes] = set()  # as many as users and groups are present
        self._restoring: set[bytes] = set()  # those that a new connection isn't subscribed to yet
        self._unconfirmed: dict[bytes, int] = {}  # a channel given up and wanted again is confirmed twice
        self._waiting: dict[bytes, list[Deferred[None]]] = {}

    def __contains__(self, channel: bytes) -> bool:
        return channel in self._wanted or channel in self._always

    def __len__(self) -> int:
        return len(self._wanted) + len(self._always)

    @property
    def restoring(self) -> bool:
        """Whether the connection isn't subscribed to all that was wanted when it was made."""
        return bool(self._restoring)

    def add(self, channel: bytes) -> None:
        """Want `channel` from now on."""
        self._wanted.add(channel)

    def remove(self, channel: bytes) -> bool:
        """Want `channel` no longer. Gives whether it was wanted."""
        if channel not in self._wanted:
            return False
        self._wanted.remove(channel)
        return True

    def asked(self, channel: bytes) -> None:
        """A request to subscribe has been sent."""
        self._unconfirmed[channel] = self._unconfirmed.get(channel, 0) + 1

    def settled(self, channel: bytes) -> Deferred[None]:
        """Fires when all requests about `channel` are confirmed, or the connection is lost."""
        if channel not in self._unconfirmed:
            return succeed(None)
        waiting: Deferred[None] = Deferred()
        self._waiting.setdefault(channel, []).append(waiting)
        return waiting

    def connected(self) -> list[bytes]:
        """There is a new connection; the channels to subscribe to."""
        channels = [*self._always, *self._wanted]
        self._restoring = set(channels)
        self._unconfirmed = dict.fromkeys(channels, 1)
        return channels

    def confirmed(self, channel: bytes) -> bool:
        """The server confirmed a subscription. Gives whether it was the last that had to be restored."""
        left = self._unconfirmed.get(channel, 1) - 1
        if left:
            self._unconfirmed[channel] = left
            return False
        self._unconfirmed.pop(channel, None)
        was_restoring = self.restoring
        self._restoring.discard(channel)
        self._release(channel)
        return was_restoring and not self.restoring

    def disconnected(self) -> None:
        """The connection is lost, and with it all requests that were not confirmed."""
        self._unconfirmed.clear()
        self._restoring.clear()
        for channel in list(self._waiting):
            self._release(channel)

    def _release(self, channel: bytes) -> None:
        for waiting in self._waiting.pop(channel, ()):
            waiting.callback(None)
