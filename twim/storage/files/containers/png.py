"""PNG and APNG (W3C PNG, third edition)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from twim.storage.files.containers import exif
from twim.storage.files.containers.pieces import STEPS, Bare, Pieces, Source, Unclean

COLOUR: Final = frozenset((b"cHRM", b"gAMA", b"iCCP", b"sRGB", b"cICP", b"mDCV", b"cLLI"))
_PIXELS: Final = frozenset((b"IDAT", b"fdAT"))
_KEPT: Final = COLOUR | _PIXELS | {b"PLTE", b"IEND", b"tRNS", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL"}
_HEADER_END: Final = 33  # of the signature and IHDR
_PROFILE_NAME: Final = b"ICC Profile"
_EXIF_BYTES: Final = 1 << 20  # of EXIF that is looked into


def strip(data: Source, marked: bool = False) -> Bare:
    """Bytes after the end are removed, too. A file that breaks off among its pixels stays so."""
    out = Pieces()
    orientation, pixels, frames, at = 1, False, 0, _HEADER_END
    if data[8:16] != b"\0\0\0\x0dIHDR":
        raise Unclean("PNG: without its header")
    for _ in range(STEPS):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(data):
            if kind in _PIXELS:
                pixels = True
                out.keep(at, len(data))
            break
        pixels = pixels or kind in _PIXELS
        if kind == b"eXIf":
            orientation = exif.orientation_of(data[at + 8 : min(end - 4, at + 8 + _EXIF_BYTES)])
        elif kind == b"iCCP":
            _profile(out, data, at, end)
        elif kind in _KEPT:
            out.keep(at, end)
        if kind == b"acTL":
            frames = int.from_bytes(data[at + 8 : at + 12], "big")
        if kind == b"IEND":
            break
        at = end
    else:
        raise Unclean("PNG: too many chunks")
    if not pixels:
        raise Unclean("PNG: without pixels")
    whole = Pieces()
    whole.keep(0, _HEADER_END)
    if marked and orientation != 1:
        whole.put(chunk(b"eXIf", exif.only(orientation)))
    whole.extend(out)
    return Bare(whole, orientation, frames > 1)


def graft(old: bytes, new: bytes) -> bytes:
    """The file `new` with what `old` says of colours: its gamma, primaries and profile."""
    said = b"".join(old[at:end] for kind, at, end in _chunks(old) if kind in COLOUR and kind != b"iCCP")
    silent = b"".join(new[at:end] for kind, at, end in _chunks(new) if kind not in COLOUR or kind == b"iCCP")
    return new[:_HEADER_END] + said + silent


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of each chunk after the header; up to IEND."""
    at = _HEADER_END
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at, end
        at = end


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def _profile(out: Pieces, data: Source, at: int, end: int) -> None:
    """A colour profile, under a name that tells nothing."""
    name = bytes(data[at + 8 : at + 88]).partition(b"\0")[0]
    if name == _PROFILE_NAME:
        out.keep(at, end)
    else:
        out.put(chunk(b"iCCP", _PROFILE_NAME + data[at + 8 + len(name) : end - 4]))
