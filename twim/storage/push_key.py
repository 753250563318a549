"""The key by which push services know this server: random, made with the database and kept in it, so that all nodes
push with the same one."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, insert, select

from twim.storage.database import Database
from twim.storage.schema import meta

PUSH_KEY: Final = "pushkey"
"""Its name in `meta`."""
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points the curve P-256 has (SEC 2, section 2.4.2)."""


def make_push_key(connection: Connection) -> None:
    """Make the key where there is none. Only while no other node opens the database (see `opening`)."""
    if _stored(connection) is None:
        made = 1 + secrets.randbelow(ORDER - 1)
        connection.execute(insert(meta).values(name=PUSH_KEY, value=f"{made:x}"))


def read_push_key(database: Database) -> int:
    """The private key, a number below `ORDER`, of a database that is open. Blocks: for the start."""
    found = database.transact(_stored, False)
    assert found is not None, "opening the database makes the key"
    return int(found, 16)


def _stored(connection: Connection) -> str | None:
    return connection.execute(select(meta.c.value).where(meta.c.name == PUSH_KEY)).scalar_one_or_none()
