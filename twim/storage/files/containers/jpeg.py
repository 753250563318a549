"""JPEG (ITU T.81 B.1; JFIF 1.02; ICC.1 annex B; Adobe technical note 5116)."""

from __future__ import annotations

import re
from typing import Final

from twim.storage.files.containers import exif
from twim.storage.files.containers.pieces import STEPS, Bare, Pieces, Source, Unclean

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Within a scan 0 follows an FF that is data, and RST0 to RST7 belong to it."""

_ALONE: Final = frozenset([0x01, *range(0xD0, 0xD9)])
"""Markers without a segment: TEM, RST, SOI."""
_CODING: Final = frozenset([*range(0xC0, 0xD0), *range(0xDB, 0xE0)])
"""Frames, and the tables that decode them."""
_SOS, _EOI, _APP0, _APP1, _APP2, _APP14 = 0xDA, 0xD9, 0xE0, 0xE1, 0xE2, 0xEE
_JFIF_BYTES: Final = 14  # without the thumbnail
_ADOBE_BYTES: Final = 12


def strip(data: Source, marked: bool = False) -> Bare:
    """Bytes after the end are removed, too: phones put a second picture there, with its own EXIF, or a film."""
    out = Pieces()
    orientation, scans, at = 0, 0, 2
    for _ in range(STEPS):
        found = _MARKER.search(data, at)
        if found is None:
            break
        start, marker = found.start(), data[found.start() + 1]
        if marker == _EOI:
            out.keep(start, start + 2)
            break
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if marker in _ALONE or end < start + 4:
            at = start + 2
            continue
        if end > len(data):
            break
        at = end
        if marker == _SOS:
            scans += 1
            stop = _SCAN_END.search(data, end)
            at = stop.start() if stop else len(data)
            out.keep(start, at)
        elif marker in _CODING:
            out.keep(start, end)
        elif marker == _APP1 and data[start + 4 : start + 10] == exif.PREFIX:
            orientation = orientation or exif.orientation_of(data[start + 4 : end])  # the first counts
        else:
            _application(out, data, start, end, marker)
    else:
        raise Unclean("JPEG: too many segments")
    if not scans:
        raise Unclean("JPEG: without a scan")
    whole = Pieces()
    whole.keep(0, 2)
    if marked and orientation > 1:
        told = exif.PREFIX + exif.only(orientation)
        whole.put(_segment(_APP1, told))
    whole.extend(out)
    return Bare(whole, orientation or 1)


def _application(out: Pieces, data: Source, start: int, end: int, marker: int) -> None:
    """What decides on colours, and the shape of pixels."""
    if marker == _APP2 and data[start + 4 : start + 16] == b"ICC_PROFILE\0":
        out.keep(start, end)
    elif marker == _APP0 and data[start + 4 : start + 9] == b"JFIF\0":
        _cut(out, data, start, end, _JFIF_BYTES, bytes(2))
    elif marker == _APP14 and data[start + 4 : start + 9] == b"Adobe":
        _cut(out, data, start, end, _ADOBE_BYTES)


def _cut(out: Pieces, data: Source, start: int, end: int, size: int, last: bytes = b"") -> None:
    """A segment of at most `size` bytes that ends with `last`."""
    said = data[start + 4 : end]
    wanted = said[: size - len(last)] + last
    if said == wanted:
        out.keep(start, end)
    elif len(said) >= size:
        out.put(_segment(data[start + 1], wanted))


def _segment(marker: int, said: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(said) + 2).to_bytes(2, "big") + said
