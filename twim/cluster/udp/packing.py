"""Makes payloads of a bounded size of events, and events of payloads. Small events are joined, large ones are split.
Without input or output.

A payload is a sequence of frames, each ``kind and size (2 bytes) · size bytes``. The upper two bits are the kind: a
whole event, the first part of one (its bytes begin with the size of the event, 4 bytes), or a further part. The event
ends where its size says. Payloads must be unpacked in the order in which they were packed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from twim.cluster.interface import MAX_EVENT

_FIRST = 0x4000
_MORE = 0x8000
_SIZE = 0x3FFF
_HEAD = struct.Struct(">H")
_TOTAL = struct.Struct(">I")
# The heads of whole events, made once: packing each of them anew would cost more than all the rest.
_HEADS = [_HEAD.pack(size) for size in range(2048)]


class Garbled(ValueError):
    """The payload was not made by a `Packer`."""


class Packer:
    """Collects events, and calls `ship` with payloads of at most `room` bytes."""

    def __init__(self, room: int, ship: Callable[[bytes], None]) -> None:
        if room > len(_HEADS):
            raise ValueError(f"room for {room} bytes is more than {len(_HEADS)}")
        self._room = room
        self._ship = ship
        self._waiting = bytearray()

    def add(self, event: bytes) -> None:
        """Append `event` to those that wait. Payloads that are full are shipped."""
        waiting = self._waiting
        if len(waiting) + 2 + len(event) > self._room:
            self.flush()
            if 2 + len(event) > self._room:
                self._split(event)
                return
        waiting += _HEADS[len(event)]
        waiting += event

    def flush(self) -> None:
        """Ship the events that wait, also if there is room for more."""
        if self._waiting:
            payload = bytes(self._waiting)
            self._waiting.clear()
            self._ship(payload)

    def _split(self, event: bytes) -> None:
        # The last part is left waiting, so that small events can be joined to it.
        kind, rest = _FIRST, memoryview(_TOTAL.pack(len(event)) + event)
        while rest:
            if self._waiting:
                self.flush()
            part, rest = rest[: self._room - 2], rest[self._room - 2 :]
            self._waiting += _HEAD.pack(kind | len(part))
            self._waiting += part
            kind = _MORE


class Unpacker:
    """Gets the events of one `Packer` back from its payloads."""

    def __init__(self) -> None:
        self._total = 0  # size of the event of which parts were read; 0 between events
        self._parts = bytearray()

    def feed(self, payload: bytes) -> list[bytes]:
        """The events that are complete with `payload`. Garbled if it isn't well-formed; an event that was begun is then
        forgotten."""
        events = []
        at, end = 0, len(payload)
        try:
            while at < end:
                head = payload[at] << 8 | payload[at + 1]
                at += 2
                stop = at + (head & _SIZE)
                if stop > end or stop == at:
                    raise Garbled("a frame's size is wrong")
                if head < _FIRST:
                    events.append(payload[at:stop])
                elif event := self._joined(head & ~_SIZE, payload[at:stop]):
                    events.append(event)
                at = stop
        except (Garbled, IndexError, struct.error) as error:
            self.cut()
            raise Garbled(str(error)) from error
        return events

    def cut(self) -> None:
        """A payload was lost: forget the event that was begun, since it can't be completed."""
        self._total = 0
        self._parts.clear()

    def _joined(self, kind: int, part: bytes) -> bytes | None:
        if kind == _FIRST:
            self.cut()
            (self._total,) = _TOTAL.unpack_from(part)
            if not 0 < self._total <= MAX_EVENT:
                raise Garbled(f"an event of {self._total} bytes")
            part = part[_TOTAL.size :]
        elif kind != _MORE:
            raise Garbled("a frame of unknown kind")
        elif not self._total:
            return None  # the rest of an event whose beginning was lost
        self._parts += part
        return self._completed()

    def _completed(self) -> bytes | None:
        if len(self._parts) < self._total:
            return None
        if len(self._parts) > self._total:
            raise Garbled("parts are larger than their event")
        event = bytes(self._parts)
        self.cut()
        return event
