"""AVIF and HEIC (ISO/IEC 23008-12; AV1 Image File Format 1.1), pictures and sequences of them.

What is no picture becomes zeros, or a `free` box, in its place. How the pixels are to be turned isn't said by EXIF
here, but by properties (`irot`, `imir`), and these stay: nothing has to be decoded to look as it did.
"""

from __future__ import annotations

from typing import Final

from twim.storage.files.containers.boxes import HANDLER_NAME, TIMED, Box, Patches, boxes, forget_times
from twim.storage.files.containers.items import bare_meta
from twim.storage.files.containers.pieces import Bare, Pieces, Source, Unclean

_TOP: Final = frozenset((b"ftyp", b"styp", b"mdat"))
_NESTED: Final = frozenset((b"trak", b"mdia", b"minf", b"stbl", b"edts"))
_LEAVES: Final = TIMED | frozenset(
    b"vmhd nmhd dinf elst tref sdtp sbgp sgpd subs saiz saio"
    b" stsd stts stsc stsz stz2 stco co64 stss ctts cslg stsh".split()
)
_PICTURES: Final = (b"pict", b"vide", b"auxv")


def strip(data: Source, marked: bool = False) -> Bare:
    """Bytes at the end that are no box are removed, too."""
    patches = Patches(data)
    top = _top(data)
    described = [one for one in top if one.kind == b"meta"]
    movies = [one for one in top if one.kind == b"moov"]
    if len(described) > 1 or not (described or movies):
        raise Unclean("not one picture is described")
    for one in top:
        if one.kind not in (*_TOP, b"meta", b"moov"):
            patches.free(one)
    for one in movies:
        _movie(data, one, patches)
    out, at = Pieces(), 0
    for one in described:
        rebuilt = bare_meta(data, one, patches)
        out.extend(patches.pieces(0, one.start))
        out.extend(rebuilt)
        at = one.end
    out.extend(patches.pieces(at, top[-1].end))
    return Bare(out, animated=bool(movies))


def _top(data: Source) -> list[Box]:
    """The boxes of the file, without what follows the last whole one if its beginning has the picture."""
    found: list[Box] = []
    try:
        for one in boxes(data, 0, len(data)):
            found.append(one)
    except Unclean:
        if not {b"meta", b"moov"} & {one.kind for one in found} or b"mdat" not in {one.kind for one in found}:
            raise
    return found


def _movie(data: Source, movie: Box, patches: Patches) -> None:
    """A box of boxes: tables and codecs stay; dates, names and what people or cameras added go."""
    for one in boxes(data, movie.data, movie.end):
        if one.kind in _NESTED:
            _movie(data, one, patches)
        elif one.kind == b"hdlr":
            if data[one.data + 8 : one.data + 12] not in _PICTURES:
                raise Unclean("a sequence with more than pictures")
            patches.blank(one.data + HANDLER_NAME, one.end)
        elif one.kind in TIMED:
            forget_times(data, one, patches)
        elif one.kind not in _LEAVES:
            patches.free(one)
