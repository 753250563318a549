"""The members of groups: who comes and goes, their roles and mutes, and requests to join."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotFound, NotYours, Refusal
from twim.storage.accounts import users, utc_now
from twim.storage.blocks import blocks
from twim.storage.contacts import add_contact, count, is_contact
from twim.storage.conversation_table import join, kept_from
from twim.storage.database import Database
from twim.storage.groups import (
    NOT_IN_IT,
    MayActOnGroup,
    conversation_id_of,
    lock,
    owned_by_member,
    read_community,
    standing,
    touch,
)
from twim.storage.happenings import note_member
from twim.storage.host_members import mark_by_host
from twim.storage.interface import Community, User, rfc3339
from twim.storage.invites import NO_INVITE, read_invited, use
from twim.storage.schema import FRIEND, MEMBER, community, contact, former_member, join_request, participant
from twim.storage.standing import ADMIN, OUTSIDE, OWNER, Standing
from twim.wire.commands import GROUP

MEMBERS: Final = 5_000  # of one group
JOIN_REQUESTS: Final = 1_000  # of one group that wait for an answer
LISTED: Final = 200  # of these that are shown at once

MayActOnMember = Callable[[Community, Standing, Standing], None]
"""Raises a `Refusal` when a user of the first standing may not do it to one of the second."""
MayJoin = Callable[[Community, Standing], bool]
"""Whether a user of this standing becomes a member at once; raises a `Refusal` when it may not join."""
MayAdd = Callable[[Community, Standing, Standing, bool], None]
"""The same for adding somebody; the last says whether these two are friends."""


class JoinRequest(msgspec.Struct):
    """A wish to join a group that waits for its answer."""

    id: int
    user: User
    createat: Any

    def public(self) -> dict[str, object]:
        """What the owner and the admins see."""
        return {
            "requestid": self.id,
            "userid": self.user.id,
            "nickname": self.user.nickname,
            "avatar": self.user.avatar,
            "at": rfc3339(self.createat),
        }


class Entered(msgspec.Struct):
    """A group that somebody joined, and whether its rules or a mute may keep the new member from posting."""

    group: Community
    may_be_silenced: bool


class MemberStore:
    """The store of memberships."""

    _database: Database

    def join(
        self, userid: int, group: int, at: int, policy: MayJoin, *, by_host: bool = False
    ) -> Deferred[Entered | None]:
        """Make the user a member; what was said before counts as read. Who joins a group without members owns it.
        Where `policy` answers False only a request is made, and None is given. `policy` also hears of a group that
        isn't there, as one with id 0. With `by_host` it is remembered that a host asked for it."""

        def work(connection: Connection) -> Entered | None:
            try:
                found = lock(connection, group)
            except NotYours:
                policy(NO_GROUP, Standing())
                raise
            who = standing(connection, found, userid)
            if policy(found, who):
                entered = self.enter(connection, found, userid, who.muted, at)
                if by_host:
                    mark_by_host(connection, userid, group)
                return entered
            _ask_to_join(connection, userid, group)
            return None

        return self._database.write(work)

    def join_by_invitation(
        self,
        userid: int,
        hashed: bytes,
        at: int,
        may_invite: MayActOnGroup,
        policy: MayJoin,
    ) -> Deferred[Entered | None]:
        """As `join`, by the invitation of this code, of which one use is counted; None for an invitation to the server,
        of which none is. `NotFound` when it is not good now."""

        def work(connection: Connection) -> Entered | None:
            invited = read_invited(connection, hashed, at, may_invite)
            if invited is None:
                raise NotFound(NO_INVITE)
            if invited.group is None:
                return None
            found = lock(connection, invited.group.id)
            who = standing(connection, found, userid)
            policy(found, who)
            use(connection, invited.id)
            return self.enter(connection, found, userid, who.muted, at)

        return self._database.write(work)

    def add(self, userid: int, group: int, memberid: int, at: int, policy: MayAdd) -> Deferred[Entered]:
        """The user makes somebody else a member."""

        def work(connection: Connection) -> Entered:
            found = lock(connection, group)
            actor, other = standing(connection, found, userid), standing(connection, found, memberid)
            policy(found, actor, other, is_contact(connection, userid, FRIEND, memberid))
            if blocks(connection, memberid, userid):
                raise NotYours("memberid: not your friend")
            return self.enter(connection, found, memberid, other.muted, at, "added")

        return self._database.write(work)

    def enter(
        self, connection: Connection, found: Community, userid: int, muted: int, at: int, what: str = "joined"
    ) -> Entered:
        """Make the user, who isn't one, a member of a group that is locked; muted until then (ms). `what` is what
        webhooks call it."""
        group = found.id
        conversation_id = conversation_id_of(connection, group)
        self._database.dialect.write_index(connection)
        head = self._database.dialect.heads(connection, [conversation_id])[conversation_id]
        if is_contact(connection, userid, MEMBER, group):
            raise Refusal("already a member")
        if count(connection, contact, contact.c.dstobj == group, contact.c.cate == MEMBER) >= MEMBERS:
            raise Refusal(f"at most {MEMBERS} members")
        add_contact(connection, userid, MEMBER, group, "")
        if muted > at:
            connection.execute(update(contact).where(*membership(userid, group)).values(muted=muted))
        kept = kept_from(connection, [conversation_id])[conversation_id]
        floor = max(kept, head + 1) if found.history == "joined" else kept
        join(connection, conversation_id, GROUP, group, userid, head, floor)
        _forget_former(connection, userid, group)
        connection.execute(
            delete(join_request).where(join_request.c.community == group, join_request.c.userid == userid)
        )
        touch(connection, group, at)
        note_member(connection, group, userid, what)
        return Entered(owned_by_member(connection, found), muted > at or found.post != "members")

    def leave(self, userid: int, group: int, at: int) -> Deferred[tuple[Community, bool]]:
        """End a membership. An owner who leaves hands the group to its oldest member; the last one leaves it to
        nobody. Gives the group as it is then, and whether it was handed on."""

        def work(connection: Connection) -> tuple[Community, bool]:
            try:
                found = lock(connection, group)
            except NotYours:
                raise Refusal("not a member") from None
            who = standing(connection, found, userid)
            _end(connection, userid, group)
            if who.muted > at:
                _remember_former(connection, userid, group, Standing(muted=who.muted))
            touch(connection, group, at)
            note_member(connection, group, userid, "left")
            now = owned_by_member(connection, found)
            return now, now.ownerid != found.ownerid

        return self._database.write(work)

    def remove(self, userid: int, group: int, memberid: int, at: int, policy: MayActOnMember) -> Deferred[None]:
        """The user ends somebody else's membership, which is remembered."""

        def work(connection: Connection) -> None:
            _, other = _both(connection, userid, group, memberid, policy)
            _end(connection, memberid, group)
            _remember_former(connection, memberid, group, Standing(muted=other.muted, removed=True))
            touch(connection, group, at)
            note_member(connection, group, memberid, "removed")

        return self._database.write(work)

    def set_role(
        self, userid: int, group: int, memberid: int, role: str, at: int, policy: MayActOnMember
    ) -> Deferred[None]:
        """Change a member's role; the owner who makes another one the owner is an admin then."""

        def work(connection: Connection) -> None:
            _, other = _both(connection, userid, group, memberid, policy)
            if other.role == OUTSIDE:
                raise Refusal("not a member")
            changed: dict[str, int] = {"admin": int(role == ADMIN)}
            if role in (ADMIN, OWNER):
                changed["muted"] = 0
            connection.execute(update(contact).where(*membership(memberid, group)).values(changed))
            if role == OWNER:
                connection.execute(update(contact).where(*membership(userid, group)).values(admin=1, muted=0))
                owned = {"ownerid": memberid, "received": 1}
                connection.execute(update(community).where(community.c.id == group).values(owned))
            touch(connection, group, at)
            note_member(connection, group, memberid, "role")

        return self._database.write(work)

    def mute(
        self, userid: int, group: int, memberid: int, until: int, at: int, policy: MayActOnMember
    ) -> Deferred[None]:
        """The member may not post until then (ms); 0 ends it."""

        def work(connection: Connection) -> None:
            _, other = _both(connection, userid, group, memberid, policy)
            if other.role == OUTSIDE:
                raise Refusal("not a member")
            connection.execute(update(contact).where(*membership(memberid, group)).values(muted=until))
            touch(connection, group, at)
            note_member(connection, group, memberid, "muted" if until else "unmuted")

        return self._database.write(work)

    def join_requests(self, userid: int, group: int, policy: MayActOnGroup) -> Deferred[list[JoinRequest]]:
        """What waits for the answer of the group's owner or admins, oldest first."""

        def work(connection: Connection) -> list[JoinRequest]:
            try:
                found = read_community(connection, group)
            except NotFound:
                raise NotYours(NOT_IN_IT) from None
            policy(found, standing(connection, found, userid))
            wanted = select(join_request).where(join_request.c.community == group)
            lines = connection.execute(wanted.order_by(join_request.c.id).limit(LISTED)).all()
            known = {one.id: one for one in users(connection, [line.userid for line in lines])}
            return [JoinRequest(x.id, known[x.userid], x.createat) for x in lines if x.userid in known]

        return self._database.read(work)

    def answer_join(
        self, userid: int, requestid: int, accept: bool, at: int, policy: MayActOnGroup
    ) -> Deferred[tuple[Entered, int]]:
        """Accept or refuse a request. Gives the group and who asked. `NotFound` as well when the request isn't for
        this user to see."""

        def work(connection: Connection) -> tuple[Entered, int]:
            this = select(join_request.c.community, join_request.c.userid).where(join_request.c.id == requestid)
            line = connection.execute(this).one_or_none()
            if line is None:
                raise NotFound("no such request")
            group, asker = line
            found = lock(connection, group)
            try:
                policy(found, standing(connection, found, userid))
            except NotYours:
                raise NotFound("no such request") from None
            # Of two answers at once one finds it deleted.
            if not connection.execute(delete(join_request).where(join_request.c.id == requestid)).rowcount:
                raise NotFound("no such request")
            if not accept:
                return Entered(found, False), int(asker)
            muted = standing(connection, found, asker).muted
            return self.enter(connection, found, asker, muted, at, "approved"), int(asker)

        return self._database.write(work)

    def rulers(self, group: int) -> Deferred[list[int]]:
        """The ids of the group's owner and admins."""
        admins = select(contact.c.ownerid).where(
            contact.c.dstobj == group, contact.c.cate == MEMBER, contact.c.admin == 1
        )
        owner = select(community.c.ownerid).where(community.c.id == group)
        return self._database.read(lambda c: sorted({*c.scalars(admins), *c.scalars(owner)} - {0}))


NO_GROUP: Final = Community(0, "", 0, "", 0, "", utc_now())


def _both(
    connection: Connection, userid: int, group: int, memberid: int, policy: MayActOnMember
) -> tuple[Standing, Standing]:
    found = lock(connection, group)
    actor, other = standing(connection, found, userid), standing(connection, found, memberid)
    policy(found, actor, other)
    return actor, other


def membership(userid: int, group: int) -> tuple[Any, ...]:
    """The row of a membership."""
    return contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj == group


def _end(connection: Connection, userid: int, group: int) -> None:
    if not connection.execute(delete(contact).where(*membership(userid, group))).rowcount:
        raise Refusal("not a member")
    here = participant.c.conversation == conversation_id_of(connection, group)
    connection.execute(delete(participant).where(participant.c.userid == userid, here))


def _ask_to_join(connection: Connection, userid: int, group: int) -> None:
    asked = (join_request.c.community == group, join_request.c.userid == userid)
    if connection.execute(select(join_request.c.id).where(*asked)).first() is not None:
        raise Refusal("you asked already")
    if count(connection, join_request, join_request.c.community == group) >= JOIN_REQUESTS:
        raise Refusal(f"at most {JOIN_REQUESTS} requests")
    connection.execute(insert(join_request).values(community=group, userid=userid, createat=utc_now()))


def _forget_former(connection: Connection, userid: int, group: int) -> None:
    this = (former_member.c.community == group, former_member.c.userid == userid)
    connection.execute(delete(former_member).where(*this))


def _remember_former(connection: Connection, userid: int, group: int, was: Standing) -> None:
    _forget_former(connection, userid, group)
    values = {"community": group, "userid": userid, "removed": int(was.removed), "muted": was.muted}
    connection.execute(insert(former_member).values(values))
