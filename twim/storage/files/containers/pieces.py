"""What is kept of a file: pieces of it, with new bytes between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Final, NamedTuple

Source = bytes | mmap
"""A file's bytes: mapped, so that a large one is never whole in memory."""

STEPS: Final = 2_000_000
"""Parts of one file that are looked at; a GIF of 500 MiB has as many. Each takes a microsecond."""

MOST_PIECES: Final = 200_000
"""Of one file. A photograph has five, an animation of a thousand frames whose every frame had a comment as many."""

_COPIED = 1 << 18
_ZEROS = bytes(_COPIED)


class Unclean(Exception):
    """A file that isn't what it begins like, so that nobody can tell what in it is the picture."""


class Span(NamedTuple):
    """Bytes of the source."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Zeros:
    """So many zeros."""

    count: int


Piece = bytes | Span | Zeros


class Pieces:
    """Gathers pieces in their order. Neighbours in the source become one."""

    def __init__(self) -> None:
        self.size = 0
        self._pieces: list[Piece] = []

    def keep(self, start: int, end: int) -> None:
        """These bytes of the source."""
        if end <= start:
            return
        self.size += end - start
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, Span) and last.end == start:
            self._pieces[-1] = Span(last.start, end)
        else:
            self._append(Span(start, end))

    def put(self, data: bytes) -> None:
        """Bytes that the source doesn't have."""
        self.size += len(data)
        self._append(data)

    def blank(self, count: int) -> None:
        """Zeros."""
        if count > 0:
            self.size += count
            self._append(Zeros(count))

    def extend(self, other: Pieces) -> None:
        """Everything that `other` has gathered."""
        for piece in other:
            if isinstance(piece, Span):
                self.keep(*piece)
            elif isinstance(piece, Zeros):
                self.blank(piece.count)
            else:
                self.put(piece)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def is_whole(self, source: Source) -> bool:
        """Whether it is the source, unchanged."""
        return self._pieces == [Span(0, len(source))]

    def of(self, source: Source) -> Iterator[bytes]:
        """The bytes, no more than 256 KiB at a time unless they are new."""
        for piece in self._pieces:
            if isinstance(piece, Span):
                for start in range(piece.start, piece.end, _COPIED):
                    yield source[start : min(start + _COPIED, piece.end)]
            elif isinstance(piece, Zeros):
                for start in range(0, piece.count, _COPIED):
                    yield _ZEROS[: min(_COPIED, piece.count - start)]
            else:
                yield piece

    def _append(self, piece: Piece) -> None:
        if len(self._pieces) >= MOST_PIECES:
            raise Unclean("too many parts")
        self._pieces.append(piece)


@dataclass(frozen=True, slots=True)
class Bare:
    """A picture's file without its metadata."""

    pieces: Pieces
    orientation: int = 1
    """How the file says that its pixels are to be turned, as EXIF numbers it: 1 is upright."""
    animated: bool = False
