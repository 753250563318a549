"""Texts as they are compared: case, width (Unicode's compatibility forms) and accents don't matter.

The same character becomes the same whatever stands beside it, so a folded word is found in a folded text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Of these classes of combining marks (UAX #44) none makes another letter: the points of Hebrew and Arabic, and the
# marks above and below Latin, Greek and Cyrillic letters. Those of other scripts, of which か and が differ, stay.
_ACCENTS: Final = (*range(10, 37), *range(200, 241))
# Letters with a stroke or without a dot, which Unicode doesn't take apart.
_STROKES: Final = str.maketrans("øłđħŧı", "oldhti")
# Nothing outside of this is changed by more than `NFKC` and `casefold`: it has marks, letters with marks, and
# characters without a width.
_WANTS_MORE: Final = re.compile(
    "[\u00aa-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2c60-\u2dff\ua640-\ua9ff\uaa80-\uabff\ufb00-\ufeff"
    "\U00010000-\U0001efff\U000e0000-\U000effff]"
)


def ranges(characters: list[int]) -> str:
    """The inside of a regular expression's class."""
    found: list[list[int]] = []
    for one in characters:
        if found and found[-1][1] == one - 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in found)


# Nearly all marks and signs without a width are below this; a look at all of Unicode takes a fifth of a second.
_LOOKED_AT: Final = (
    *range(0x80, 0x3100),
    *range(0xA600, 0xAC00),
    *range(0xFB00, 0xFF00),
    *range(0x10A00, 0x11A00),
    *range(0x1E000, 0x1F000),
)
_accents = re.compile("[" + ranges([one for one in _LOOKED_AT if unicodedata.combining(chr(one)) in _ACCENTS]) + "]")
_invisible = re.compile(
    "["
    + ranges([one for one in _LOOKED_AT if one != 0x200B and unicodedata.category(chr(one)) == "Cf"])
    + "\u0640\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
marks: Final = ranges([one for one in _LOOKED_AT if unicodedata.category(chr(one)) in ("Mn", "Mc")])
"""Marks that belong to the letter before them, as the inside of a regular expression's class."""


def fold(text: str) -> str:
    """The text as it is compared."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not _WANTS_MORE.search(folded):
        return folded
    apart = _accents.sub("", unicodedata.normalize("NFKD", folded))
    without = _invisible.sub("", apart).translate(_STROKES).casefold()
    return unicodedata.normalize("NFKC", without)
