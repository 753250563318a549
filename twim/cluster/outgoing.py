"""One node's datagrams on their way out: joined at the end of a reactor turn, paced, kept, and repeated for
who asks.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.cluster.numbering import SPANS, Sent, Span
from twim.cluster.packing import Packer
from twim.cluster.sealing import DATA, OVERHEAD, Seal

DATAGRAM = 1400  # bytes at most: with 28 of IP and UDP within Ethernet's 1500, and some for a tunnel
BACKLOG = 4096  # datagrams (5.7 MB) that wait for the network; what comes on top is dropped and counted
BURST = 64  # datagrams at once: 90 KB, which fit into a receiver's socket buffer of common size (208 KiB)
PACE = 0.002  # seconds between bursts: at most 32,000 datagrams or 45 MB a second
REPEATS = 256  # datagrams sent again for one request; the rest will be asked for again
REPEAT_PAUSE = 0.005  # seconds in which one datagram isn't repeated twice: several nodes may have missed the same


class Outgoing:
    """Seals and sends. `send` takes a datagram and says whether the socket had room for it."""

    def __init__(
        self, seal: Seal, clock: IReactorTime, send: Callable[[bytes], bool], keep: Sent | None = None
    ) -> None:
        self._seal = seal
        self._clock = clock
        self._send = send
        self._packer = Packer(DATAGRAM - OVERHEAD, self._ship)
        self._kept = keep or Sent()
        self.sent = 0
        """the highest number that went out; those above wait"""
        self._controls = 0
        self._pending: IDelayedCall | None = None
        self._hole = False
        self.dropped = 0
        """events that found the queue full"""
        self.repeated = 0
        """datagrams sent again"""
        self.last_sent = 0.0
        """when a new datagram went out"""

    def add(self, event: bytes) -> None:
        """Send `event` at the end of this reactor turn."""
        if self._kept.last - self.sent >= BACKLOG:
            self._drop()
            return
        self._hole = False
        self._packer.add(event)
        if self._pending is None:
            self._pending = self._clock.callLater(0, self._flush)

    def control(self, kind: int, payload: bytes) -> None:
        """Send something now that isn't kept, and may be lost."""
        self._controls += 1
        self._send(self._seal.close(kind, self._controls, payload))

    def repeat(self, spans: list[Span]) -> list[Span]:
        """Send these again; returns those that are gone."""
        gone: list[Span] = []
        oldest, left, now = self._kept.oldest, REPEATS, self._clock.seconds()
        if spans and spans[0].first < oldest:
            gone.append(Span(1, oldest - 1))
        for first, length in spans:
            for number in range(max(first, oldest), min(first + length, self.sent + 1)):
                if left and self._kept.get(number) is None:
                    gone.append(Span(number, 1))
                elif left and (datagram := self._kept.repeat(number, now, REPEAT_PAUSE)) is not None:
                    self._send(datagram)
                    self.repeated += 1
                    left -= 1
        return gone[:SPANS]

    def drain(self) -> None:
        """Send all that waits, at once, and nothing later."""
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        self._packer.flush()
        self._pump(BACKLOG)

    def _drop(self) -> None:
        self.dropped += 1
        if not self._hole:
            # A number without a datagram: receivers ask for it, learn that it is gone, and read the log.
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
        """Send up to `burst` of what waits; whether all of it is out."""
        last = min(self._kept.last, self.sent + burst)
        while self.sent < last:
            datagram = self._kept.get(self.sent + 1)
            if datagram is not None and not self._send(datagram):
                return False
            self.sent += 1
        self.last_sent = self._clock.seconds()
        return self.sent == self._kept.last
