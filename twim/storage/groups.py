"""Groups (the original Go server's `community`): made, changed, dissolved, listed. Their members are in `members`.

A membership is a row of `contact`. Who is a member is a participant of the group's conversation too, so every change
changes both in one transaction. What may be done is asked of the caller's `policy` inside the transaction, where
nobody changes the group meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotFound, NotYours, Refusal
from twim.storage import attachments
from twim.storage.accounts import users, utc_now
from twim.storage.contacts import add_contact, count, is_contact
from twim.storage.conversation_table import make
from twim.storage.database import Database
from twim.storage.happenings import note_member
from twim.storage.interface import Community, User
from twim.storage.random_ids import free_id
from twim.storage.schema import (
    IN_COMMUNITY,
    MEMBER,
    community,
    contact,
    conversation,
    former_member,
    join_request,
    user,
)
from twim.storage.schema_bots import hook
from twim.storage.standing import ADMIN, MEMBER_ROLE, OWNER, Standing
from twim.wire.commands import GROUP

GROUPS_OWNED: Final = 5  # the original Go server's rule
NOT_IN_IT: Final = "you are not in that group"
NOBODY: Final = 0  # owns a group without members
_COMMUNITY = (
    community.c.id,
    community.c.name,
    community.c.ownerid,
    community.c.icon,
    community.c.cate,
    community.c.memo,
    community.c.createat,
    community.c.join,
    community.c.history,
    community.c.post,
    community.c.notice,
    community.c.dissolved,
)

MayActOnGroup = Callable[[Community, Standing], None]
"""Raises a `Refusal` when a user of this standing may not do it to the group."""


class GroupStore:
    """The store of groups."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, owner: int, fields: dict[str, Any]) -> Deferred[Community]:
        """A new group whose first member is its owner."""

        def work(connection: Connection) -> Community:
            # Locked, so that two at once can't make a sixth.
            connection.execute(select(user.c.id).where(user.c.id == owner).with_for_update())
            made_by = (community.c.ownerid == owner, community.c.received == 0, community.c.dissolved == 0)
            if count(connection, community, *made_by) >= GROUPS_OWNED:
                raise Refusal(f"at most {GROUPS_OWNED} groups")
            return make_group(connection, owner, fields)

        return self._database.write(work)

    def change(
        self, userid: int, group: int, fields: dict[str, Any], at: int, policy: MayActOnGroup
    ) -> Deferred[tuple[Community, Community]]:
        """Change columns of the group. Gives it as it was and as it is."""

        def work(connection: Connection) -> tuple[Community, Community]:
            before = lock(connection, group)
            policy(before, standing(connection, before, userid))
            touch(connection, group, at, fields)
            if "icon" in fields:
                attachments.replace(connection, IN_COMMUNITY, group, fields["icon"])
            return before, read_community(connection, group)

        return self._database.write(work)

    def dissolve(self, userid: int, group: int, at: int, policy: MayActOnGroup) -> Deferred[None]:
        """Nobody posts or joins any more; the members stay, to read, until they leave."""

        def work(connection: Connection) -> None:
            found = lock(connection, group)
            policy(found, standing(connection, found, userid))
            touch(connection, group, at, {"dissolved": 1})
            connection.execute(delete(join_request).where(join_request.c.community == group))
            note_member(connection, group, userid, "dissolved")
            connection.execute(delete(hook).where(hook.c.community == group))

        return self._database.write(work)

    def group_and_standing(self, userid: int, group: int) -> Deferred[tuple[Community, Standing] | None]:
        """The group, and what the user is to it; None when it isn't there."""

        def work(connection: Connection) -> tuple[Community, Standing] | None:
            try:
                found = read_community(connection, group)
            except NotFound:
                return None
            return found, standing(connection, found, userid)

        return self._database.read(work)

    def group_ids(self, userid: int) -> Deferred[list[int]]:
        """The ids of the groups that the user is in, in the order of joining."""
        listed = select(contact.c.dstobj).where(contact.c.ownerid == userid, contact.c.cate == MEMBER)
        return self._database.read(lambda connection: list(connection.scalars(listed.order_by(contact.c.id))))

    def communities(self, groups: Sequence[int], userid: int) -> Deferred[list[tuple[Community, Standing]]]:
        """Those of the groups that there are, in this order, with the user's standing in each."""

        def work(connection: Connection) -> list[tuple[Community, Standing]]:
            lines = connection.execute(select(*_COMMUNITY).where(community.c.id.in_(groups)))
            known = {one.id: one for one in (Community(*line) for line in lines)}
            mine = select(contact.c.dstobj, contact.c.admin, contact.c.muted).where(
                contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj.in_(groups)
            )
            stand = {
                group: _standing(known[group].ownerid == userid, admin, muted)
                for group, admin, muted in connection.execute(mine)
                if group in known
            }
            return [(known[group], stand.get(group, Standing())) for group in groups if group in known]

        return self._database.read(work)

    def groups(self, userid: int) -> Deferred[list[Community]]:
        """The groups that the user is in, in the order of joining."""

        def work(connection: Connection) -> list[Community]:
            listed = (
                select(*_COMMUNITY)
                .join(contact, contact.c.dstobj == community.c.id)
                .where(contact.c.ownerid == userid, contact.c.cate == MEMBER)
                .order_by(contact.c.id)
            )
            return [Community(*line) for line in connection.execute(listed)]

        return self._database.read(work)

    def changed_since(self, at: int) -> Deferred[list[int]]:
        """The groups whose members or rules changed at `at` (ms) or later."""
        wanted = select(community.c.id).where(community.c.changed >= at)
        return self._database.read(lambda connection: list(connection.scalars(wanted)))

    def member_ids(self, group: int) -> Deferred[list[int]]:
        """The ids of the group's members, ascending."""
        listed = select(contact.c.ownerid).where(contact.c.dstobj == group, contact.c.cate == MEMBER)
        return self._database.read(lambda connection: sorted(connection.scalars(listed)))

    def standings(self, group: int, userids: Sequence[int]) -> Deferred[dict[int, Standing]]:
        """What those of the users who are members are to the group."""

        def work(connection: Connection) -> dict[int, Standing]:
            owner = connection.scalars(select(community.c.ownerid).where(community.c.id == group)).one_or_none()
            wanted = select(contact.c.ownerid, contact.c.admin, contact.c.muted).where(
                contact.c.dstobj == group, contact.c.cate == MEMBER, contact.c.ownerid.in_(userids)
            )
            return {one: _standing(one == owner, admin, muted) for one, admin, muted in connection.execute(wanted)}

        return self._database.read(work)

    def members(self, group: int) -> Deferred[list[User]]:
        """The group's members, by id."""

        def work(connection: Connection) -> list[User]:
            listed = select(contact.c.ownerid).where(contact.c.dstobj == group, contact.c.cate == MEMBER)
            return users(connection, [one for (one,) in connection.execute(listed)])

        return self._database.read(work)


def make_group(connection: Connection, owner: int, fields: dict[str, Any]) -> Community:
    """A new group with these columns, whose first member is its owner."""
    group = free_id(connection, community)
    connection.execute(insert(community).values(fields | {"id": group, "ownerid": owner, "createat": utc_now()}))
    if fields.get("icon"):
        attachments.replace(connection, IN_COMMUNITY, group, fields["icon"])
    add_contact(connection, owner, MEMBER, group, "")
    make(connection, (GROUP, group, 0), [owner])
    note_member(connection, group, owner, "created")
    return read_community(connection, group)


def conversation_id_of(connection: Connection, group: int) -> int:
    """The id of the group's conversation."""
    wanted = select(conversation.c.id).where(
        conversation.c.scope == GROUP, conversation.c.a == group, conversation.c.b == 0
    )
    return int(connection.execute(wanted).scalar_one())


def read_community(connection: Connection, group: int) -> Community:
    """The group. `NotFound` when there is none."""
    found = connection.execute(select(*_COMMUNITY).where(community.c.id == group)).one_or_none()
    if found is None:
        raise NotFound("no such group")
    return Community(*found)


def lock(connection: Connection, group: int) -> Community:
    """The group, which nobody else joins, leaves or changes until this transaction ends. Taken before anything else
    of the group is, so that two never wait for each other. Who isn't in a group learns nothing of it: one that isn't
    there is refused with `NotYours` as well."""
    connection.execute(select(community.c.id).where(community.c.id == group).with_for_update())
    try:
        return read_community(connection, group)
    except NotFound:
        raise NotYours(NOT_IN_IT) from None


def touch(connection: Connection, group: int, at: int, fields: dict[str, Any] | None = None) -> None:
    """Write down that the group changed at `at` (ms), and these columns of it."""
    connection.execute(update(community).where(community.c.id == group).values({"changed": at} | (fields or {})))


def standing(connection: Connection, group: Community, userid: int) -> Standing:
    """What the user is to the group."""
    mine = select(contact.c.admin, contact.c.muted).where(
        contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj == group.id
    )
    line = connection.execute(mine).one_or_none()
    if line is not None:
        return _standing(group.ownerid == userid, *line)
    former = select(former_member.c.removed, former_member.c.muted).where(
        former_member.c.community == group.id, former_member.c.userid == userid
    )
    removed, muted = connection.execute(former).one_or_none() or (0, 0)
    return Standing(muted=muted, removed=bool(removed))


def _standing(owns: bool, admin: int, muted: int) -> Standing:
    return Standing(OWNER if owns else ADMIN if admin else MEMBER_ROLE, muted)


def owned_by_member(connection: Connection, found: Community) -> Community:
    """The group, whose owner is its oldest member where the owner isn't one, and nobody (0) where there is none. A bot
    comes after everybody else."""
    if found.ownerid and is_contact(connection, found.ownerid, MEMBER, found.id):
        return found
    theirs = (contact.c.dstobj == found.id, contact.c.cate == MEMBER)
    oldest = select(contact.c.ownerid).outerjoin(user, user.c.id == contact.c.ownerid).where(*theirs)
    by_age = oldest.order_by(func.coalesce(user.c.bot, 0), contact.c.id).limit(1)
    heir = connection.execute(by_age).scalar_one_or_none() or NOBODY
    owned = {"ownerid": heir, "received": 1}
    connection.execute(update(community).where(community.c.id == found.id).values(owned))
    connection.execute(
        update(contact)
        .where(contact.c.ownerid == heir, contact.c.cate == MEMBER, contact.c.dstobj == found.id)
        .values(muted=0)
    )
    return read_community(connection, found.id)
