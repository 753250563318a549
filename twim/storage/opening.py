"""Opening the database at start: the schema is made or brought up to date, what follows from the log is written, the
epoch is read. A database server that isn't there yet is waited for."""

from __future__ import annotations

import secrets
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import exc as sql_errors
from twisted.internet.task import deferLater
from twisted.logger import Logger

from twim.errors import Unavailable
from twim.storage import schema_webhooks  # noqa: F401 - whoever opens a database knows all of its tables
from twim.storage.backend import CannotOpen
from twim.storage.database import Database
from twim.storage.dialect import LockTimeout
from twim.storage.file_key import make_file_key
from twim.storage.migrations import NewerSchema, migrate
from twim.storage.push_key import make_push_key
from twim.storage.schema import meta

EPOCH: Final = "epoch"
COPYING: Final = "copying"
RETRY_SECONDS: Final = 1.0  # how often a database server that isn't there is tried
SAY_SECONDS: Final = 30.0  # how often the log says that it is still waited for

_log = Logger()


def open_database(database: Database) -> str:
    """Make the database ready and give its epoch. Blocks. `Unavailable` when it can't be reached now, `CannotOpen`
    when waiting won't help."""
    database.backend.prepare()
    try:
        epoch = _ready(database)
    except (NewerSchema, LockTimeout) as error:
        raise CannotOpen(f"--db {shown(database)}: {error}") from error
    except Unavailable as error:
        if database.backend.waiting_may_help(error):
            raise
        raise CannotOpen(f"--db {shown(database)}: {why(error)}") from error
    except sql_errors.DatabaseError as error:
        if database.backend.waiting_may_help(error):
            raise Unavailable from error
        raise CannotOpen(f"--db {shown(database)}: {error.orig}") from error
    database.backend.opened()
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
        make_file_key(connection)
        make_push_key(connection)
        database.dialect.write_index(connection)

    with database.backend.patient_engine() as engine:
        migrate(engine, then, database.backend.save_before_upgrade)
    return epoch[0]


def renew_epoch(connection: Connection) -> str:
    """Give the log another name: no client or node may go on from the position that it
    knew in the old one."""
    made = secrets.token_hex(8)
    connection.execute(delete(meta).where(meta.c.name == EPOCH))
    connection.execute(insert(meta).values(name=EPOCH, value=made))
    return made


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
