"""Numbers of users and groups: random, so that knowing one tells no other."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, Table, select

LEAST: Final = 10**7  # 8 digits
MOST: Final = 10**10 - 1  # 10 digits


def random_id() -> int:
    """A number of 8 to 10 digits that can't be guessed."""
    return LEAST + secrets.randbelow(MOST - LEAST + 1)


def free_id(connection: Connection, table: Table) -> int:
    """An id for a new row of the table. Where another server takes it before the insert, that fails, and the
    transaction is done again."""
    while True:
        found = random_id()
        if connection.execute(select(table.c.id).where(table.c.id == found)).first() is None:
            return found
