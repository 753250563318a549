"""Another node, as the UDP bus knows it: its key, its state, and which of its datagrams are missing."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall

from twim.cluster.nodes import Announcement, Record
from twim.cluster.udp.numbering import Inbound
from twim.cluster.udp.packing import Unpacker
from twim.cluster.udp.sealing import ReplayWindow, Seal

# Seconds in which a datagram that was overtaken may still come by itself, before it is asked for. The wait is random,
# up to twice as long, so that not all nodes ask at once.
ASK_AFTER = 0.01
ASK_AGAIN = 0.02  # seconds until a datagram is asked for again
ASK_SELDOM = 0.25  # seconds to which this wait grows while nothing comes


class Peer(Record):
    """It is kept after its node went down, so that nobody can replay its datagrams, and so that what it said during an
    interruption of the network can still be heard."""

    def __init__(self, id: bytes, key: bytes, now: float) -> None:
        super().__init__(id.hex(), now)
        self.id = id
        self.seal = Seal(key, id)
        self.window = ReplayWindow()
        self.unpacker = Unpacker()
        self.up = False
        self.said_bye = False
        self.inbound: Inbound | None = None
        self.asking: IDelayedCall | None = None
        self._pause = ASK_AGAIN
        self._asked_at = 0

    def begin(self, announced: Announcement, uptime: float) -> bool:
        """The node is up from now on. `uptime` is this node's own, in seconds. Gives whether the other node has
        published something that can't be heard any more.

        If it started after this node, everything that it published is to be heard, and probably can still be had. If it
        started before, hearing begins with what it publishes from now on. After an interruption of the network, hearing
        continues where it stopped.
        """
        self.up = True
        if self.inbound is not None:
            return False
        younger = announced.uptime < uptime
        self.inbound = Inbound(1 if younger else announced.last + 1)
        return not younger and announced.last > 0

    def end(self) -> list[bytes | None]:
        """The node is down. Gives the payloads that can still be delivered, with a None where something is lost."""
        self.up = False
        self.stop_asking()
        return self.inbound.give_up_all() if self.inbound is not None else []

    def stop_asking(self) -> None:
        """Cancel the next request for what is missing."""
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None

    def next_pause(self) -> float:
        """Seconds to wait after a request. The wait is short while datagrams come, and doubles while none does."""
        at = self.inbound.next if self.inbound is not None else 0
        self._pause = ASK_AGAIN if at != self._asked_at else min(2 * self._pause, ASK_SELDOM)
        self._asked_at = at
        return self._pause
