"""Finds the size of a picture, and makes a small copy of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms

from twim.storage.files.cleaning import Clean, clean
from twim.storage.files.containers import STRIPS
from twim.storage.files.formats import FORMATS, UNREADABLE, UPRIGHT
from twim.storage.files.sniff import WEBP, Kind
from twim.storage.files.spool import Spool, Spooled
from twim.storage.files.threads import FileThreads

MAX_PIXELS = 16_777_216
"""The most pixels (4096 x 4096) of a picture that is shrunk. That takes 4 bytes for each pixel, two or three times."""

MAX_JPEG_PIXELS = 100_000_000
"""The same for a baseline JPEG. It is made smaller while it is decoded, and so is never whole in memory."""

THUMB_BOX = (400, 400)
"""The box, in pixels, into which a thumbnail fits: that of a message on a phone with 2 device pixels per CSS pixel."""

THUMB_QUALITY = 78

SMALL_BYTES = 48 * 1024
"""A picture that is no larger than this and fits the box is its own thumbnail."""

THUMB_KIND: Kind = WEBP

_ORIENTATION = 0x0112


_SRGB = ImageCms.createProfile("sRGB")
_PROFILED = ("L", "RGB", "RGBA", "CMYK")
"""The modes of Pillow's images to which a colour profile can be applied."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The width and height as the picture is displayed, turned as EXIF says, and the bytes of its thumbnail: None if
    the picture itself is small enough, or has more pixels than are decoded here."""

    width: int
    height: int
    thumb: bytes | None


class Pictures:
    """Looks at pictures in threads of its own: decoding a large one takes a second of CPU."""

    def __init__(self, threads: FileThreads) -> None:
        self._threads = threads

    async def clean(self, spooled: Spooled, kind: Kind, spool: Spool) -> Clean:
        """See `twim.storage.files.cleaning.clean`. A file that it wouldn't change doesn't wait for a thread."""
        if kind not in STRIPS:
            return Clean(spooled, kind)
        return await self._threads.run(clean, spooled, kind, spool)

    async def look(self, path: Path, size: int) -> Picture | None:
        """The size and the thumbnail of a picture. None if it can't be decoded."""
        return await self._threads.run(look, path, size)


def look(path: Path, size: int) -> Picture | None:
    """See `Pictures.look`. Blocks."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of a bomb at its own bound; ours is checked below, before anything is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return _look(image, size)
    except UNREADABLE:
        return None


def _look(image: Image.Image, size: int) -> Picture:
    width, height = image.size
    vast = width * height > _bound(image)
    # To tell a PNG's EXIF, Pillow decodes all of it.
    orientation = 1 if vast and image.format != "JPEG" else image.getexif().get(_ORIENTATION, 1)
    shown = (height, width) if orientation >= 5 else (width, height)
    small = size <= SMALL_BYTES and width <= THUMB_BOX[0] and height <= THUMB_BOX[1]
    return Picture(*shown, None if small or vast else _thumb(image, UPRIGHT.get(orientation)))


def _bound(image: Image.Image) -> int:
    baseline = image.format == "JPEG" and not image.info.get("progressive")
    return MAX_JPEG_PIXELS if baseline else MAX_PIXELS


def _thumb(image: Image.Image, turn: Image.Transpose | None) -> bytes:
    """The first frame, upright, in the colours of screens (sRGB), without EXIF (which tells where a photograph was
    taken)."""
    image.draft("RGB", (THUMB_BOX[0] * 2, THUMB_BOX[1] * 2))
    clear = "A" in image.getbands() or "transparency" in image.info
    wanted = "RGBA" if clear else "RGB"
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")  # 16 bits
    # A profile counts for the colours as they are; all else is clearer when it is shrunk in colours.
    if image.mode not in _PROFILED:
        profile = None
    small = image if image.mode == wanted or profile else image.convert(wanted)
    small.thumbnail(THUMB_BOX, reducing_gap=2.0)
    if profile:
        small = _on_screen(small, profile, wanted)
    upright = small if turn is None else small.transpose(turn)
    bare = Image.new(wanted, upright.size)
    bare.paste(upright)
    out = BytesIO()
    bare.save(out, "WEBP", quality=THUMB_QUALITY, method=2)
    return out.getvalue()


def _on_screen(image: Image.Image, profile: bytes, wanted: str) -> Image.Image:
    """The picture's colours by its profile; without it when that can't be used."""
    try:
        # With 4 channels in and out the fourth is passed on.
        found = ImageCms.profileToProfile(image, BytesIO(profile), _SRGB, outputMode=wanted)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        found = None
    return found or image.convert(wanted)
