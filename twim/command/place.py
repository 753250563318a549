"""The database that a server has, for commands that make none."""

from __future__ import annotations

from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy import exc as sql_errors

from twim.config import Config
from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.migrations import newest
from twim.storage.opening import shown


def existing(config: Config) -> Database:
    """The database, whose threads aren't started. `Refused` where there is none, or one whose schema isn't this
    program's; nothing is made or changed. `Unavailable` when a database server can't be reached."""
    database = Database(parse_url(config.db), None)
    path = database.backend.path
    if path is not None and not path.exists():
        raise Refused(f"{path}: no such database; name its folder with --data, or begin one with twim run")
    try:
        found = database.transact(_schema, False)
    except sql_errors.DatabaseError as error:
        raise Refused(f"{shown(database)}: {error.orig}") from None
    if not found:
        raise Refused(f"{shown(database)}: nothing is kept there yet; twim run begins")
    if found != {newest()}:
        raise Refused(f"{shown(database)}: its schema isn't this program's; start the server on it once")
    return database


def _schema(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())
