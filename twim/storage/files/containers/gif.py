"""GIF (GIF89a specification; the looping extensions of Netscape and of ANIMEXTS)."""

from __future__ import annotations

from typing import Final

from twim.storage.files.containers.pieces import STEPS, Bare, Pieces, Source, Unclean

_SCREEN_END: Final = 13  # of the signature and the logical screen descriptor
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPING: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_COLOUR: Final = b"ICCRGBG1012"


class _CutOff(Exception):
    """The file ends within a block."""


def strip(data: Source, marked: bool = False) -> Bare:
    """Bytes after the end are removed, too. A file that breaks off within a frame stays so."""
    if len(data) < _SCREEN_END:
        raise Unclean("GIF: without its screen")
    out = Pieces()
    at = _SCREEN_END + _table(data[10])
    out.keep(0, at)
    frames = 0
    for _ in range(STEPS):
        kind = data[at] if at < len(data) else _TRAILER
        try:
            if kind == _EXTENSION:
                at = _extension(out, data, at)
            elif kind == _IMAGE:
                frames += 1
                at = _frame(out, data, at)
            else:  # the end, or what readers take for it
                out.put(b";") if at >= len(data) or kind != _TRAILER else out.keep(at, at + 1)
                break
        except _CutOff:
            break
    else:
        raise Unclean("GIF: too many blocks")
    if not frames:
        raise Unclean("GIF: without a frame")
    return Bare(out, animated=frames > 1)


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _frame(out: Pieces, data: Source, at: int) -> int:
    if at + 10 > len(data):
        raise _CutOff
    end = _blocks(data, at + 10 + _table(data[at + 9]) + 1)
    out.keep(at, min(end, len(data)))
    if end > len(data):
        raise _CutOff
    return end


def _extension(out: Pieces, data: Source, at: int) -> int:
    end = _blocks(data, at + 2)
    if end > len(data):
        raise _CutOff
    label, name = data[at + 1], data[at + 3 : at + 14]
    if label == _CONTROL and data[at + 2] == 4:
        out.keep(at, at + 7)
        out.put(b"\0") if end != at + 8 else out.keep(at + 7, end)
    elif label == _APPLICATION and data[at + 2] == 11 and name == _COLOUR:
        out.keep(at, end)
    elif label == _APPLICATION and data[at + 2] == 11 and name in _LOOPING:
        _looping(out, data, at, end)
    return end


def _looping(out: Pieces, data: Source, at: int, end: int) -> None:
    """How often it is shown; anything else that stands beside it goes."""
    if data[at + 14 : at + 16] == b"\x03\x01" and end == at + 19:
        out.keep(at, end)
    elif data[at + 14 : at + 16] == b"\x03\x01":
        out.keep(at, at + 18)
        out.put(b"\0")


def _blocks(data: Source, at: int) -> int:
    """The end of a row of sub-blocks that begins at `at`; beyond the file's when that is cut off."""
    for _ in range(STEPS):
        if at >= len(data):
            break
        size: int = data[at]
        at += 1 + size
        if not size:
            return at
    return len(data) + 1
