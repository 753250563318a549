"""Removes from a picture, before it is stored, what it tells of place, device, time and maker.

The picture looks as before. The file is taken apart, not decoded: pixels, frames and colour profile stay byte for byte.
Only one that says that it is to be turned is decoded, turned and encoded anew, where that loses nothing that can be
seen; where it would, the file goes on saying how it is to be turned, and nothing else.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

from PIL import Image, JpegImagePlugin

from twim.storage.files.containers import STRIPS
from twim.storage.files.containers.pieces import Bare, Unclean
from twim.storage.files.containers.png import graft
from twim.storage.files.formats import FORMATS, UNREADABLE, UPRIGHT, pixels_of
from twim.storage.files.sniff import JPEG, PNG, UNKNOWN, WEBP, Kind
from twim.storage.files.spool import Spool, Spooled

TURNED_PIXELS: Final = 1 << 25
"""The most pixels of a picture that is turned. ReactorThread it takes 3 or 4 bytes for each pixel, twice."""

SHOWN_PIXELS: Final = 1 << 27
"""The most pixels of a picture that is displayed: a browser takes 4 bytes for each of them, half a gigabyte in all. A
picture that says that it has more is only offered for saving."""

CLEANED_BYTES: Final = 1 << 28
"""The largest file, in bytes, that is looked through. A larger one doesn't count as a picture."""

_TURNED_QUALITY: Final = 95  # of a lossy WebP; a JPEG keeps its own tables


@dataclass(frozen=True, slots=True)
class Clean:
    """A file as it is stored. `spooled` may be the file that was uploaded."""

    spooled: Spooled
    kind: Kind
    animated: bool = False


def clean(spooled: Spooled, kind: Kind, spool: Spool) -> Clean:
    """The file to store instead of `spooled`, which is kept. Blocks. OSError if the disk is full.

    A picture that can't be taken apart, or has too many pixels, becomes `UNKNOWN`: a file that is offered for saving
    and never displayed. A film that can't be taken apart is stored as it came.
    """
    strip = STRIPS.get(kind)
    if strip is None:
        return Clean(spooled, kind)
    if spooled.size > CLEANED_BYTES and not kind.stream:
        return Clean(spooled, UNKNOWN)
    with spooled.path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        try:
            bare = strip(data, False)
            turned = _turned(spooled.path, kind, bare) if bare.orientation != 1 else None
            if bare.orientation != 1 and turned is None:
                bare = strip(data, True)
        except Unclean:
            return Clean(spooled, kind if kind.stream else UNKNOWN)
        if turned is not None:
            kept = _written(spool, strip(turned, False).pieces.of(turned))  # encoders, too, pass on what they read
        elif bare.pieces.is_whole(data):
            kept = spooled
        else:
            kept = _written(spool, bare.pieces.of(data))
    vast = kind.picture and pixels_of(kept.path) > SHOWN_PIXELS
    return Clean(kept, UNKNOWN if vast else kind, bare.animated)


def _written(spool: Spool, pieces: Iterable[bytes]) -> Spooled:
    spooling = spool.begin()
    try:
        for piece in pieces:
            spooling.write(piece)
    except BaseException:
        spooling.discard()
        raise
    return spooling.finish()


def _turned(path: Path, kind: Kind, bare: Bare) -> bytes | None:
    """The file with its pixels upright. None if turning it would lose depth or frames, or take too much memory."""
    if bare.animated or kind not in (JPEG, PNG, WEBP):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bombs, whose bound is ours, and of odd EXIF, which goes anyway
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > TURNED_PIXELS:
                    return None
                return _encoded(path, kind, image, UPRIGHT[bare.orientation])
    except UNREADABLE:
        return None


def _encoded(path: Path, kind: Kind, image: Image.Image, turn: Image.Transpose) -> bytes | None:
    how: dict[str, Any] = {"icc_profile": image.info.get("icc_profile")}
    if kind is JPEG:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        # The same tables, so that rounding twice costs next to nothing, and whole colours, which were halved before.
        how |= {"qtables": image.quantization, "subsampling": 0, "optimize": True}
        how |= {"progressive": bool(image.info.get("progressive"))}
    elif kind is WEBP:
        with path.open("rb") as file:
            lossless = b"VP8L" in file.read(1 << 16)
        how |= {"lossless": lossless, "quality": _TURNED_QUALITY, "exact": True}
    elif _is_deep(path) and image.mode != "I;16":
        return None
    upright = image.transpose(turn)
    out = BytesIO()
    upright.save(out, kind.mime.removeprefix("image/"), **how)
    return graft(path.read_bytes(), out.getvalue()) if kind is PNG else out.getvalue()


def _is_deep(path: Path) -> bool:
    """Whether a PNG has 16 bits for each channel. In colour pictures Pillow would keep only 8 of them."""
    with path.open("rb") as file:
        return file.read(25)[24] > 8
