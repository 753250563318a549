"""Another node as the UDP bus knows it, and what it still owes."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall

from twim.cluster.nodes import Announcement, Record
from twim.cluster.numbering import Inbound
from twim.cluster.packing import Unpacker
from twim.cluster.sealing import ReplayWindow, Seal

# Seconds for a datagram that was overtaken to come by itself; up to twice this, so that not all ask at once.
ASK_AFTER = 0.01
ASK_AGAIN = 0.02  # seconds to wait for what was asked for
ASK_SELDOM = 0.25  # seconds that this wait grows to while nothing comes


class Peer(Record):
    """Kept after its node went down, so that nobody can play it again and that a cut can be mended."""

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
        """It is up from now on; `uptime` is this node's own. Whether something it published can't be heard
        any more.

        One that started after us has published nothing that isn't for us, and probably has it still. With one
        that was there before us we begin now. After a cut we go on where it began.
        """
        self.up = True
        if self.inbound is not None:
            return False
        younger = announced.uptime < uptime
        self.inbound = Inbound(1 if younger else announced.last + 1)
        return not younger and announced.last > 0

    def end(self) -> list[bytes | None]:
        """It is down: what can still be delivered of it."""
        self.up = False
        self.stop_asking()
        return self.inbound.give_up_all() if self.inbound is not None else []

    def stop_asking(self) -> None:
        """Forget the next request."""
        if self.asking is not None:
            self.asking.cancel()
            self.asking = None

    def next_pause(self) -> float:
        """Seconds to wait after a request: short while something comes, longer and longer while not."""
        at = self.inbound.next if self.inbound is not None else 0
        self._pause = ASK_AGAIN if at != self._asked_at else min(2 * self._pause, ASK_SELDOM)
        self._asked_at = at
        return self._pause
