"""Hooks by which other programs say something in a group, each in the name of a bot of its own.

Only the SHA-256 of a hook's secret is stored. A group that is dissolved has none any more (see `groups`), nor has a bot
that is erased.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.external import make_user
from twim.storage.groups import lock
from twim.storage.schema import user
from twim.storage.schema_bots import hook

HOOKS: Final = 10_000
OF_A_GROUP: Final = 50


class Hook(msgspec.Struct):
    """A hook, without its secret. `at` is when it was made, in milliseconds since 1970."""

    id: int
    userid: int
    group: int
    name: str
    at: int


_HOOK: Final[tuple[Any, ...]] = (hook.c.id, hook.c.userid, hook.c.community, hook.c.name, hook.c.at)


class HookStore:
    """The store of hooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, group: int, name: str, hashed: bytes, at: int) -> Deferred[Hook]:
        """A new hook into the group, and its bot, which isn't a member yet. `NotYours` for a group that isn't there,
        `Conflict` for one that is dissolved, and where there are too many hooks."""

        def work(connection: Connection) -> Hook:
            if lock(connection, group).dissolved:
                raise Conflict("that group is dissolved")
            if count(connection, hook, hook.c.community == group) >= OF_A_GROUP:
                raise Conflict(f"at most {OF_A_GROUP} hooks of a group")
            if count(connection, hook) >= HOOKS:
                raise Conflict(f"at most {HOOKS} hooks")
            userid = make_user(connection, "", {"nickname": name, "bot": 1})
            values = {"hash": hashed, "userid": userid, "community": group, "name": name, "at": at}
            made = connection.execute(insert(hook).values(values))
            assert made.inserted_primary_key is not None
            return Hook(int(made.inserted_primary_key[0]), userid, group, name, at)

        return self._database.write(work)

    def hooks(self) -> Deferred[list[Hook]]:
        """All hooks, the newest first."""
        wanted = select(*_HOOK).order_by(hook.c.id.desc())
        return self._database.read(lambda connection: [Hook(*line) for line in connection.execute(wanted)])

    def by_hash(self, hashed: bytes) -> Deferred[Hook]:
        """The hook of this secret. `NotFound`."""

        def work(connection: Connection) -> Hook:
            found = connection.execute(select(*_HOOK).where(hook.c.hash == hashed)).one_or_none()
            if found is None:
                raise NotFound("no such hook")
            return Hook(*found)

        return self._database.read(work)

    def delete(self, id: int) -> Deferred[Hook]:
        """End the hook, whose bot stays as the author of what it said. Gives what it was. `NotFound`."""

        def work(connection: Connection) -> Hook:
            found = connection.execute(select(*_HOOK).where(hook.c.id == id)).one_or_none()
            if found is None:
                raise NotFound("no such hook")
            connection.execute(delete(hook).where(hook.c.id == id))
            connection.execute(update(user).where(user.c.id == found.userid).values(disabled=1))
            return Hook(*found)

        return self._database.write(work)
