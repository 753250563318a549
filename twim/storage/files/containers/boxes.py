"""Boxes of the ISO base media file format (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from twim.storage.files.containers.pieces import Pieces, Source, Span, Unclean

FREE: Final = b"free"
_LOOKED_AT: Final = 1 << 16
TIMED: Final = frozenset((b"mvhd", b"tkhd", b"mdhd"))
"""Headers that have times in them."""
HANDLER_NAME: Final = 24  # bytes in an hdlr box before the name of the program that wrote it
_BOXES: Final = 100_000  # the most boxes in a row; a photograph of a hundred tiles has some hundred


class Box(NamedTuple):
    """The position of a box in its file."""

    kind: bytes
    start: int
    data: int
    end: int


class Reader:
    """Whole numbers of a box, one after the other. `Unclean` beyond its end."""

    def __init__(self, data: Source, at: int, end: int) -> None:
        self.at = at
        self._data = data
        self._end = end

    def number(self, size: int) -> int:
        """One of `size` bytes; 0 where there are none."""
        return int.from_bytes(self.bytes(size), "big")

    def bytes(self, size: int) -> bytes:
        """So many bytes."""
        if self.at + size > self._end:
            raise Unclean("boxes: cut off")
        self.at += size
        return bytes(self._data[self.at - size : self.at])


def boxes(data: Source, at: int, end: int) -> Iterator[Box]:
    """The boxes from `at` on. One that goes beyond `end` is `Unclean`."""
    for _ in range(_BOXES):
        if at + 8 > end:
            return
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8]), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise Unclean(f"boxes: {kind!r} goes beyond the end")
        yield Box(kind, at, at + head, at + size)
        at += size
    raise Unclean("boxes: too many")


def box(kind: bytes, data: bytes) -> bytes:
    """A whole box."""
    return (len(data) + 8).to_bytes(4, "big") + kind + data


class Patches:
    """Changes to a file that move nothing in it, so that no offset in it has to be known."""

    def __init__(self, data: Source) -> None:
        self._data = data
        self._changes: list[tuple[int, int, bytes]] = []

    def put(self, start: int, data: bytes) -> None:
        """Replace what is there by these bytes."""
        if self._data[start : start + len(data)] != data:
            self._changes.append((start, start + len(data), data))

    def blank(self, start: int, end: int) -> None:
        """Zeros."""
        if start < end:
            self._changes.append((start, end, b""))

    def free(self, what: Box) -> None:
        """Replace a box by one of the same size that nobody reads."""
        self.put(what.start + 4, FREE)
        self.blank(what.data, what.end)

    def blank_but(self, spans: list[Span], kept: list[Span]) -> None:
        """Zeros in all of `spans` that isn't in `kept` as well."""
        for span in spans:
            at = span.start
            for start, end in sorted(kept):
                if end <= at or start >= span.end:
                    continue
                self.blank(at, start)
                at = max(at, end)
            self.blank(at, span.end)

    def pieces(self, start: int, end: int) -> Pieces:
        """The file from `start` to `end`, changed."""
        out, at = Pieces(), start
        for first, stop, data in sorted(self._changes):
            if stop <= at or first >= end or stop > end:
                continue
            out.keep(at, first)
            begin = max(first, at)
            if data:
                out.put(data[begin - first :])
            elif _is_blank(self._data, begin, stop):
                out.keep(begin, stop)
            else:
                out.blank(stop - begin)
            at = stop
        out.keep(at, end)
        return out


def forget_times(data: Source, one: Box, patches: Patches) -> None:
    """When it was made and changed, of a header of a film, a track or its media."""
    # Version 1 has 8 bytes for each of the two, version 0 has 4.
    patches.blank(one.data + 4, min(one.end, one.data + (20 if data[one.data] == 1 else 12)))


def _is_blank(data: Source, start: int, end: int) -> bool:
    return all(not any(data[at : min(at + _LOOKED_AT, end)]) for at in range(start, end, _LOOKED_AT))
