"""Films and recordings: MP4 and QuickTime (ISO/IEC 14496-12; QuickTime File Format, user data).

Phones write into them, too, where and with what they were taken. Of these files only what is known to tell something
goes, as what players need isn't listed anywhere; nothing in them moves.
"""

from __future__ import annotations

from typing import Final

from twim.storage.files.containers.boxes import TIMED, Box, Patches, boxes, forget_times
from twim.storage.files.containers.pieces import Bare, Source

_TELLING: Final = frozenset((b"udta", b"meta", b"uuid", b"free", b"skip"))
_NESTED: Final = frozenset((b"moov", b"trak", b"mdia", b"moof", b"traf"))


def strip(data: Source, marked: bool = False) -> Bare:
    """Titles, places, devices and times go; tracks stay, those of a camera's sensors too."""
    patches = Patches(data)
    for one in boxes(data, 0, len(data)):
        _box(data, one, patches)
    return Bare(patches.pieces(0, len(data)))


def _box(data: Source, one: Box, patches: Patches) -> None:
    if one.kind in _TELLING:
        patches.free(one)
    elif one.kind in TIMED:
        forget_times(data, one, patches)
    elif one.kind in _NESTED:
        for inner in boxes(data, one.data, one.end):
            _box(data, inner, patches)
