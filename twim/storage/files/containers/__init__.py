"""The file formats of pictures: which parts of a file are the picture, and which only tell something about it.

Each format has a module with one function ``strip``, which gives what stays of a file: pixels, palettes, colour, timing
and loops, byte for byte as they were. Nothing is decoded. EXIF, XMP, IPTC, comments, maker notes, embedded thumbnails
and whatever isn't known stay behind: what is kept is listed, not what is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

from twim.storage.files.containers import bmff, film, gif, jpeg, jxl, png, webp
from twim.storage.files.containers.pieces import Bare, Source
from twim.storage.files.sniff import AVIF, GIF, HEIC, HEIF, JPEG, JXL, M4A, MOV, MP4, PNG, WEBP, Kind

Strip = Callable[[Source, bool], Bare]
"""Of a file's bytes, what stays. When the second argument is true and the file says that it is to be turned, it goes on
saying that, and nothing else. Raises `Unclean` for what isn't such a file."""

STRIPS: dict[Kind, Strip] = {
    JPEG: jpeg.strip,
    PNG: png.strip,
    GIF: gif.strip,
    WEBP: webp.strip,
    AVIF: bmff.strip,
    HEIC: bmff.strip,
    HEIF: bmff.strip,
    JXL: jxl.strip,
    MP4: film.strip,
    MOV: film.strip,
    M4A: film.strip,
}
