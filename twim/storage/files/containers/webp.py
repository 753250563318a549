"""WebP (RFC 9649)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from twim.storage.files.containers import exif
from twim.storage.files.containers.pieces import STEPS, Bare, Pieces, Source, Unclean

_FRAME: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH"))
_KEPT: Final = _FRAME | {b"VP8X", b"ICCP", b"ANIM"}
_PIXELS: Final = frozenset((b"VP8 ", b"VP8L", b"ANMF"))
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04
_FRAME_HEAD: Final = 16
_EXIF_BYTES: Final = 1 << 20  # of EXIF that is looked into


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    data: int
    end: int
    """Padding included; never beyond the file."""


def strip(data: Source, marked: bool = False) -> Bare:
    """Bytes after the end are removed, too. A file that breaks off among its pixels stays so."""
    stop = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    chunks = list(_chunks(data, 12, stop))
    if not any(one.kind in _PIXELS for one in chunks):
        raise Unclean("WebP: without pixels")
    extended = chunks[0].kind == b"VP8X"
    orientation = _orientation(data, chunks) if extended else 1
    told = chunk(b"EXIF", exif.only(orientation)) if marked and orientation != 1 else b""
    body, frames = Pieces(), 0
    for one in chunks:
        if one.kind == b"VP8X":
            flags = data[one.data] & ~(_EXIF_FLAG | _XMP_FLAG) | (_EXIF_FLAG if told else 0)
            _replaced(body, data, one, flags)
        elif one.kind == b"ANMF":
            frames += 1
            _animated(body, data, one)
        elif one.kind in _KEPT:
            body.keep(one.start, one.end)
    whole = Pieces()
    size = (body.size + len(told) + 4).to_bytes(4, "little")
    if size == data[4:8]:
        whole.keep(0, 12)
    else:
        whole.put(b"RIFF" + size + b"WEBP")
    whole.extend(body)
    if told:
        whole.put(told)
    return Bare(whole, orientation, frames > 1)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk, padded."""
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def _chunks(data: Source, at: int, stop: int) -> Iterator[_Chunk]:
    for _ in range(STEPS):
        if at + 8 > stop:
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(at + 8 + size + size % 2, stop)
        yield _Chunk(bytes(data[at : at + 4]), at, at + 8, end)
        at = end
    raise Unclean("WebP: too many chunks")


def _orientation(data: Source, chunks: list[_Chunk]) -> int:
    for one in chunks:
        if one.kind == b"EXIF":
            return exif.orientation_of(data[one.data : min(one.end, one.data + _EXIF_BYTES)])
    return 1


def _replaced(body: Pieces, data: Source, one: _Chunk, flags: int) -> None:
    if flags == data[one.data]:
        body.keep(one.start, one.end)
        return
    body.keep(one.start, one.data)
    body.put(bytes([flags]))
    body.keep(one.data + 1, one.end)


def _animated(body: Pieces, data: Source, one: _Chunk) -> None:
    """One frame of an animation, which may have unknown chunks of its own."""
    inner = Pieces()
    within = one.data + _FRAME_HEAD
    for part in _chunks(data, within, one.end):
        if part.kind in _FRAME:
            inner.keep(part.start, part.end)
    if inner.size == one.end - within:
        body.keep(one.start, one.end)
        return
    body.put(b"ANMF" + (_FRAME_HEAD + inner.size).to_bytes(4, "little"))
    body.keep(one.data, within)
    body.extend(inner)
