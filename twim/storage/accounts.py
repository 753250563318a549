"""Users and their devices. A device is one log-in. Only the SHA-256 of its token is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import MobileTaken, NotFound, NotLoggedIn, NotYours
from twim.storage import attachments
from twim.storage.database import Database
from twim.storage.happenings import CHANGED, MADE, note_user
from twim.storage.interface import User, rfc3339
from twim.storage.random_ids import free_id
from twim.storage.schema import IN_USER, device, user
from twim.storage.schema_bots import bot

DISABLED: Final = "disabled"
WAITING: Final = "not approved yet"
NO_LOGIN: Final = "a bot does not log in"
_USER: Final[tuple[Any, ...]] = (
    user.c.id,
    user.c.mobile,
    user.c.avatar,
    user.c.sex,
    user.c.nickname,
    user.c.memo,
    user.c.createat,
    user.c.role,
    user.c.disabled,
    user.c.waiting,
    user.c.bot,
)


class Device(msgspec.Struct):
    """One log-in of a user."""

    id: int
    userid: int
    agent: str
    address: str
    createat: datetime

    def public(self, current: bool) -> dict[str, object]:
        """What its owner sees in the list of devices."""
        return {
            "id": self.id,
            "agent": self.agent,
            "address": self.address,
            "createat": rfc3339(self.createat),
            "current": int(current),
        }


_DEVICE = (device.c.id, device.c.userid, device.c.agent, device.c.address, device.c.createat)
_OWNERS = select(device.c.tokenhash, device.c.userid, device.c.id).where(
    device.c.tokenhash.in_(bindparam("tokenhashes", expanding=True))
)


def utc_now() -> datetime:
    """Now, in UTC, as it is stored: whole seconds, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class AccountStore:
    """The store of users and devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, fields: dict[str, Any], passwd: str, first: dict[str, Any]) -> Deferred[tuple[User, Device]]:
        """A new user, logged in on its `first` device. `Refusal` when the mobile is taken."""

        def work(connection: Connection) -> tuple[User, Device]:
            made = insert_user(connection, fields | {"passwd": passwd})
            return made, insert_device(connection, made.id, first)

        return self._database.write(work)

    def add_device(self, userid: int, passwd: str, fields: dict[str, Any]) -> Deferred[Device | None]:
        """Log the user in on one more device; None when `passwd` is no longer the stored hash. `NotYours` for who is
        disabled or waits for an approval."""

        def work(connection: Connection) -> Device | None:
            # Locked, so that a change of the password ends this device too, or comes first and is seen.
            stored = select(user.c.passwd, user.c.disabled, user.c.waiting).where(user.c.id == userid)
            found = connection.execute(stored.with_for_update()).one_or_none()
            if found is None or found.passwd != passwd:
                return None
            if found.disabled or found.waiting:
                raise NotYours(DISABLED if found.disabled else WAITING)
            return insert_device(connection, userid, fields)

        return self._database.write(work)

    def by_mobile(self, mobile: str) -> Deferred[tuple[User, str] | None]:
        """The user and its password hash."""

        def work(connection: Connection) -> tuple[User, str] | None:
            found = connection.execute(select(*_USER, user.c.passwd).where(user.c.mobile == mobile)).one_or_none()
            return None if found is None else (User(*found[:-1]), found[-1])

        return self._database.read(work)

    def by_id(self, userid: int) -> Deferred[tuple[User, str] | None]:
        """The user and its password hash."""

        def work(connection: Connection) -> tuple[User, str] | None:
            found = connection.execute(select(*_USER, user.c.passwd).where(user.c.id == userid)).one_or_none()
            return None if found is None else (User(*found[:-1]), found[-1])

        return self._database.read(work)

    def many(self, userids: Sequence[int]) -> Deferred[list[User]]:
        """Those of the users that there are, by id."""
        return self._database.read(lambda connection: users(connection, userids))

    def by_token(self, tokenhash: bytes) -> Deferred[Device | None]:
        """The device that this token belongs to."""

        def work(connection: Connection) -> Device | None:
            found = connection.execute(select(*_DEVICE).where(device.c.tokenhash == tokenhash)).one_or_none()
            return None if found is None else Device(*found)

        return self._database.read(work)

    def change(self, userid: int, fields: dict[str, Any]) -> Deferred[User]:
        """Store the fields of a profile."""

        def work(connection: Connection) -> User:
            if fields:
                connection.execute(update(user).where(user.c.id == userid).values(fields))
            if "avatar" in fields:
                attachments.replace(connection, IN_USER, userid, fields["avatar"])
            if fields:
                note_user(connection, userid, CHANGED)
            return _user(connection, userid)

        return self._database.write(work)

    def change_passwd(self, userid: int, passwd: str, kept: int) -> Deferred[list[int]]:
        """Store a new hash and end every device but `kept`. Gives the ended ones. `NotLoggedIn` where `kept` has ended
        meanwhile: somebody else has reset the password, or ended all devices."""

        def work(connection: Connection) -> list[int]:
            connection.execute(select(user.c.id).where(user.c.id == userid).with_for_update()).first()
            mine = select(device.c.id).where(device.c.id == kept, device.c.userid == userid)
            if connection.execute(mine).first() is None:
                raise NotLoggedIn
            connection.execute(update(user).where(user.c.id == userid).values(passwd=passwd))
            others = (device.c.userid == userid, device.c.id != kept)
            ended = [one for (one,) in connection.execute(select(device.c.id).where(*others))]
            connection.execute(delete(device).where(*others))
            return ended

        return self._database.write(work)

    def replace_hash(self, userid: int, before: str, passwd: str) -> Deferred[bool]:
        """Replace a hash made with weaker parameters; False when it isn't the stored one any more."""
        this = update(user).where(user.c.id == userid, user.c.passwd == before).values(passwd=passwd)
        return self._database.write(lambda connection: connection.execute(this).rowcount > 0)

    def devices(self, userid: int) -> Deferred[list[Device]]:
        """The user's devices, newest first."""
        listed = select(*_DEVICE).where(device.c.userid == userid).order_by(device.c.id.desc())
        return self._database.read(lambda connection: [Device(*line) for line in connection.execute(listed)])

    def alive(self, deviceids: Sequence[int]) -> Deferred[set[int]]:
        """Which of these devices have not ended."""

        def work(connection: Connection) -> set[int]:
            found: set[int] = set()
            for start in range(0, len(deviceids), 500):
                stored = select(device.c.id).where(device.c.id.in_(deviceids[start : start + 500]))
                found.update(id for (id,) in connection.execute(stored))
            return found

        return self._database.read(work)

    def touch(self, deviceids: Sequence[int], now: int, older: int) -> Deferred[None]:
        """These devices are in use at `now`, in ms since 1970. What is stored is changed where it is less than
        `older`."""

        def work(connection: Connection) -> None:
            for start in range(0, len(deviceids), 500):
                some = deviceids[start : start + 500]
                this = update(device).where(device.c.id.in_(some), device.c.used < older)
                connection.execute(this.values(used=now))

        return self._database.write(work)

    def end_idle(self, before: int, now: int) -> Deferred[list[tuple[int, int]]]:
        """End the devices that were used last before `before`, some hundreds at most; `(userid, deviceid)` of each. For
        those of which that isn't known the time begins `now`."""

        def work(connection: Connection) -> list[tuple[int, int]]:
            connection.execute(update(device).where(device.c.used == 0).values(used=now))
            # The key of a bot stays, however seldom it is used.
            idle = select(device.c.userid, device.c.id).where(
                device.c.used < before, device.c.userid.not_in(select(bot.c.userid))
            )
            found = [(one, other) for one, other in connection.execute(idle.order_by(device.c.id).limit(500))]
            # Not one that another node has told of meanwhile.
            ended = delete(device).where(device.c.id == bindparam("b_id"), device.c.used < before)
            return [one for one in found if connection.execute(ended, {"b_id": one[1]}).rowcount]

        return self._database.write(work)

    def end_device(self, userid: int, deviceid: int) -> Deferred[bool]:
        """End one device of the user; False when there is no such."""
        this = delete(device).where(device.c.id == deviceid, device.c.userid == userid)
        return self._database.write(lambda connection: connection.execute(this).rowcount > 0)

    def end_all(self, userid: int) -> Deferred[list[int]]:
        """End every device of the user. Gives them. `NotFound` for a user who isn't there."""

        def work(connection: Connection) -> list[int]:
            # Locked, so that a log-in under way comes first and its device ends, or comes afterwards.
            if connection.execute(select(user.c.id).where(user.c.id == userid).with_for_update()).first() is None:
                raise NotFound("no such user")
            return end_devices(connection, userid)

        return self._database.write(work)


def end_devices(connection: Connection, userid: int) -> list[int]:
    """End every device of the user, whose row is locked. Gives them."""
    ended = list(connection.scalars(select(device.c.id).where(device.c.userid == userid)))
    connection.execute(delete(device).where(device.c.userid == userid))
    return ended


def owners(connection: Connection, tokenhashes: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """User and device of those of the tokens, at most some hundreds, that there are."""
    found = connection.execute(_OWNERS, {"tokenhashes": tokenhashes})
    return {bytes(tokenhash): (userid, deviceid) for tokenhash, userid, deviceid in found}


def users(connection: Connection, userids: Sequence[int]) -> list[User]:
    """Those of the users that there are, by id."""
    found: list[User] = []
    for start in range(0, len(userids), 500):
        wanted = select(*_USER).where(user.c.id.in_(userids[start : start + 500])).order_by(user.c.id)
        found.extend(User(*line) for line in connection.execute(wanted))
    return found


def _user(connection: Connection, userid: int) -> User:
    return User(*connection.execute(select(*_USER).where(user.c.id == userid)).one())


def insert_user(connection: Connection, fields: dict[str, Any]) -> User:
    """A new user with these columns, whose id can't be guessed. `MobileTaken`."""
    if connection.execute(select(user.c.id).where(user.c.mobile == fields["mobile"])).first() is not None:
        raise MobileTaken
    userid = free_id(connection, user)
    connection.execute(insert(user).values(fields | {"id": userid, "createat": utc_now()}))
    if fields.get("avatar"):
        attachments.replace(connection, IN_USER, userid, fields["avatar"])
    note_user(connection, userid, MADE)
    return _user(connection, userid)


def insert_device(connection: Connection, userid: int, fields: dict[str, Any]) -> Device:
    """A new device of the user, who logs in. `NotYours` for a bot."""
    if connection.scalar(select(user.c.bot).where(user.c.id == userid)):
        raise NotYours(NO_LOGIN)
    return add_device(connection, userid, fields)


def add_device(connection: Connection, userid: int, fields: dict[str, Any]) -> Device:
    """A new device of the user."""
    created = utc_now()
    # Both come from a request's headers, and PostgreSQL takes no NUL.
    agent, address = fields["agent"].replace("\0", ""), fields["address"].replace("\0", "")
    values = {"userid": userid, "tokenhash": fields["tokenhash"], "agent": agent, "address": address}
    used = int(created.replace(tzinfo=UTC).timestamp()) * 1000
    made = connection.execute(insert(device).values(values | {"createat": created, "used": used}))
    assert made.inserted_primary_key is not None
    return Device(made.inserted_primary_key[0], userid, agent, address, created)
