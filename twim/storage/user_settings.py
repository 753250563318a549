"""When and how a user wants to be told of messages by a push."""

from __future__ import annotations

from sqlalchemy import Connection, select, update
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import user


class UserSettingStore:
    """The settings of users: `words`, `quiet` and `zone` (see `schema.user`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, userid: int, changed: dict[str, str | int]) -> Deferred[dict[str, str | int]]:
        """Change some of them, and give all of them."""

        def work(connection: Connection) -> dict[str, str | int]:
            if changed:
                connection.execute(update(user).where(user.c.id == userid).values(changed))
            kept = select(user.c.words, user.c.quiet, user.c.zone).where(user.c.id == userid)
            return dict(connection.execute(kept).mappings().one())

        return self._database.write(work)
