"""What an examination finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: nothing to do, good to know, will become a problem, or is one."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `text` says what was found; `fix` what to do about it, empty where there is nothing
    to do. Both are for the operator."""

    topic: str
    level: Level
    text: str
    fix: str = ""
