"""Opening the database at start: the schema is made or brought up to date, what follows from the log is written, the
epoch is read. A database server that isn't there yet is waited for."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import exc as sql_errors
from twisted.internet.task import deferLater
from twisted.logger import Logger

from twim.errors import Unavailable
from twim.storage.behind import catch_up
from twim.storage.database import Database
from twim.storage.engine import open_engine
from twim.storage.migrations import LockTimeout, NewerSchema, migrate
from twim.storage.outage import unavailable
from twim.storage.schema import meta

EPOCH: Final = "epoch"
COPYING: Final = "copying"
RETRY_SECONDS: Final = 1.0  # how often a database server that isn't there is tried
SAY_SECONDS: Final = 30.0  # how often the log says that it is still waited for

_log = Logger()


class CannotOpen(Exception):
    """The database can't be used at all; the text is for the operator."""


def open_database(database: Database) -> str:
    """Make the database ready and give its epoch. Blocks. `Unavailable` when it can't be reached now, `CannotOpen`
    when waiting won't help."""
    if database.is_sqlite:
        _prepare_folder(Path(database.url.database or ""))
    try:
        epoch = _ready(database)
    except (NewerSchema, LockTimeout) as error:
        raise CannotOpen(f"--db {shown(database)}: {error}") from error
    except Unavailable as error:
        if database.is_sqlite:
            raise CannotOpen(f"--db {shown(database)}: {why(error)}") from error
        raise
    except sql_errors.DatabaseError as error:
        if not database.is_sqlite and unavailable(error):
            raise Unavailable from error
        raise CannotOpen(f"--db {shown(database)}: {error.orig}") from error
    if database.is_sqlite:
        database.remember_file()
    return epoch


async def open_when_there(database: Database, reactor: Any) -> str:
    """As `open_database`, in the storage's threads, and again until the server can be reached. Cancelling the
    Deferred that runs this ends the wait."""
    said: float | None = None
    while True:
        try:
            epoch: str = await database.in_writer(lambda: open_database(database))
        except Unavailable as error:
            if said is None or reactor.seconds() - said >= SAY_SECONDS:
                said = reactor.seconds()
                _log.warn("waiting for the database {db}: {why}", db=shown(database), why=why(error))
        else:
            if said is not None:
                _log.info("the database {db} is there", db=shown(database))
            return epoch
        await deferLater(reactor, RETRY_SECONDS)


def _ready(database: Database) -> str:
    epoch: list[str] = []

    def then(connection: Connection) -> None:
        if _value(connection, COPYING) is not None:
            raise CannotOpen(f"--db {shown(database)}: a copy into it was not finished: run it again")
        epoch.append(_value(connection, EPOCH) or renew_epoch(connection))
        catch_up(connection)

    # Another node may be changing the schema: this waits longer than a message may.
    patient = database.engine if database.is_sqlite else open_engine(database.url, 1, patient=True)
    try:
        migrate(patient, then)
    finally:
        if patient is not database.engine:
            patient.dispose()
    return epoch[0]


def renew_epoch(connection: Connection) -> str:
    """Give the log another name: whoever knew it before must not count on its place in it."""
    made = secrets.token_hex(8)
    connection.execute(delete(meta).where(meta.c.name == EPOCH))
    connection.execute(insert(meta).values(name=EPOCH, value=made))
    return made


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
        raise CannotOpen(f"--db {shown(database)}: another server is using it") from None
    return held


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotOpen(f"--data {path.parent}: {error.strerror}") from error


def _value(connection: Connection, name: str) -> str | None:
    found = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar_one_or_none()
    return None if found is None else str(found)


def shown(database: Database) -> str:
    """Its URL as it may be logged."""
    return database.url.render_as_string(hide_password=True)


def why(error: Unavailable) -> str:
    """What the driver said."""
    cause = error.__cause__
    return str(getattr(cause, "orig", None) or cause or error)
