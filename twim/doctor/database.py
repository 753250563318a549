"""The database: whether it can be reached, is one that the server works with, is whole, and is in a good place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Final

from sqlalchemy import Connection, text

from twim.doctor.file_systems import IN_CONTAINER, IN_MEMORY, ON_NETWORK, file_system_of
from twim.doctor.finding import Finding, Level
from twim.doctor.reading import Unreadable
from twim.doctor.subject import Subject
from twim.doctor.words import size

TOPIC: Final = "database"
CHECK_SECONDS: Final = 5.0  # how long a SQLite file is read to see whether it is whole
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock
WAL_BYTES: Final = 256 << 20  # eight times what the server lets it grow to
_MAGIC: Final = b"SQLite format 3\0"
_WAL: Final = 2  # the format's version in bytes 18 and 19 of the file, as in https://sqlite.org/fileformat.html
OLDEST_SQLITE: Final = (3, 33)
OLDEST: Final = {"MariaDB": (10, 3), "MySQL": (8, 0), "PostgreSQL": (12, 0)}
_SIZE: Final = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "mysql": "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_schema = database()",
}


def look_at_database(subject: Subject) -> Iterator[Finding]:
    """Examine it as far as its kind allows."""
    path = subject.database.path
    yield from _server(subject) if path is None else _sqlite(subject, path)


def _server(subject: Subject) -> Iterator[Finding]:
    shown = subject.database.shown
    try:
        with subject.database.reading() as connection:
            yield _version(connection)
            total = connection.execute(text(_SIZE[connection.dialect.name])).scalar_one()
            yield Finding(TOPIC, Level.OK, f"{shown} is reached and has {size(int(total or 0))}")
    except Unreadable as error:
        fix = "Start the database server, or correct the address, the user or the password of --db."
        yield Finding(TOPIC, Level.ERROR, f"{shown} can't be reached: {error}", fix)


def _version(connection: Connection) -> Finding:
    dialect: Any = connection.dialect
    name = "PostgreSQL" if dialect.name == "postgresql" else "MariaDB" if dialect.is_mariadb else "MySQL"
    return judge_version(name, tuple(dialect.server_version_info or ()))


def judge_version(name: str, version: tuple[Any, ...]) -> Finding:
    """Whether a program that keeps databases is new enough."""
    oldest = OLDEST_SQLITE if name == "SQLite" else OLDEST[name]
    shown = f"{name} {'.'.join(map(str, version[:3]))}"
    if version[:2] < oldest:
        wanted = ".".join(map(str, oldest))
        return Finding(TOPIC, Level.ERROR, f"{shown} is too old", f"Install {name} {wanted} or newer.")
    return Finding(TOPIC, Level.OK, f"{shown} is new enough")


def _sqlite(subject: Subject, path: Path) -> Iterator[Finding]:
    yield judge_version("SQLite", sqlite3.sqlite_version_info)
    yield from _place(path)
    if subject.database.is_missing:
        yield Finding(TOPIC, Level.NOTE, f"{path} isn't there yet; the server makes it at its first start")
        return
    try:
        yield from _file(path)
        yield from _whole(subject, path)
    except (OSError, Unreadable) as error:
        why = error.strerror if isinstance(error, OSError) else error
        fix = "Run this as the user who runs the server, as in: sudo -u twim twim doctor."
        yield Finding(TOPIC, Level.ERROR, f"{path} can't be read: {why}", fix)


def _place(path: Path) -> Iterator[Finding]:
    kind = file_system_of(path)
    if kind in ON_NETWORK:
        fix = "Move the data folder to a disk of this machine; SQLite's locks and its log don't work over a network."
        yield Finding(TOPIC, Level.ERROR, f"{path} is on a file system of the network ({kind})", fix)
    elif kind in IN_MEMORY:
        fix = "Move the data folder to a disk, or save it before each restart of the machine."
        yield Finding(TOPIC, Level.WARNING, f"{path} is in memory ({kind}): a restart of the machine loses it", fix)
    elif kind in IN_CONTAINER:
        fix = "In a container, put the data folder on a volume, as deploy/compose.yaml does."
        yield Finding(TOPIC, Level.NOTE, f"{path} may be in a container's own layer, and go with it", fix)


def _file(path: Path) -> Iterator[Finding]:
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(_MAGIC):
        fix = f"Move {path} away, and restore a backup with: python -m twim.operator restore."
        yield Finding(TOPIC, Level.ERROR, f"{path} is no SQLite database", fix)
        return
    if head[18] != _WAL:
        yield Finding(TOPIC, Level.NOTE, f"{path} has no write-ahead log (WAL); the server begins one at its start")
    wal = path.with_name(f"{path.name}-wal")
    waiting = wal.stat().st_size if wal.exists() else 0
    if waiting > WAL_BYTES:
        fix = (
            "Look for a program that keeps a transaction on the database open, such as sqlite3, and end it; then"
            " restart the server."
        )
        yield Finding(TOPIC, Level.WARNING, f"the write-ahead log {wal} has grown to {size(waiting)}", fix)
    yield Finding(TOPIC, Level.OK, f"{path} has {size(path.stat().st_size)}, its write-ahead log {size(waiting)}")


def _whole(subject: Subject, path: Path) -> Iterator[Finding]:
    damage = _damage(subject)
    if damage is not None and path.with_name(f"{path.name}-wal").exists():
        # A server that began meanwhile changes what is read; now it is read beside that server.
        damage = _damage(subject)
    if damage is None:
        text = f"{path} is too large to be checked in {CHECK_SECONDS:.0f} s; as far as it was read it is whole"
        fix = f"Where it matters, check a copy: python -m twim.operator backup {path} COPY reads everything."
        yield Finding(TOPIC, Level.NOTE, text, fix)
    elif damage:
        fix = (
            "Stop the server and restore the newest backup: python -m twim.operator restore BACKUP"
            f" {path} --replace. Then look for a failing disk."
        )
        yield Finding(TOPIC, Level.ERROR, f"{path} is damaged: {damage}", fix)
    else:
        yield Finding(TOPIC, Level.OK, f"{path} is whole")


def _damage(subject: Subject) -> str | None:
    """What is wrong with the file: "" for nothing, None when there was no time to find out."""
    with subject.database.reading() as connection:
        raw: Any = connection.connection.driver_connection
        until = monotonic() + CHECK_SECONDS
        raw.set_progress_handler(lambda: monotonic() > until, _STEPS)
        try:
            found = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                return None
            if "locked" in str(error) or "unable to open" in str(error):
                raise Unreadable(str(error)) from error
            return str(error)
        finally:
            raw.set_progress_handler(None, 0)
    return "" if found == "ok" else " ".join(str(found).split())
