"""Users and groups as other programs know them: by ids of their own, and what these programs make and change."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, MobileTaken, NotFound, NotYours
from twim.storage import attachments
from twim.storage.accounts import DISABLED, WAITING, Device, insert_device, insert_user
from twim.storage.database import Database
from twim.storage.friends import Pair, become_friends
from twim.storage.groups import make_group
from twim.storage.happenings import CHANGED, note_user
from twim.storage.interface import NO_MOBILE, Circle, Community
from twim.storage.relations import circles
from twim.storage.schema import IN_USER, community, device, external, user

USER: Final = 1
GROUP: Final = 2
BY_NUMBER: Final = "id:"
DEVICES: Final = 20  # of one user, made by keys, and as many by tokens; when one more is made the oldest ends
BY_KEY: Final = "key:"
"""How the address of a device begins that a key made."""
BY_HOST: Final = "jwt:"
"""The same for one that was made by a host's token."""
_TOGETHER: Final = 500
_ID_DIGITS: Final = 15


class Resolved(NamedTuple):
    """Of some names: the ids of users and of groups that there are, who of the speakers may not log in, which groups
    have ended, and whom each speaker may write to."""

    users: dict[str, int]
    groups: dict[str, int]
    disabled: set[int]
    dissolved: set[int]
    circles: dict[int, Circle]


class ExternalStore:
    """The store of external ids, and of what is done by them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ids(self, kind: int, names: Collection[str]) -> Deferred[dict[str, int]]:
        """The ids of those of the users or groups that there are, by external id or ``id:N``. Not of who was erased."""
        return self._database.read(lambda connection: ids(connection, kind, names))

    def names(self, kind: int, numbers: Collection[int]) -> Deferred[dict[int, str]]:
        """How other programs call these users or groups: the external id, else ``id:N``."""

        def work(connection: Connection) -> dict[int, str]:
            found = {number: f"{BY_NUMBER}{number}" for number in numbers}
            for some in _pieces(sorted(numbers)):
                wanted = select(external.c.id, external.c.name).where(external.c.kind == kind, external.c.id.in_(some))
                found.update(connection.execute(wanted).tuples().all())
            return found

        return self._database.read(work)

    def resolve(self, users: Collection[str], groups: Collection[str], speakers: Collection[str]) -> Deferred[Resolved]:
        """What is known of these users and groups; of the users also whom those who are `speakers` may write to."""

        def work(connection: Connection) -> Resolved:
            of_users = ids(connection, USER, users)
            of_groups = ids(connection, GROUP, groups) if groups else {}
            speaking = sorted({of_users[name] for name in speakers if name in of_users})
            disabled: set[int] = set()
            for some in _pieces(speaking):
                disabled.update(connection.scalars(select(user.c.id).where(user.c.id.in_(some), user.c.disabled == 1)))
            dissolved: set[int] = set()
            for some in _pieces(sorted(of_groups.values())):
                ended = select(community.c.id).where(community.c.id.in_(some), community.c.dissolved == 1)
                dissolved.update(connection.scalars(ended))
            return Resolved(of_users, of_groups, disabled, dissolved, circles(connection, speaking))

        return self._database.read(work)

    def make_user(self, name: str, fields: Mapping[str, Any]) -> Deferred[tuple[int, bool]]:
        """The id of the user of this external id, and whether there was none and it was made with these columns.
        `Conflict` for a mobile that somebody has."""

        def work(connection: Connection) -> tuple[int, bool]:
            known = id_of(connection, USER, name)
            if known:
                return known, False
            return make_user(connection, name, fields), True

        return self._database.write(work)

    def change_user(self, userid: int, fields: Mapping[str, Any]) -> Deferred[None]:
        """Change columns of the user. `Conflict` for a mobile that somebody else has."""

        def work(connection: Connection) -> None:
            if mobile := fields.get("mobile"):
                others = select(user.c.id).where(user.c.mobile == mobile, user.c.id != userid)
                if connection.execute(others).first() is not None:
                    raise Conflict(MobileTaken().msg)
            connection.execute(update(user).where(user.c.id == userid).values(dict(fields)))
            if "avatar" in fields:
                attachments.replace(connection, IN_USER, userid, fields["avatar"])
            note_user(connection, userid, CHANGED)

        return self._database.write(work)

    def add_device(self, userid: int, key: int, tokenhash: bytes) -> Deferred[tuple[Device, list[int]]]:
        """A device of the user, made by a key, and the devices that end for it. `NotYours` for who may not log in."""
        return self.log_in(userid, {"tokenhash": tokenhash, "agent": "", "address": f"{BY_KEY}{key}"}, BY_KEY)

    def log_in(self, userid: int, values: dict[str, Any], made_by: str = "") -> Deferred[tuple[Device, list[int]]]:
        """One more device of the user, without a password. Of those whose address begins with `made_by`, if it isn't
        "", only the newest `DEVICES` stay; gives the others, too. `NotYours` for who may not log in."""

        def work(connection: Connection) -> tuple[Device, list[int]]:
            # Locked, as every log-in.
            wanted = select(user.c.disabled, user.c.waiting).where(user.c.id == userid)
            found = connection.execute(wanted.with_for_update()).one_or_none()
            if found is None:
                raise NotFound("no such user")
            if found.disabled or found.waiting:
                raise NotYours(DISABLED if found.disabled else WAITING)
            made = insert_device(connection, userid, values)
            if not made_by:
                return made, []
            by_keys = select(device.c.id).where(device.c.userid == userid, device.c.address.startswith(made_by))
            ended = list(connection.scalars(by_keys.order_by(device.c.id.desc())))[DEVICES:]
            connection.execute(delete(device).where(device.c.id.in_(ended)))
            return made, ended

        return self._database.write(work)

    def make_group(self, name: str, owner: int, fields: Mapping[str, Any]) -> Deferred[tuple[int, Community | None]]:
        """The id of the group of this external id; and the group, if there was none and it was made."""

        def work(connection: Connection) -> tuple[int, Community | None]:
            known = id_of(connection, GROUP, name)
            if known:
                return known, None
            made = make_group(connection, owner, {"icon": "", "cate": 0, "memo": "", "received": 1} | dict(fields))
            connection.execute(insert(external).values(kind=GROUP, name=name, id=made.id))
            return made.id, made

        return self._database.write(work)

    def forget_group(self, group: int) -> Deferred[None]:
        """The group's external id is free again."""
        this = delete(external).where(external.c.kind == GROUP, external.c.id == group)
        return self._database.execute(this)

    def befriend(self, pairs: Sequence[Pair]) -> Deferred[tuple[list[Pair], list[Pair]]]:
        """See `become_friends`."""
        return self._database.write(lambda connection: become_friends(connection, pairs))


def make_user(connection: Connection, name: str, fields: Mapping[str, Any]) -> int:
    """A new user with these columns, and this external id unless that is empty; without a password, and without a
    mobile unless one is given. `Conflict` for a mobile that somebody has."""
    try:
        made = insert_user(connection, without_mobile() | dict(fields))
    except MobileTaken as error:
        raise Conflict(error.msg) from None
    if name:
        name_user(connection, name, made.id)
    return made.id


def id_of(connection: Connection, kind: int, name: str) -> int:
    """The id of the user or group of this external id; 0 if there is none."""
    wanted = select(external.c.id).where(external.c.kind == kind, external.c.name == name)
    return connection.execute(wanted).scalar_one_or_none() or 0


def name_user(connection: Connection, name: str, userid: int) -> None:
    """The user has this external id from now on."""
    connection.execute(insert(external).values(kind=USER, name=name, id=userid))


def without_mobile() -> dict[str, Any]:
    """The columns of a new user who has neither a mobile nor a password."""
    return {"mobile": NO_MOBILE + secrets.token_hex(8), "sex": "U", "memo": "", "avatar": "", "passwd": ""}


def forget_user(connection: Connection, userid: int) -> None:
    """The user's external id is free again."""
    connection.execute(delete(external).where(external.c.kind == USER, external.c.id == userid))


def ids(connection: Connection, kind: int, names: Collection[str]) -> dict[str, int]:
    """See `ExternalStore.ids`."""
    found: dict[str, int] = {}
    numbers = {number_in(name): name for name in names if number_in(name)}
    table = user if kind == USER else community
    for some in _pieces(sorted(numbers)):
        wanted = select(table.c.id).where(table.c.id.in_(some))
        if kind == USER:
            wanted = wanted.where(user.c.mobile.not_like("~%"))
        found.update((numbers[number], number) for number in connection.scalars(wanted))
    for words in _pieces(sorted(set(names) - set(numbers.values()))):
        named = select(external.c.name, external.c.id).where(external.c.kind == kind, external.c.name.in_(words))
        found.update(connection.execute(named).tuples().all())
    return found


def number_in(name: str) -> int:
    """N of ``id:N``; 0 of every other name."""
    digits = name.removeprefix(BY_NUMBER)
    fits = name.startswith(BY_NUMBER) and digits.isascii() and digits.isdigit() and len(digits) <= _ID_DIGITS
    return int(digits) if fits and digits[0] != "0" else 0


def _pieces(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + _TOGETHER] for start in range(0, len(values), _TOGETHER)]
