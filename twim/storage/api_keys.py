"""Keys of other programs. Only the SHA-256 of a key is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.schema import api_key

KEYS: Final = 1_000


class ApiKey(msgspec.Struct):
    """A key as administrators see it. `scopes` have commas between them; `at` is when it was made, and `used` about
    when it was used last (0: not yet), in milliseconds since 1970."""

    id: int
    name: str
    scopes: str
    at: int
    used: int = 0

    def public(self) -> dict[str, object]:
        """A row of the list."""
        scopes = self.scopes.split(",")
        return {"id": self.id, "name": self.name, "scopes": scopes, "createat": self.at, "used": self.used}


_KEY: Final = (api_key.c.id, api_key.c.name, api_key.c.scopes, api_key.c.at, api_key.c.used)


class ApiKeyStore:
    """The store of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, hashed: bytes, scopes: str, at: int) -> Deferred[int]:
        """A new key. Gives its id. `Conflict` where there are too many."""

        def work(connection: Connection) -> int:
            if count(connection, api_key) >= KEYS:
                raise Conflict(f"at most {KEYS} keys")
            values = {"name": name, "hash": hashed, "scopes": scopes, "at": at}
            made = connection.execute(insert(api_key).values(values))
            assert made.inserted_primary_key is not None
            return int(made.inserted_primary_key[0])

        return self._database.write(work)

    def keys(self) -> Deferred[list[ApiKey]]:
        """All keys, the newest first."""
        wanted = select(*_KEY).order_by(api_key.c.id.desc())
        return self._database.read(lambda connection: [ApiKey(*line) for line in connection.execute(wanted)])

    def by_hash(self) -> Deferred[dict[bytes, ApiKey]]:
        """All keys by their hashes."""
        wanted = select(api_key.c.hash, *_KEY)
        return self._database.read(lambda c: {bytes(line[0]): ApiKey(*line[1:]) for line in c.execute(wanted)})

    def touch(self, ids: Sequence[int], now: int) -> Deferred[None]:
        """These keys are in use at `now`, in milliseconds since 1970."""
        return self._database.execute(update(api_key).where(api_key.c.id.in_(ids)).values(used=now))

    def revoke(self, id: int) -> Deferred[None]:
        """End a key. `NotFound`."""

        def work(connection: Connection) -> None:
            if not connection.execute(delete(api_key).where(api_key.c.id == id)).rowcount:
                raise NotFound("no such key")

        return self._database.write(work)
