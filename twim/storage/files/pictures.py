"""The size of a picture and a small copy of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from twim.storage.files.sniff import WEBP, Kind
from twim.storage.files.threads import FileThreads

MAX_PIXELS = 16_777_216
"""Of a picture to be shrunk: while that goes on it takes 4 bytes a pixel, twice or three times. 4096 x 4096."""

MAX_JPEG_PIXELS = 100_000_000
"""A baseline JPEG is made smaller while it is decoded, and never whole in memory. (A progressive one is.)"""

THUMB_BOX = (400, 400)
"""Pixels a thumbnail fits into: what a chat bubble shows on a phone with 2 device pixels per CSS pixel."""

THUMB_QUALITY = 78

SMALL_BYTES = 48 * 1024
"""A picture that is no larger than this and fits the box is its own thumbnail."""

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""The decoders that strangers' bytes may reach."""

THUMB_KIND: Kind = WEBP

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation (Exif 2.32, 4.6.4)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels as shown, turned as EXIF says, and the thumbnail's bytes: None where the picture itself will do, or
    has more pixels than we care to decode."""

    width: int
    height: int
    thumb: bytes | None


class Pictures:
    """Looks at pictures in threads of its own: decoding a large one takes a second of CPU."""

    def __init__(self, threads: FileThreads) -> None:
        self._threads = threads

    async def look(self, path: Path, size: int) -> Picture | None:
        """None for what can't be decoded."""
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


def _look(image: Image.Image, size: int) -> Picture:
    width, height = image.size
    vast = width * height > _bound(image)
    # To tell a PNG's EXIF, Pillow decodes all of it.
    orientation = 1 if vast and image.format != "JPEG" else image.getexif().get(_ORIENTATION, 1)
    shown = (height, width) if orientation >= 5 else (width, height)
    small = size <= SMALL_BYTES and width <= THUMB_BOX[0] and height <= THUMB_BOX[1]
    return Picture(*shown, None if small or vast else _thumb(image, _UPRIGHT.get(orientation)))


def _bound(image: Image.Image) -> int:
    baseline = image.format == "JPEG" and not image.info.get("progressive")
    return MAX_JPEG_PIXELS if baseline else MAX_PIXELS


def _thumb(image: Image.Image, turn: Image.Transpose | None) -> bytes:
    """The first frame, upright, without EXIF (which tells where a photograph was taken)."""
    image.draft("RGB", (THUMB_BOX[0] * 2, THUMB_BOX[1] * 2))
    clear = "A" in image.getbands() or "transparency" in image.info
    wanted = "RGBA" if clear else "RGB"
    small = image if image.mode == wanted else image.convert(wanted)
    small.thumbnail(THUMB_BOX, reducing_gap=2.0)
    upright = small if turn is None else small.transpose(turn)
    bare = Image.new(wanted, upright.size)
    bare.paste(upright)
    out = BytesIO()
    bare.save(out, "WEBP", quality=THUMB_QUALITY, method=2)
    return out.getvalue()
