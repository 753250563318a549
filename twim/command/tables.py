"""Rows of text for a terminal, in columns that stand under each other whatever is written in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final

GAP: Final = "  "
LEAST: Final = 8  # no column is cut to less
_UNSHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """A text with nothing in it that would steer the terminal or turn the text beside it."""
    return _UNSHOWN.sub("?", text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(_width(one) for one in text)


def _width(one: str) -> int:
    if unicodedata.category(one) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(one) in "WF" else 1


def cut(text: str, most: int) -> str:
    """A text of at most `most` columns; what is longer ends in "…"."""
    if width(text) <= most:
        return text
    kept, left = "", most - 1
    for one in text:
        left -= _width(one)
        if left < 0:
            break
        kept += one
    return kept + "…"


def pad(text: str, columns: int, right: bool = False) -> str:
    """A text filled up with spaces, at its left if `right`."""
    spaces = " " * max(0, columns - width(text))
    return spaces + text if right else text + spaces


def moment(ms: int) -> str:
    """A time (ms since 1970) in the zone of this machine; "-" for 0, which stands for never."""
    return datetime.fromtimestamp(ms / 1000).strftime("%Y-%m-%d %H:%M") if ms else "-"


def amount(count: int) -> str:
    """Bytes in the unit that suits them."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], rights: Sequence[bool], most: int | None) -> list[str]:
    """The lines of a table. `rights` says which columns stand at the right. Where a line would have more than `most`
    columns, the widest cells of text are cut; None cuts nothing."""
    lines = [[visible(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    if most is not None:
        _narrow(widths, rights, most)
    return [GAP.join(map(_cell, line, widths, rights)).rstrip() for line in lines]


def _cell(text: str, columns: int, right: bool) -> str:
    return pad(cut(text, columns), columns, right)


def _narrow(widths: list[int], rights: Sequence[bool], most: int) -> None:
    """Take from the widest column of text until the line fits, or none can be narrower."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > most:
        texts = [number for number, right in enumerate(rights) if not right and widths[number] > LEAST]
        if not texts:
            return
        widths[max(texts, key=widths.__getitem__)] -= 1
