"""What Pillow may be asked to read, and what it may answer."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Final

from PIL import Image, features

_USUAL: Final = ("PNG", "JPEG", "GIF", "WEBP")

FORMATS: Final = (*_USUAL, "AVIF") if features.check("avif") else _USUAL
"""The decoders that may be used for files of strangers."""

UNREADABLE: Final = (
    *(OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError),
    *(RuntimeError, ArithmeticError, LookupError, TypeError, struct.error, zlib.error),
)
"""The exceptions that decoders raise. The later ones come from files that are odd in a way not foreseen by the
authors."""

UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that undoes each EXIF orientation (Exif 2.32, 4.6.4)."""


def pixels_of(path: Path) -> int:
    """How many pixels a picture says it has; 0 where that can't be read. Nothing is decoded. Blocks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return 1 << 62
    except UNREADABLE:
        return 0
