"""JPEG XL (ISO/IEC 18181-2): a bare codestream, or one in boxes."""

from __future__ import annotations

from typing import Final

from twim.storage.files.containers.boxes import boxes
from twim.storage.files.containers.pieces import Bare, Pieces, Source, Unclean

_KEPT: Final = frozenset((b"JXL ", b"ftyp", b"jxll", b"jxlc", b"jxlp", b"jxli"))
"""Not `jbrd`: what it restores is a JPEG with all that its segments told."""


def strip(data: Source, marked: bool = False) -> Bare:
    """The orientation is in the codestream, which stays as it is."""
    out = Pieces()
    if data[:2] == b"\xff\x0a":
        out.keep(0, len(data))
        return Bare(out)
    found = set()
    for one in boxes(data, 0, len(data)):
        found.add(one.kind)
        if one.kind in _KEPT:
            out.keep(one.start, one.end)
    if not {b"jxlc", b"jxlp"} & found:
        raise Unclean("JPEG XL: without a codestream")
    return Bare(out)
