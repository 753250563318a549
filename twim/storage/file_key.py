"""The key by which all nodes sign the URLs of files: random, made with the database and kept in it."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, insert, select

from twim.storage.database import Database
from twim.storage.schema import meta

FILE_KEY: Final = "filekey"
"""Its name in `meta`."""
KEY_BYTES: Final = 32


def make_file_key(connection: Connection) -> None:
    """Make the key where there is none. Only while no other node opens the database (see `opening`)."""
    if _stored(connection) is None:
        connection.execute(insert(meta).values(name=FILE_KEY, value=secrets.token_hex(KEY_BYTES)))


def read_file_key(database: Database) -> bytes:
    """The key of a database that is open. Blocks: for the start."""
    found = database.transact(_stored, False)
    assert found is not None, "opening the database makes the key"
    return bytes.fromhex(found)


def _stored(connection: Connection) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == FILE_KEY)).scalar_one_or_none()
