"""What a push says, and when a user wants none."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from twim.storage.push_receivers import Receiver
from twim.wire.commands import CUSTOM, EVENTS, NOTICE, TEXT
from twim.wire.message import Message

WORDS_CHARS: Final = 160  # of what was said; a notification shows fewer
TOPIC_CHARS: Final = 32  # that a push service takes
_SILENT: Final = EVENTS | {NOTICE}
_MINUTES: Final = 60


class Told(msgspec.Struct, omit_defaults=True):
    """What is pushed, as JSON. `scope` and `dstid` name the conversation as the user does. `media` and `words` are left
    out where the user wants no words shown."""

    scope: int
    dstid: int
    seq: int
    at: int
    userid: int
    name: str
    group: str = ""
    media: int = 0
    words: str = ""


def is_told(said: Message) -> bool:
    """Whether a message is pushed at all: not what changes another one, and not the server's notes on a group."""
    return said.media not in _SILENT


def payload_of(said: Message, to: Receiver) -> bytes:
    """The JSON for one receiver."""
    wanted = to.wanted
    told = Told(wanted.scope, wanted.dstid, said.seq, said.at, said.userid, to.sender, to.group)
    if to.words:
        told.media = said.media
        told.words = _words(said)
    return msgspec.json.encode(told)


def _words(said: Message) -> str:
    # Other kinds have an address or data in it, for which the browser has words of its own.
    text = said.content if said.media in (TEXT, CUSTOM) else ""
    line = " ".join(text[: 4 * WORDS_CHARS].split())
    return line if len(line) <= WORDS_CHARS else line[: WORDS_CHARS - 1] + "…"


def topic_of(key: bytes, to: Receiver) -> str:
    """By what a push service knows that a newer push replaces this one. It doesn't tell whose conversation it is."""
    name = f"{to.wanted.userid} {to.wanted.scope} {to.wanted.dstid}"
    return hmac.digest(key, name.encode(), hashlib.sha256).hex()[:TOPIC_CHARS]


def is_quiet(quiet: str, zone: str, now_ms: int) -> bool:
    """Whether the time lies in the hours `quiet` (`22:00-07:00`, which may span midnight; the end isn't in them) of the
    time zone, or of UTC."""
    if not quiet:
        return False
    now = datetime.fromtimestamp(now_ms / 1000, _zone(zone))
    minute = now.hour * _MINUTES + now.minute
    start, end = (int(one[:2]) * _MINUTES + int(one[3:]) for one in quiet.split("-"))
    return start <= minute < end if start <= end else minute >= start or minute < end


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):  # one that this machine's data no longer has
        return UTC
