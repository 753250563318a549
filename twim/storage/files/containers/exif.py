"""The one thing in EXIF that changes how a picture looks (Exif 2.32, 4.6.4; TIFF 6.0)."""

from __future__ import annotations

import struct
from typing import Final

PREFIX: Final = b"Exif\0\0"
"""Before the TIFF structure in JPEG, and where writers put it in other formats though it doesn't belong there."""

_ORIENTATION: Final = 0x0112
_SHORT, _LONG = 3, 4
_ENTRIES: Final = 1_000  # of a directory; cameras write fewer than fifty


def orientation_of(exif: bytes) -> int:
    """The orientation, 1 to 8. It is 1 if there is none that can be read."""
    tiff = exif.removeprefix(PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        return _find(tiff, order)
    except struct.error:
        return 1


def _find(tiff: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for number in range(min(count, _ENTRIES)):
        at = directory + 2 + 12 * number
        tag, kind, _ = struct.unpack_from(order + "HHI", tiff, at)
        if tag == _ORIENTATION and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, at + 8)
            return value if 1 <= value <= 8 else 1
    return 1


def only(orientation: int) -> bytes:
    """A TIFF structure that has this orientation and nothing else."""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    return b"MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
