"""The datagrams that one node sends. Events of one reactor iteration are joined, and datagrams are sent at a bounded
pace and kept for a while, so that they can be sent again to nodes that ask for them."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.cluster.udp.numbering import RANGES, NumberRange, Sent
from twim.cluster.udp.packing import Packer
from twim.cluster.udp.sealing import DATA, OVERHEAD, Seal

DATAGRAM = 1400  # bytes at most: with 28 of IP and UDP it fits into Ethernet's 1500, with some room for a tunnel
BACKLOG = 4096  # datagrams (5.7 MB) that may wait for the network; further ones are dropped and counted
BURST = 64  # datagrams sent at once: 90 KB, which fit into the usual socket buffer of a receiver (208 KiB)
PACE = 0.002  # seconds between bursts: at most 32,000 datagrams or 45 MB a second
REPEATS = 256  # datagrams that are sent again for one request; the others will be asked for again
REPEAT_PAUSE = 0.005  # seconds in which a datagram is repeated only once, since several nodes may have missed it


class Outgoing:
    """Seals datagrams and sends them. `send` takes a datagram and says whether the socket had room for it."""

    def __init__(
        self, seal: Seal, clock: IReactorTime, send: Callable[[bytes], bool], keep: Sent | None = None
    ) -> None:
        self._seal = seal
        self._clock = clock
        self._send = send
        self._packer = Packer(DATAGRAM - OVERHEAD, self._ship)
        self._kept = keep or Sent()
        self.sent = 0
        """The highest number that was sent. Datagrams with higher numbers wait."""
        self._controls = 0
        self._pending: IDelayedCall | None = None
        self._hole = False
        self.dropped = 0
        """How many events were dropped because the queue was full."""
        self.repeated = 0
        """How many datagrams were sent again."""
        self.last_sent = 0.0
        """When a new datagram was sent last, in seconds of the clock."""

    def add(self, event: bytes) -> None:
        """Send `event` at the end of this reactor iteration."""
        if self._kept.last - self.sent >= BACKLOG:
            self._drop()
            return
        self._hole = False
        self._packer.add(event)
        if self._pending is None:
            self._pending = self._clock.callLater(0, self._flush)

    def control(self, kind: int, payload: bytes) -> None:
        """Send at once a datagram that isn't kept, and may be lost."""
        self._controls += 1
        self._send(self._seal.close(kind, self._controls, payload))

    def repeat(self, ranges: list[NumberRange]) -> list[NumberRange]:
        """Send the datagrams with these numbers again. Gives the numbers that are no longer kept."""
        gone: list[NumberRange] = []
        oldest, left, now = self._kept.oldest, REPEATS, self._clock.seconds()
        if ranges and ranges[0].first < oldest:
            gone.append(NumberRange(1, oldest - 1))
        for first, length in ranges:
            for number in range(max(first, oldest), min(first + length, self.sent + 1)):
                if left and self._kept.get(number) is None:
                    gone.append(NumberRange(number, 1))
                elif left and (datagram := self._kept.repeat(number, now, REPEAT_PAUSE)) is not None:
                    self._send(datagram)
                    self.repeated += 1
                    left -= 1
        return gone[:RANGES]

    def drain(self) -> None:
        """Send at once everything that waits, and nothing later."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        self._packer.flush()
        self._pump(BACKLOG)

    def _drop(self) -> None:
        self.dropped += 1
        if not self._hole:
            # This gives a number to no datagram. The receivers ask for it, learn that it is gone, and read the log.
            self._hole = True
            self._packer.flush()
            self._kept.add(None)

    def _ship(self, payload: bytes) -> None:
        self._kept.add(self._seal.close(DATA, self._kept.last + 1, payload))

    def _flush(self) -> None:
        self._pending = None
        self._packer.flush()
        if self._pump(BURST):
            return
        self._pending = self._clock.callLater(PACE, self._flush)

    def _pump(self, burst: int) -> bool:
        """Send up to `burst` of the datagrams that wait. Gives whether none waits any more."""
        last = min(self._kept.last, self.sent + burst)
        while self.sent < last:
            datagram = self._kept.get(self.sent + 1)
            if datagram is not None and not self._send(datagram):
                return False
            self.sent += 1
        self.last_sent = self._clock.seconds()
        return self.sent == self._kept.last
