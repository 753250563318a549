"""What a user may set about being told of messages."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from twim.access.http.declared import flag, optional, text
from twim.access.http.fields import Fields
from twim.errors import Malformed

_TIME: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_QUIET: Final = re.compile(f"{_TIME}-{_TIME}")
_ZONE_CHARS: Final = 64
WORDS: Final = optional(flag("words"))
QUIET: Final = text("quiet", len("22:00-07:00"))
ZONE: Final = text("zone", _ZONE_CHARS)
USER_SETTINGS: Final = (WORDS, QUIET, ZONE)


def read_user_settings(fields: Fields) -> dict[str, str | int]:
    """Those of `words` (0 or 1), `quiet` (`22:00-07:00`) and `zone` (`Asia/Shanghai`) that were sent; the last two may
    be empty."""
    found: dict[str, str | int] = {}
    if "words" in fields:
        found["words"] = fields[WORDS]
    if "quiet" in fields:
        quiet = found["quiet"] = fields[QUIET]
        if quiet and not _QUIET.fullmatch(quiet):
            raise Malformed("quiet: two times, as 22:00-07:00")
    if "zone" in fields:
        zone = found["zone"] = fields[ZONE]
        if zone and not _is_zone(zone):
            raise Malformed("zone: no such time zone")
    return found


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
