"""Resets of passwords: each is good for one new password, until it expires. Only the SHA-256 of its code is stored."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound
from twim.storage.accounts import end_devices
from twim.storage.database import Database
from twim.storage.schema import password_reset, user

NO_RESET: Final = "no such link"
NO_PASSWD: Final = ""
"""Stands for the hash of a password where none opens it; to find that out takes as long as with any other."""


class PasswordResetStore:
    """The store of resets. Times are milliseconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, userid: int, hashed: bytes, expires: int) -> Deferred[list[int]]:
        """From now on the user's password opens nothing, and every device has ended: gives these. An earlier reset
        is good no more. `NotFound`; `Conflict` for a bot, which has no password."""

        def work(connection: Connection) -> list[int]:
            if connection.scalar(select(user.c.bot).where(user.c.id == userid)):
                raise Conflict("a bot has no password")
            # First, since a log-in looks at it under the row's lock: none that sees the old one is missed below.
            closed = update(user).where(user.c.id == userid).values(passwd=NO_PASSWD)
            if not connection.execute(closed).rowcount:
                raise NotFound("no such user")
            connection.execute(delete(password_reset).where(password_reset.c.userid == userid))
            connection.execute(insert(password_reset).values(userid=userid, hash=hashed, expires=expires))
            return end_devices(connection, userid)

        return self._database.write(work)

    def look(self, hashed: bytes, now: int) -> Deferred[int]:
        """Whose password it resets; it isn't used by that. `NotFound` when it is not good now."""
        return self._database.read(lambda connection: _whose(connection, hashed, now))

    def use(self, hashed: bytes, passwd: str, now: int) -> Deferred[int]:
        """Store the hash of the new password, and use the reset up. Gives whose it is. `NotFound` when it is not good
        now."""

        def work(connection: Connection) -> int:
            userid = _whose(connection, hashed, now)
            # Of two at once one finds it deleted.
            if not connection.execute(delete(password_reset).where(password_reset.c.hash == hashed)).rowcount:
                raise NotFound(NO_RESET)
            connection.execute(update(user).where(user.c.id == userid).values(passwd=passwd))
            return userid

        return self._database.write(work)

    def forget(self, userid: int) -> Deferred[None]:
        """The user's reset, if there is one, is good no more."""
        return self._database.execute(delete(password_reset).where(password_reset.c.userid == userid))


def _whose(connection: Connection, hashed: bytes, now: int) -> int:
    good = (password_reset.c.hash == hashed, password_reset.c.expires > now)
    userid = connection.execute(select(password_reset.c.userid).where(*good)).scalar_one_or_none()
    if userid is None:
        raise NotFound(NO_RESET)
    return int(userid)
