"""What is examined, and how closely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twim.config import Config
from twim.doctor.finding import Finding
from twim.doctor.reading import DatabaseReader

BACKUP_DAYS: Final = 7  # a backup that is older doesn't help much


@dataclass(frozen=True)
class Subject:
    """An installation."""

    config: Config
    database: DatabaseReader
    environ: Mapping[str, str]
    clock: Callable[[], float]
    """Gives the time, in seconds since 1970."""
    write: bool
    """Whether a small object may be stored in the files' store, and deleted."""
    url: str
    """Where people find the server, as ``https://chat.example.org``; empty when it isn't known."""
    backups: Path | None
    """The folder of the backups; None for the folder ``backups`` in DATA."""
    backup_days: int


Look = Callable[[Subject], Iterator[Finding]]
"""Examines one topic."""
