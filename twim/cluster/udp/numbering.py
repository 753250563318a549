"""Numbered payloads: a sender keeps what it sent for a while, and a receiver puts what comes in order and knows what is
missing. Without input or output.

A sender numbers its payloads 1, 2, 3 … `Sent` keeps the last of them. For each sender a receiver has an `Inbound`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

KEEP = 8192  # payloads that a sender can send again: about 11 MB, or the last 8 s at 1,000 a second
HOLD = 4096  # payloads that came too early and are held, for each sender: at most 6 MB
RANGES = 64  # ranges of numbers in one datagram

_RANGE = struct.Struct(">QI")


class NumberRange(NamedTuple):
    """The numbers from `first` to `first + length - 1`."""

    first: int
    length: int


def packed(ranges: Iterable[NumberRange]) -> bytes:
    """The ranges as bytes, 12 for each."""
    return b"".join(_RANGE.pack(*range_) for range_ in ranges)


def unpacked(data: bytes) -> list[NumberRange]:
    """The ranges in `data`. ValueError if there are more than `RANGES`, or if the last one is incomplete."""
    if len(data) % _RANGE.size or len(data) > RANGES * _RANGE.size:
        raise ValueError("not a row of ranges")
    return [NumberRange._make(fields) for fields in _RANGE.iter_unpack(data)]


class Sent:
    """The numbers given so far, and the last `keep` of what was sent under them."""

    def __init__(self, keep: int = KEEP) -> None:
        self._slots: list[bytes | None] = [None] * keep
        self._repeated = [0.0] * keep
        self.last = 0
        """The highest number that was given; 0 at first."""

    @property
    def oldest(self) -> int:
        """The lowest number that may still be kept."""
        return max(1, self.last - len(self._slots) + 1)

    def add(self, datagram: bytes | None) -> None:
        """Keep `datagram` under the next number. With None nothing has that number, so that receivers see a gap."""
        self.last += 1
        at = self.last % len(self._slots)
        self._slots[at] = datagram
        self._repeated[at] = 0.0

    def get(self, number: int) -> bytes | None:
        """What was sent under `number`, or None if it is gone."""
        return self._slots[number % len(self._slots)] if self.oldest <= number <= self.last else None

    def repeat(self, number: int, now: float, pause: float) -> bytes | None:
        """What was sent under `number`, unless it was repeated less than `pause` seconds ago for another node."""
        at = number % len(self._slots)
        if now - self._repeated[at] < pause:
            return None
        self._repeated[at] = now
        return self._slots[at]


class Inbound:
    """Puts one sender's payloads in order."""

    def __init__(self, first: int, hold: int = HOLD) -> None:
        self.next = first
        """The lowest number that has neither come nor been given up."""
        self._highest = first - 1
        self._hold = hold
        self._held: dict[int, bytes] = {}

    @property
    def gap(self) -> bool:
        """Whether it is known that something was sent that hasn't come."""
        return self._highest >= self.next

    def wants(self, number: int) -> bool:
        """Whether the payload with that number is new, and not so far ahead that it can't be held."""
        return 0 <= number - self.next < self._hold and number not in self._held

    def take(self, number: int, payload: bytes) -> list[bytes]:
        """Take a payload that `wants` agreed to. Gives all payloads that can be delivered now, in order."""
        if number > self._highest:
            self._highest = number
        if number != self.next:
            self._held[number] = payload
            return []
        self.next += 1
        return [payload, *self._run()] if self._held else [payload]

    def know(self, highest: int) -> None:
        """The sender has said that it sent numbers up to `highest`."""
        self._highest = max(self._highest, highest)

    def missing(self) -> list[NumberRange]:
        """The lowest ranges of numbers that were sent, haven't come, and could be held if they came. At most
        `RANGES`."""
        ranges: list[NumberRange] = []
        first = 0
        end = min(self._highest + 1, self.next + self._hold)
        for number in range(self.next, end + 1):
            lacking = number < end and number not in self._held
            if lacking and not first:
                first = number
            elif first and not lacking:
                ranges.append(NumberRange(first, number - first))
                first = 0
                if len(ranges) == RANGES:
                    break
        return ranges

    def give_up(self, ranges: Iterable[NumberRange]) -> list[bytes | None]:
        """The sender no longer has these. Gives what can be delivered now, with a None where something is lost.

        A range that doesn't contain the next number is ignored: it will be asked for again when its turn comes.
        """
        ready: list[bytes | None] = []
        for first, length in sorted(ranges):
            if first <= self.next < first + length:
                ready += self._skip(first + length)
        return ready

    def give_up_all(self) -> list[bytes | None]:
        """The sender is gone, and everything that is missing with it. Gives what `give_up` gives."""
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
