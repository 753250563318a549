"""Who is an administrator, who may not log in any more, and who may not yet.

What changes one of these locks one row for all of them, so that of two changes at once the second sees what the first
did: there is always an administrator left who may log in, once there was one.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound
from twim.storage.accounts import end_devices
from twim.storage.database import Database
from twim.storage.happenings import note_user
from twim.storage.interface import ADMIN_ROLE
from twim.storage.schema import meta, user

LAST: Final = "that is the last administrator"
SETUP: Final = "setup"
"""The name in `meta` of the code by which somebody becomes the first administrator."""
_ADMINISTRATORS: Final = (user.c.role == ADMIN_ROLE, user.c.disabled == 0, user.c.waiting == 0)


class RoleStore:
    """The store of roles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_administrator(self, userid: int) -> Deferred[bool]:
        """Whether the user is an administrator who may log in."""
        return self._database.read(lambda connection: is_administrator(connection, userid))

    def has_administrator(self) -> Deferred[bool]:
        """Whether there is an administrator who may log in."""
        return self._database.read(has_administrator)

    def set_role(self, userid: int, role: str) -> Deferred[None]:
        """Give the user this role. `NotFound`; `Conflict` for the last administrator, and for a bot that would become
        one."""

        def work(connection: Connection) -> None:
            lock_roles(connection)
            check_there(connection, userid)
            if role != ADMIN_ROLE:
                check_other(connection, userid)
            elif connection.scalar(select(user.c.bot).where(user.c.id == userid)):
                raise Conflict("a bot is never an administrator")
            connection.execute(update(user).where(user.c.id == userid).values(role=role))
            if role == ADMIN_ROLE:
                forget_setup(connection)
            note_user(connection, userid, "role")

        return self._database.write(work)

    def disable(self, userid: int) -> Deferred[list[int]]:
        """The user may not log in any more. Gives the devices that ended. `NotFound`; `Conflict` for the last
        administrator."""

        def work(connection: Connection) -> list[int]:
            lock_roles(connection)
            check_there(connection, userid)
            check_other(connection, userid)
            # First, since a log-in looks at it under the row's lock: none that sees it unset is missed below.
            connection.execute(update(user).where(user.c.id == userid).values(disabled=1))
            note_user(connection, userid, "disabled")
            return end_devices(connection, userid)

        return self._database.write(work)

    def enable(self, userid: int) -> Deferred[None]:
        """The user may log in again. `NotFound`."""
        return self._clear(userid, "disabled", "enabled")

    def approve(self, userid: int) -> Deferred[None]:
        """The user may log in from now on. `NotFound`."""
        return self._clear(userid, "waiting", "approved")

    def _clear(self, userid: int, flag: str, what: str) -> Deferred[None]:
        def work(connection: Connection) -> None:
            lock_roles(connection)
            check_there(connection, userid)
            connection.execute(update(user).where(user.c.id == userid).values({flag: 0}))
            note_user(connection, userid, what)

        return self._database.write(work)


def lock_roles(connection: Connection) -> None:
    """Let nobody else change a role until this transaction ends."""
    connection.execute(select(meta.c.value).where(meta.c.name == "epoch").with_for_update()).first()


def is_administrator(connection: Connection, userid: int) -> bool:
    """Whether the user is an administrator who may log in."""
    wanted = select(user.c.id).where(user.c.id == userid, *_ADMINISTRATORS)
    return connection.execute(wanted).first() is not None


def has_administrator(connection: Connection) -> bool:
    """Whether there is an administrator who may log in."""
    return connection.execute(select(user.c.id).where(*_ADMINISTRATORS).limit(1)).first() is not None


def forget_setup(connection: Connection) -> None:
    """There is an administrator: the setup code is worth nothing any more."""
    connection.execute(delete(meta).where(meta.c.name == SETUP))


def check_there(connection: Connection, userid: int) -> None:
    if connection.execute(select(user.c.id).where(user.c.id == userid)).first() is None:
        raise NotFound("no such user")


def check_other(connection: Connection, userid: int) -> None:
    if not is_administrator(connection, userid):
        return
    others = select(user.c.id).where(user.c.id != userid, *_ADMINISTRATORS).limit(1)
    if connection.execute(others).first() is None:
        raise Conflict(LAST)
