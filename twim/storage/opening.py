"""Opening the database at start: the schema is made or found, the marks are made good, the epoch is read."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy import exc as sql_errors

from twim.errors import Unavailable
from twim.storage import marks
from twim.storage.database import Database
from twim.storage.schema import meta, metadata

EPOCH: Final = "epoch"


class CannotOpen(Exception):
    """The database can't be used at all; the text is for the operator."""


def open_database(database: Database) -> str:
    """Make the database ready and give its epoch. Blocks. `Unavailable` when it can't be reached now, `CannotOpen`
    when waiting won't help."""
    if database.is_sqlite:
        _prepare_folder(Path(database.url.database or ""))
    try:
        database.transact(metadata.create_all, True)
        epoch = database.transact(_epoch, True)
        if database.is_sqlite:
            database.transact(marks.recover, True)
            database.remember_file()
    except sql_errors.DatabaseError as error:
        raise CannotOpen(f"--db {_shown(database)}: {error.orig}") from error
    except Unavailable as error:
        if database.is_sqlite:
            raise CannotOpen(f"--db {_shown(database)}: {_why(error)}") from error
        raise
    return epoch


def lock_file(database: Database) -> int | None:
    """Take the lock that keeps a second server off the same SQLite file; the descriptor holds it."""
    if not database.is_sqlite:
        return None
    path = f"{database.url.database}.lock"
    try:
        held = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise CannotOpen(f"--data {Path(path).parent}: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise CannotOpen(f"--db {_shown(database)}: another server is using it") from None
    return held


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotOpen(f"--data {path.parent}: {error.strerror}") from error


def _epoch(connection: Connection) -> str:
    wanted = select(meta.c.value).where(meta.c.name == EPOCH)
    found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        found = secrets.token_hex(8)
        connection.execute(insert(meta).values(name=EPOCH, value=found))
    return str(found)


def _shown(database: Database) -> str:
    return database.url.render_as_string(hide_password=True)


def _why(error: Unavailable) -> str:
    cause = error.__cause__
    return str(getattr(cause, "orig", None) or cause or error)
