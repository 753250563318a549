"""Names of users, groups and files, which are shown beside text of other people.

A name is one visible line that doesn't change how the text beside it is displayed. It has no line breaks, no control
characters, and none of Unicode's bidirectional controls, which could reverse the text beside it or hide the end of a
file's name. Everything is stored, and its length counted, in the normal form C.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from twim.errors import Malformed

DECOMPOSED: Final = 4
"""Characters of which the normal form C may make one. Whatever is longer than that times its bound is refused
unread: to bring 64 KiB of combining marks into their order takes half a second."""

# Bidi_Control: marks, embeddings and overrides, isolates.
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_TURNS: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
# Other line breaks than "\n" (UAX 14, classes BK, CR, NL).
_BREAKS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_IN_LINES: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_UNSHOWN: Final = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}]")
_BIDI_CONTROL: Final = re.compile(f"[{_BIDI}]")
# Beside spaces, what looks like nothing, at the edges of a name. What joins and selects belongs to what is before it.
_EDGES: Final = re.compile(r"^[\s\u200b\u2060\u2800\u3164\ufeff]+|[\s\u200b\u2060\u2800\u3164\ufeff]+$")
# Letters and symbols that are drawn as nothing: Hangul's fillers, an empty Braille cell, a musical null, and what
# stands for an object that isn't there.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
# Unassigned in Python's Unicode, and in later ones ideographs and emoji: what a phone can write must be a name.
_TO_COME: Final = re.compile("[\U0001f000-\U0001faff\U00020000-\U0003fffd]")


def clean_name(field: str, value: str, most: int) -> str:
    """A name as it is stored; "" if there are only spaces. `Malformed` when it can't be a name."""
    name = clean_line(field, value, most)
    if value.strip() and not any(map(_is_seen, name)):
        raise Malformed(f"{field}: has nothing that can be seen")
    return name


def clean_line(field: str, value: str, most: int) -> str:
    """One line, trimmed, of at most `most` characters."""
    line = _normal(field, _trimmed(value), most)
    if _CONTROL.search(line):
        raise Malformed(f"{field}: has control characters or line breaks")
    if _BIDI_CONTROL.search(line):
        raise Malformed(f"{field}: has bidirectional controls")
    return _bounded(field, line, most)


def clean_lines(field: str, value: str, most: int) -> str:
    """Several lines, trimmed. Marks of direction are allowed, since people who write from right to left need them;
    controls that reverse the text after them are not."""
    lines = _normal(field, _BREAKS.sub("\n", value.strip()), most)
    if _CONTROL_IN_LINES.search(lines):
        raise Malformed(f"{field}: has control characters")
    if _TURNS.search(lines):
        raise Malformed(f"{field}: has bidirectional controls")
    return _bounded(field, lines, most)


def shown(value: str) -> str:
    """A text that a program gives (a User-Agent, a file's name), without characters that change how the text beside it
    is displayed."""
    return unicodedata.normalize("NFC", _UNSHOWN.sub("", value)[: 1 << 10])


def _trimmed(value: str) -> str:
    return _EDGES.sub("", value)


def _normal(field: str, value: str, most: int) -> str:
    if len(value) > DECOMPOSED * most:
        raise Malformed(f"{field}: at most {most} characters")
    return unicodedata.normalize("NFC", value)


def _bounded(field: str, value: str, most: int) -> str:
    if len(value) > most:
        raise Malformed(f"{field}: at most {most} characters")
    return value


def _is_seen(one: str) -> bool:
    """Whether a character is drawn by itself: a letter, a number, punctuation or a symbol."""
    if unicodedata.category(one)[0] in "LNPS":
        return one not in _BLANK
    return unicodedata.category(one) == "Cn" and _TO_COME.fullmatch(one) is not None and ord(one) & 0xFFFE != 0xFFFE
