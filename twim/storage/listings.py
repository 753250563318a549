"""What administrators see: users, groups and invitations, whoever's they are, a page at a time.

The rows are as the acts give them. A page begins after the one with the id `before`, or with the highest id for 0, and
goes on from its last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, func, or_, select
from twisted.internet.defer import Deferred

from twim.errors import NotFound
from twim.storage.database import Database
from twim.storage.interface import ADMIN_ROLE
from twim.storage.schema import MEMBER, community, contact, conversation, device, invite, user
from twim.storage.standing import ADMIN, MEMBER_ROLE, OWNER
from twim.wire.commands import GROUP

Row = dict[str, object]

_USER: Final = (
    user.c.id,
    user.c.mobile,
    user.c.nickname,
    user.c.avatar,
    user.c.role,
    user.c.disabled,
    user.c.waiting,
    user.c.createat,
)
_GROUP: Final = (community.c.id, community.c.name, community.c.join, community.c.dissolved, community.c.createat)
_OWNER: Final = (community.c.ownerid.label("owner"), user.c.nickname.label("ownername"))
_OWNED_GROUPS: Final = select(*_GROUP, *_OWNER).outerjoin(user, user.c.id == community.c.ownerid)
_INVITE: Final = (invite.c.id, invite.c.community, invite.c.maker, invite.c.uses, invite.c.used, invite.c.expires)


class Listings:
    """Reads what administrators see. Times are milliseconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def users(self, q: str, waiting: bool, before: int, limit: int) -> Deferred[list[Row]]:
        """Users whose nickname or mobile has `q` in it, or whose id it is; with `waiting` only who waits for an
        approval."""
        wanted = _page(select(*_USER), user, before, limit)
        if q:
            has = (user.c.nickname.icontains(q, autoescape=True), user.c.mobile.contains(q, autoescape=True))
            wanted = wanted.where(or_(*has, *_is_id(user, q)))
        if waiting:
            wanted = wanted.where(user.c.waiting == 1)
        return self._database.read(lambda connection: _user_rows(connection, wanted))

    def named(self, limit: int, id: int = 0, mobile: str = "", nickname: str = "") -> Deferred[list[Row]]:
        """The users of this id, of this mobile or of exactly this nickname; 0 and "" name nobody."""
        is_one: list[ColumnElement[bool]] = [user.c.id == id]
        if mobile:
            is_one.append(user.c.mobile == mobile)
        if nickname:
            is_one.append(user.c.nickname == nickname)
        wanted = _page(select(*_USER).where(or_(*is_one)), user, 0, limit)
        return self._database.read(lambda connection: _user_rows(connection, wanted))

    def user(self, userid: int) -> Deferred[Row]:
        """One user, with its groups. `NotFound`."""

        def work(connection: Connection) -> Row:
            found = _user_rows(connection, select(*_USER).where(user.c.id == userid))
            if not found:
                raise NotFound("no such user")
            joined = (
                select(community.c.id, community.c.name, community.c.ownerid, contact.c.admin)
                .join(contact, contact.c.dstobj == community.c.id)
                .where(contact.c.ownerid == userid, contact.c.cate == MEMBER)
                .order_by(community.c.id)
            )
            groups = [
                {"id": id, "name": name, "role": _role(owner == userid, admin)}
                for id, name, owner, admin in connection.execute(joined)
            ]
            return found[0] | {"groups": groups}

        return self._database.read(work)

    def groups(self, q: str, before: int, limit: int) -> Deferred[list[Row]]:
        """Groups whose name has `q` in it, or whose id it is."""
        wanted = _page(_OWNED_GROUPS, community, before, limit)
        if q:
            wanted = wanted.where(or_(community.c.name.icontains(q, autoescape=True), *_is_id(community, q)))
        return self._database.read(lambda connection: self._group_rows(connection, wanted))

    def group(self, group: int) -> Deferred[Row]:
        """One group, with its members in the order of joining. `NotFound`."""

        def work(connection: Connection) -> Row:
            found = self._group_rows(connection, _OWNED_GROUPS.where(community.c.id == group))
            if not found:
                raise NotFound("no such group")
            listed = (
                select(user.c.id, user.c.nickname, user.c.avatar, contact.c.admin, contact.c.muted)
                .join(contact, contact.c.ownerid == user.c.id)
                .where(contact.c.dstobj == group, contact.c.cate == MEMBER)
                .order_by(contact.c.id)
            )
            owner = found[0]["owner"]
            rows = [
                {"id": id, "nickname": nickname, "avatar": avatar, "role": _role(id == owner, admin), "muted": muted}
                for id, nickname, avatar, admin, muted in connection.execute(listed)
            ]
            return found[0] | {"rows": rows}

        return self._database.read(work)

    def _group_rows(self, connection: Connection, wanted: Select[Any]) -> list[Row]:
        lines = connection.execute(wanted).all()
        ids = [line.id for line in lines]
        counted = select(contact.c.dstobj, func.count()).where(contact.c.dstobj.in_(ids), contact.c.cate == MEMBER)
        members: dict[int, int] = dict(connection.execute(counted.group_by(contact.c.dstobj)).tuples().all())
        said = self._heads(connection, ids)
        return [
            line._asdict()
            | {"ownername": line.ownername or "", "createat": _ms(line.createat)}
            | {"members": members.get(line.id, 0), "messages": said.get(line.id, 0)}
            for line in lines
        ]

    def _heads(self, connection: Connection, groups: Sequence[int]) -> dict[int, int]:
        wanted = select(conversation.c.a, conversation.c.id, conversation.c.head)
        theirs = (conversation.c.scope == GROUP, conversation.c.a.in_(groups), conversation.c.b == 0)
        lines = connection.execute(wanted.where(*theirs)).all()
        heads = self._database.dialect.heads_without_lock(connection, [line.id for line in lines])
        return {line.a: heads.get(line.id, line.head) for line in lines}

    def invites(self, now: int, before: int, limit: int) -> Deferred[list[Row]]:
        """Invitations that have not expired."""
        wanted = _page(select(*_INVITE).where(invite.c.expires > now), invite, before, limit)

        def work(connection: Connection) -> list[Row]:
            return [
                {"id": id, "for": str(group or "server"), "maker": maker}
                | {"uses": uses, "left": uses - used, "expires": expires}
                for id, group, maker, uses, used, expires in connection.execute(wanted)
            ]

        return self._database.read(work)

    def first_administrator(self) -> Deferred[int]:
        """The administrator with the lowest id who may log in; 0 when there is none."""
        active = (user.c.role == ADMIN_ROLE, user.c.disabled == 0, user.c.waiting == 0)
        wanted = select(func.min(user.c.id)).where(*active)
        return self._database.read(lambda connection: connection.execute(wanted).scalar_one() or 0)


def _page(wanted: Select[Any], table: Table, before: int, limit: int) -> Select[Any]:
    if before:
        wanted = wanted.where(table.c.id < before)
    return wanted.order_by(table.c.id.desc()).limit(limit)


def _is_id(table: Table, q: str) -> list[ColumnElement[bool]]:
    return [table.c.id == int(q)] if q.isascii() and q.isdigit() and len(q) < 16 else []


def _user_rows(connection: Connection, wanted: Select[Any]) -> list[Row]:
    lines = connection.execute(wanted).all()
    logins = select(device.c.userid, func.count(), func.max(device.c.used)).group_by(device.c.userid)
    theirs = connection.execute(logins.where(device.c.userid.in_([line.id for line in lines])))
    used = {userid: (devices, last) for userid, devices, last in theirs}
    rows: list[Row] = []
    for line in lines:
        devices, last = used.get(line.id, (0, 0))
        rows.append(line._asdict() | {"createat": _ms(line.createat), "last": last, "devices": devices})
    return rows


def _role(owns: bool, admin: int) -> str:
    return OWNER if owns else ADMIN if admin else MEMBER_ROLE


def _ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1000
