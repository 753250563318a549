"""Numbered payloads: what was sent is kept a while, what comes is put in order, and what is missing is known.
Sans-IO.

A sender numbers its payloads 1, 2, 3 … `Sent` keeps the last of them. For each sender a receiver has an
`Inbound`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

KEEP = 8192  # payloads a sender can send again: about 11 MB; at 1,000 a second the last 8 s
HOLD = 4096  # payloads held that came before their turn, for each sender: at most 6 MB
SPANS = 64  # spans of numbers in one datagram

_SPAN = struct.Struct(">QI")


class Span(NamedTuple):
    """The numbers `first` … `first + length - 1`."""

    first: int
    length: int


def packed(spans: Iterable[Span]) -> bytes:
    """`spans` as bytes."""
    return b"".join(_SPAN.pack(*span) for span in spans)


def unpacked(data: bytes) -> list[Span]:
    """The spans in `data`. ValueError if there are too many or one is cut off."""
    if len(data) % _SPAN.size or len(data) > SPANS * _SPAN.size:
        raise ValueError("not a row of spans")
    return [Span._make(fields) for fields in _SPAN.iter_unpack(data)]


class Sent:
    """The numbers given so far, and the last `keep` of what was sent under them."""

    def __init__(self, keep: int = KEEP) -> None:
        self._slots: list[bytes | None] = [None] * keep
        self._repeated = [0.0] * keep
        self.last = 0
        """the highest number given; 0 at first"""

    @property
    def oldest(self) -> int:
        """The lowest number that may still be kept."""
        return max(1, self.last - len(self._slots) + 1)

    def add(self, datagram: bytes | None) -> None:
        """Keep `datagram` under the next number; None gives the number to nothing, so that receivers see a
        gap.
        """
        self.last += 1
        at = self.last % len(self._slots)
        self._slots[at] = datagram
        self._repeated[at] = 0.0

    def get(self, number: int) -> bytes | None:
        """What was sent under `number`, or None if it is gone."""
        return self._slots[number % len(self._slots)] if self.oldest <= number <= self.last else None

    def repeat(self, number: int, now: float, pause: float) -> bytes | None:
        """What was sent under `number`, unless it was repeated less than `pause` seconds ago (others asked
        for it too).
        """
        at = number % len(self._slots)
        if now - self._repeated[at] < pause:
            return None
        self._repeated[at] = now
        return self._slots[at]


class Inbound:
    """Puts one sender's payloads in order."""

    def __init__(self, first: int, hold: int = HOLD) -> None:
        self.next = first
        """the lowest number that has neither come nor been given up"""
        self._highest = first - 1
        self._hold = hold
        self._held: dict[int, bytes] = {}

    @property
    def gap(self) -> bool:
        """Whether something is known to exist that hasn't come."""
        return self._highest >= self.next

    def wants(self, number: int) -> bool:
        """Whether the payload with that number is news, and not so early that it can't be held."""
        return 0 <= number - self.next < self._hold and number not in self._held

    def take(self, number: int, payload: bytes) -> list[bytes]:
        """The payloads whose turn it is now that this wanted one came."""
        if number > self._highest:
            self._highest = number
        if number != self.next:
            self._held[number] = payload
            return []
        self.next += 1
        return [payload, *self._run()] if self._held else [payload]

    def know(self, highest: int) -> None:
        """The sender says that it sent numbers up to `highest`."""
        self._highest = max(self._highest, highest)

    def missing(self) -> list[Span]:
        """The lowest spans of numbers that exist, haven't come, and could be held if they came; at most
        `SPANS`.
        """
        spans: list[Span] = []
        first = 0
        end = min(self._highest + 1, self.next + self._hold)
        for number in range(self.next, end + 1):
            lacking = number < end and number not in self._held
            if lacking and not first:
                first = number
            elif first and not lacking:
                spans.append(Span(first, number - first))
                first = 0
                if len(spans) == SPANS:
                    break
        return spans

    def give_up(self, spans: Iterable[Span]) -> list[bytes | None]:
        """The sender no longer has these. What can be delivered now, with a None where something is lost.

        A span that is not next is left alone: it will be asked for when its turn comes.
        """
        ready: list[bytes | None] = []
        for first, length in sorted(spans):
            if first <= self.next < first + length:
                ready += self._skip(first + length)
        return ready

    def give_up_all(self) -> list[bytes | None]:
        """The sender is gone, and with it all that is missing."""
        return self._skip(self._highest + 1)

    def _skip(self, end: int) -> list[bytes | None]:
        self._highest = max(self._highest, end - 1)
        ready: list[bytes | None] = []
        for number in sorted(self._held):
            if number >= end:
                break
            if number > self.next:
                ready.append(None)
            ready.append(self._held.pop(number))
            self.next = number + 1
        if self.next < end:
            ready.append(None)
            self.next = end
        return ready + self._run()

    def _run(self) -> list[bytes]:
        ready = []
        while (payload := self._held.pop(self.next, None)) is not None:
            ready.append(payload)
            self.next += 1
        return ready
