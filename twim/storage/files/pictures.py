"""The size of a picture and a small copy of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from twim.storage.files.sniff import WEBP, Kind
from twim.storage.files.threads import FileThreads

MAX_PIXELS = 50_000_000
"""Of a picture to be shrunk: decoded it takes 4 bytes a pixel, in each thread. A phone's 48 megapixels
pass."""

THUMB_BOX = (400, 400)
"""Pixels a thumbnail fits into: what a chat bubble shows on a phone with 2 device pixels per CSS pixel."""

THUMB_QUALITY = 78

SMALL_BYTES = 48 * 1024
"""A picture that is no larger than this and fits the box is its own thumbnail."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""The decoders that strangers' bytes may reach."""

THUMB_KIND: Kind = WEBP


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels as shown, turned as EXIF says, and the thumbnail's bytes; None where the picture itself will
    do."""

    width: int
    height: int
    thumb: bytes | None


class Pictures:
    """Looks at pictures in threads of its own: decoding a large one takes a second of CPU."""

    def __init__(self, threads: FileThreads) -> None:
        self._threads = threads

    async def look(self, path: Path, size: int) -> Picture | None:
        """None for what can't be decoded, or has more than `MAX_PIXELS` and so no thumbnail."""
        return await self._threads.run(look, path, size)


def look(path: Path, size: int) -> Picture | None:
    """As `Pictures.look`; blocks."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of a bomb at its own bound; ours is checked below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _look(image, size)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return None


def _look(image: Image.Image, size: int) -> Picture | None:
    width, height = image.size
    if not 0 < width * height <= MAX_PIXELS:
        return None
    if image.getexif().get(0x0112, 1) >= 5:  # the orientations that lie on their side
        width, height = height, width
    if size <= SMALL_BYTES and width <= THUMB_BOX[0] and height <= THUMB_BOX[1]:
        return Picture(width, height, None)
    return Picture(width, height, _thumb(image))


def _thumb(image: Image.Image) -> bytes:
    """The first frame, upright, without EXIF (which tells where a photograph was taken)."""
    image.draft("RGB", (THUMB_BOX[0] * 2, THUMB_BOX[1] * 2))
    upright = ImageOps.exif_transpose(image)
    clear = "A" in upright.getbands() or "transparency" in upright.info
    small = upright.convert("RGBA" if clear else "RGB")
    small.thumbnail(THUMB_BOX, reducing_gap=2.0)
    bare = Image.new(small.mode, small.size)
    bare.paste(small)
    out = BytesIO()
    bare.save(out, "WEBP", quality=THUMB_QUALITY, method=2)
    return out.getvalue()
