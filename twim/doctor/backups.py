"""The backups: whether there is one, and how old the newest is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from twim.doctor.finding import Finding, Level
from twim.doctor.subject import Subject
from twim.doctor.words import days

TOPIC: Final = "backups"
DAY: Final = 86_400
MOST_FILES: Final = 10_000  # that are looked at
_MAGIC: Final = b"SQLite format 3\0"


def look_at_backups(subject: Subject) -> Iterator[Finding]:
    """Look at the newest file in their folder. A backup of a database server is whatever its own tools wrote."""
    folder = subject.backups or subject.config.data / "backups"
    how = _how(subject, folder)
    if not folder.is_dir():
        level = Level.NOTE if subject.backups is None else Level.WARNING
        yield Finding(
            TOPIC, level, f"there is no folder of backups {folder}", f"{how} Say by --backups where they are."
        )
        return
    try:
        found = sorted(_files(folder), key=lambda one: one[0])
    except OSError as error:
        fix = "Run this as a user who may read it."
        yield Finding(TOPIC, Level.NOTE, f"the backups in {folder} can't be seen: {error.strerror}", fix)
        return
    if not found:
        yield Finding(TOPIC, Level.WARNING, f"there is no backup in {folder}", how)
        return
    at, newest = found[-1]
    age = max(subject.clock() - at, 0)
    if age > subject.backup_days * DAY:
        yield Finding(TOPIC, Level.WARNING, f"the newest backup, {newest}, is {days(age)} old", how)
    elif subject.database.path is not None and not is_backup(newest):
        fix = f"Delete it, and save the database again. {how}"
        yield Finding(
            TOPIC, Level.WARNING, f"the newest backup, {newest}, can't be used: it is no database of ours", fix
        )
    else:
        yield Finding(TOPIC, Level.OK, f"the newest backup, {newest}, is {days(age)} old")


def _files(folder: Path) -> Iterator[tuple[float, Path]]:
    for number, path in enumerate(folder.iterdir()):
        if number == MOST_FILES:
            return
        if path.is_file() and not path.name.endswith((".part", "-wal", "-shm")) and path.stat().st_size:
            yield path.stat().st_mtime, path


def is_backup(path: Path) -> bool:
    """Whether a file is a SQLite database with our tables, or is packed so that it can't be told."""
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return path.suffix in (".gz", ".zst", ".xz", ".bz2", ".gpg", ".age", ".tar", ".zip")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'message'").fetchone()
            return bool(found[0])
    except (OSError, sqlite3.Error):
        return False


def _how(subject: Subject, folder: Path) -> str:
    path = subject.database.path
    if path is None:
        return f"Save the database each day into {folder}, with mysqldump --single-transaction or pg_dump."
    return f"Save it each day, as in: python -m twim.operator backup {path} {folder}/im-$(date +%F).db."
