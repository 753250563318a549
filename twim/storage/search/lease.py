"""Which of the nodes that share a database writes the index of words: the one that has the lease."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, insert, select, update

from twim.storage.database import Database
from twim.storage.schema import meta

NAME: Final = "search_lease"
"""In table `meta`: until when (ms), and whose it is."""
SECONDS: Final = 30.0  # how long it lasts: its holder renews it well before


class Lease:
    """One node's. SQLite has one node, which always has it. Clocks that differ may give it to two nodes for a while,
    which is more work and does no harm."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = secrets.token_hex(8)
        self.is_shared = database.backend.path is None
        """Whether there may be other nodes."""

    async def take(self, now: int) -> bool:
        """Take it, or have it for longer, at the time `now` (ms). False while another node has it."""
        if not self.is_shared:
            return True

        def work(connection: Connection) -> bool:
            stored = connection.execute(select(meta.c.value).where(meta.c.name == NAME)).scalar_one_or_none()
            mine = f"{now + int(1000 * SECONDS)} {self._name}"
            if stored is None:
                connection.execute(insert(meta).values(name=NAME, value=mine))
                return True
            until, holder = str(stored).split(" ")
            if holder != self._name and int(until) > now:
                return False
            # Whoever asks at the same moment finds another value.
            taken = update(meta).where(meta.c.name == NAME, meta.c.value == stored).values(value=mine)
            return stored == mine or connection.execute(taken).rowcount == 1

        return await self._database.write(work)
