"""What of a text is indexed, and whether a text has the words that are looked for.

A text is a row of runs: of letters and digits of scripts that part words, which are words; and of scripts that don't
(Chinese, Japanese, Thai and others), to which emoji and other symbols count here. A word is found by its beginning, and
what is in the other runs anywhere: they are indexed by their pairs of neighbours.

An index entry is a number of 32 bits, a hash. What it finds is compared with the text itself, so collisions don't
matter. The pairs that begin with one character have neighbouring numbers: by these a single character is found.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from zlib import crc32

from twim.storage.search.folding import fold, marks, ranges

PREFIXES: Final = (8, 5, 3, 2)  # the lengths of a word's beginnings that are indexed, longest first
LOOKED_UP: Final = 6  # entries of a question that are looked up; the text is compared with all of it anyway

# Blocks of scripts that don't part words, then symbols.
_UNPARTED: Final = (
    *(range(0x0E00, 0x0E4F), range(0x0E81, 0x0EE0), range(0x0F40, 0x0FBD), range(0x1000, 0x10A0)),
    *(range(0x1780, 0x17D4), range(0x1950, 0x19E0), range(0x1A20, 0x1AB0), range(0x1B00, 0x1B50)),
    *(range(0x2E80, 0x2FE0), range(0x3005, 0x3008), range(0x3021, 0x302A), range(0x3031, 0x303D)),
    *(range(0x3041, 0x3130), range(0x31A0, 0x3200), range(0x3400, 0x4DC0), range(0x4E00, 0xA490)),
    *(range(0xA980, 0xAA00), range(0xAA60, 0xAAE0), range(0xF900, 0xFB00), range(0x16FE0, 0x1B300)),
    *(range(0x20000, 0x40000), range(0x2190, 0x2400), range(0x2600, 0x27C0), range(0x2B00, 0x2C00)),
    range(0x1F000, 0x1FC00),
)
_HANGUL: Final = range(0xAC00, 0xD7A4)
# What may be a letter, a digit or a mark of a script that parts words.
_PARTED: Final = (range(0x30, 0x0E00), range(0x0E4F, 0x2E80), range(0xA490, 0xA980))
_PARTED_FURTHER: Final = (
    range(0xAAE0, 0xAC00),
    range(0xFB00, 0xFF00),
    range(0x10000, 0x11A00),
    range(0x1E000, 0x1F000),
)
_unparted = {one for block in _UNPARTED if block.start < 0x2E80 for one in block}
_is_mark = re.compile(f"[{marks}]").match
_parted = [
    one
    for block in (*_PARTED, *_PARTED_FURTHER)
    for one in block
    if (chr(one).isalnum() or _is_mark(chr(one))) and one not in _unparted
]
_UNPARTED_CLASS: Final = "".join(f"{chr(one.start)}-{chr(one.stop - 1)}" for one in _UNPARTED)
_HANGUL_CLASS: Final = f"{chr(_HANGUL.start)}-{chr(_HANGUL.stop - 1)}"
_WORD_CLASS: Final = ranges(_parted) + _HANGUL_CLASS
_of_ascii = re.compile("[a-z0-9]+").findall
_words = re.compile(f"[{_WORD_CLASS}]+").findall
_unparted_runs = re.compile(f"[{_UNPARTED_CLASS}]+").findall
# Python looks a character up in a table of the Basic Multilingual Plane; beyond it, it tries one block after the other,
# and so it does for each character that isn't in the class.
_beyond = re.compile("[\U00010000-\U0010ffff]").search
_basic_words = re.compile(f"[{ranges([one for one in _parted if one < 0x10000])}{_HANGUL_CLASS}]+").findall
_basic_runs = re.compile(
    "[" + "".join(f"{chr(one.start)}-{chr(one.stop - 1)}" for one in _UNPARTED if one.stop < 0x10000) + "]+"
).findall
_pieces = re.compile(f"[{_WORD_CLASS}{_UNPARTED_CLASS}]+").findall
_begins_word = re.compile(f"[{_WORD_CLASS}]").match
_AT_BEGINNING: Final = f"(?<![{_WORD_CLASS}])"


class Range(NamedTuple):
    """Entries `first` to `last` of the index, any of which will do."""

    first: int
    last: int


def runs(folded: str) -> tuple[list[str], list[str]]:
    """The words of a folded text, and its runs of scripts that don't part words."""
    if folded.isascii():
        return _of_ascii(folded), []
    if _beyond(folded):
        return _words(folded), _unparted_runs(folded)
    return _basic_words(folded), _basic_runs(folded)


@lru_cache(maxsize=20_000)
def _hash_of(character: str) -> int:
    return crc32(character.encode()) & 0xFFFF


def entry_of_pair(pair: str) -> int:
    """Of two characters, or of the last one of a run."""
    return _hash_of(pair[0]) << 16 | (_hash_of(pair[1]) if len(pair) > 1 else 0)


def entry_of_beginning(beginning: str) -> int:
    """Of the beginning of a word."""
    return crc32(b"w" + beginning.encode())


def entry_of_sender(userid: int) -> int:
    """Of all that a user said."""
    return crc32(b"u%d" % userid)


def entry_of_media(media: int) -> int:
    """Of all messages of one kind. Texts have none."""
    return crc32(b"m%d" % media)


def beginnings(word: str) -> list[str]:
    """What of a word is indexed. A letter of ASCII would be found in nearly every message."""
    found = [word[:length] for length in PREFIXES if len(word) >= length]
    if len(word) == 1 or not word[0].isascii():
        found.append(word[0])
    return found


def entries_of(text: str) -> set[int]:
    """All entries of a text."""
    words, unparted = runs(fold(text))
    found = {entry_of_beginning(one) for word in words for one in beginnings(word)}
    for run in unparted:
        found.update(map(entry_of_pair, (a + b for a, b in pairwise(run))))
        found.add(entry_of_pair(run[-1]))
    return found


class Question:
    """Words that are looked for."""

    def __init__(self, text: str) -> None:
        self._pieces = list(dict.fromkeys(_pieces(fold(text))))
        self._patterns = [
            re.compile(_AT_BEGINNING + re.escape(piece)).search
            if _begins_word(piece)
            else re.compile(re.escape(piece)).search
            for piece in self._pieces
        ]

    @property
    def is_empty(self) -> bool:
        """Whether it has no words at all, as punctuation alone: nothing is found then."""
        return not self._pieces

    def is_answered_by(self, text: str) -> bool:
        """Whether the text has all of the words."""
        folded = fold(text)
        return all(search(folded) for search in self._patterns)

    def lookups(self) -> list[Range]:
        """The entries by which texts that have the words can be found; none where they have to be read one by one."""
        found: dict[Range, None] = {}
        for piece in self._pieces:
            words, unparted = runs(piece)
            for word in words:
                # One letter of ASCII begins words that aren't indexed by it.
                if len(word) > 1 or not word.isascii():
                    found[_alone(entry_of_beginning(beginnings(word)[0]))] = None
            for run in unparted:
                if len(run) == 1:
                    first = _hash_of(run) << 16
                    found[Range(first, first | 0xFFFF)] = None
                for a, b in pairwise(run):
                    found[_alone(entry_of_pair(a + b))] = None
        return list(found)[:LOOKED_UP]


def _alone(entry: int) -> Range:
    return Range(entry, entry)


def of_sender(userid: int) -> Range:
    """What finds all that a user said."""
    return _alone(entry_of_sender(userid))


def of_media(media: int) -> Range:
    """What finds all messages of one kind that isn't text."""
    return _alone(entry_of_media(media))
