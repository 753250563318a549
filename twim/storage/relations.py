"""Friends and groups: the seed's `contact` and `community`, and requests that wait for an approval.

A friendship is two rows of `contact`, one for each side; a membership is one. Who is a member is a participant of
the group's conversation too, so every change here changes both in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NoReturn

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.errors import NotFound, NotYours, Refusal
from twim.storage import attachments
from twim.storage.accounts import owners, users, utc_now
from twim.storage.append import heads
from twim.storage.behind import catch_up
from twim.storage.conversations import join, make
from twim.storage.database import Database
from twim.storage.interface import Community, User, rfc3339
from twim.storage.schema import (
    FRIEND,
    IN_COMMUNITY,
    MEMBER,
    community,
    contact,
    conversation,
    friend_request,
    participant,
    user,
)
from twim.wire.commands import GROUP

GROUPS_OWNED: Final = 5  # the seed's rule
MEMBERS: Final = 5_000  # of one group
TOGETHER: Final = 500  # users whose circles are read by one statement
FRIENDS: Final = 5_000  # of one user: the list is one answer and one set in memory
_COMMUNITY = (
    community.c.id,
    community.c.name,
    community.c.ownerid,
    community.c.icon,
    community.c.cate,
    community.c.memo,
    community.c.createat,
)
_CIRCLES = select(contact.c.ownerid, contact.c.cate, contact.c.dstobj).where(
    contact.c.ownerid.in_(bindparam("ownerids", expanding=True))
)


class Request(msgspec.Struct):
    """A wish to be friends that waits for its answer."""

    id: int
    user: User
    memo: str
    createat: Any

    def public(self) -> dict[str, object]:
        """What the one who is asked sees."""
        return {
            "id": self.id,
            "user": self.user.public(False),
            "memo": self.memo,
            "createat": rfc3339(self.createat),
        }


class Circle(msgspec.Struct, gc=False):
    """Whom a user may write to: friends and groups, by id."""

    friends: set[int]
    groups: set[int]


class Relations:
    """The store of friends, groups and requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def circle(self, userid: int) -> Deferred[Circle]:
        """Whom the user may write to."""
        return self._database.read(lambda connection: circles(connection, [userid])[userid])

    def circles(self, userids: Sequence[int]) -> Deferred[dict[int, Circle]]:
        """Whom each of the users may write to."""
        return self._database.read(lambda connection: circles(connection, userids))

    def arriving(
        self, tokenhashes: Sequence[bytes], userids: Sequence[int]
    ) -> Deferred[tuple[dict[bytes, tuple[int, int]], dict[int, Circle]]]:
        """User and device of those of the tokens, at most some hundreds, that there are; and the circles of these
        users and of `userids`."""

        def work(connection: Connection) -> tuple[dict[bytes, tuple[int, int]], dict[int, Circle]]:
            known = owners(connection, tokenhashes) if tokenhashes else {}
            return known, circles(connection, list({*userids, *(userid for userid, _ in known.values())}))

        return self._database.read(work)

    def befriend(self, userid: int, dstid: int, memo: str, approve: bool) -> Deferred[bool]:
        """Make the two friends; with `approve` only ask, unless the other one asked before. True when they are."""

        def work(connection: Connection) -> bool:
            if not users(connection, [dstid]):
                raise NotFound("no such user")
            if _count(connection, contact, contact.c.ownerid == userid, contact.c.cate == FRIEND) >= FRIENDS:
                raise Refusal(f"at most {FRIENDS} friends")
            if _is_contact(connection, userid, FRIEND, dstid):
                raise Refusal("already your friend")
            asked = (friend_request.c.userid == dstid, friend_request.c.dstid == userid)
            if not approve or connection.execute(delete(friend_request).where(*asked)).rowcount:
                _befriend(connection, userid, dstid, memo)
                return True
            values = {"userid": userid, "dstid": dstid, "memo": memo, "createat": utc_now()}
            connection.execute(insert(friend_request).values(values))
            return False

        double = "you asked already" if approve else "already your friend"
        return self._database.write(work).addErrback(_refuse_double, double)

    def requests(self, userid: int) -> Deferred[list[Request]]:
        """What waits for the user's answer, newest first."""

        def work(connection: Connection) -> list[Request]:
            wanted = select(friend_request).where(friend_request.c.dstid == userid)
            lines = connection.execute(wanted.order_by(friend_request.c.id.desc()).limit(200)).all()
            known = {one.id: one for one in users(connection, [line.userid for line in lines])}
            return [Request(x.id, known[x.userid], x.memo, x.createat) for x in lines if x.userid in known]

        return self._database.read(work)

    def answer_request(self, userid: int, requestid: int, accept: bool) -> Deferred[int]:
        """Accept or refuse a request made to the user. Gives who asked."""

        def work(connection: Connection) -> int:
            this = (friend_request.c.id == requestid, friend_request.c.dstid == userid)
            asker = connection.execute(select(friend_request.c.userid).where(*this)).scalar_one_or_none()
            if asker is None:
                raise NotFound("no such request")
            connection.execute(delete(friend_request).where(*this))
            if accept and not _is_contact(connection, userid, FRIEND, asker):
                _befriend(connection, userid, asker, "")
            return int(asker)

        return self._database.write(work)

    def part(self, userid: int, dstid: int) -> Deferred[None]:
        """End a friendship, on both sides."""

        def work(connection: Connection) -> None:
            both = or_(
                (contact.c.ownerid == userid) & (contact.c.dstobj == dstid),
                (contact.c.ownerid == dstid) & (contact.c.dstobj == userid),
            )
            if not connection.execute(delete(contact).where(contact.c.cate == FRIEND, both)).rowcount:
                raise Refusal("not your friend")

        return self._database.write(work)

    def friends(self, userid: int) -> Deferred[list[User]]:
        """The user's friends, by id."""

        def work(connection: Connection) -> list[User]:
            return users(connection, _contacts(connection, userid, FRIEND))

        return self._database.read(work)

    def create(self, owner: int, fields: dict[str, Any]) -> Deferred[Community]:
        """A new group whose first member is its owner."""

        def work(connection: Connection) -> Community:
            # Locked, so that two at once can't make a sixth.
            connection.execute(select(user.c.id).where(user.c.id == owner).with_for_update())
            if _count(connection, community, community.c.ownerid == owner) >= GROUPS_OWNED:
                raise Refusal(f"at most {GROUPS_OWNED} groups")
            made = connection.execute(insert(community).values(fields | {"ownerid": owner, "createat": utc_now()}))
            assert made.inserted_primary_key is not None
            group = made.inserted_primary_key[0]
            if fields.get("icon"):
                attachments.replace(connection, IN_COMMUNITY, group, fields["icon"])
            _add_contact(connection, owner, MEMBER, group, "")
            make(connection, (GROUP, group, 0), [owner])
            return _community(connection, group)

        return self._database.write(work)

    def join(self, userid: int, group: int) -> Deferred[Community]:
        """Make the user a member; what was said before counts as read."""

        def work(connection: Connection) -> Community:
            found = _community(connection, group)
            place = _place(connection, group)
            catch_up(connection)
            head = heads(connection, [place])[place]
            if _is_contact(connection, userid, MEMBER, group):
                raise Refusal("already a member")
            if _count(connection, contact, contact.c.dstobj == group, contact.c.cate == MEMBER) >= MEMBERS:
                raise Refusal(f"at most {MEMBERS} members")
            _add_contact(connection, userid, MEMBER, group, "")
            join(connection, place, GROUP, group, userid, head)
            return found

        return self._database.write(work).addErrback(_refuse_double, "already a member")

    def leave(self, userid: int, group: int) -> Deferred[Community]:
        """End a membership. An owner who leaves hands the group to its oldest member."""

        def work(connection: Connection) -> Community:
            found = _community(connection, group)
            _remove_member(connection, userid, group)
            if found.ownerid == userid:
                oldest = select(contact.c.ownerid).where(contact.c.dstobj == group, contact.c.cate == MEMBER)
                heir = connection.execute(oldest.order_by(contact.c.id).limit(1)).scalar_one_or_none()
                if heir is not None:
                    connection.execute(update(community).where(community.c.id == group).values(ownerid=heir))
            return found

        return self._database.write(work)

    def remove(self, owner: int, group: int, memberid: int) -> Deferred[Community]:
        """The owner ends somebody's membership."""

        def work(connection: Connection) -> Community:
            found = _owned(connection, owner, group)
            if memberid == owner:
                raise Refusal("to leave, leave")
            _remove_member(connection, memberid, group)
            return found

        return self._database.write(work)

    def change(self, owner: int, group: int, fields: dict[str, Any]) -> Deferred[tuple[Community, Community]]:
        """The owner changes the group. Gives it as it was and as it is."""

        def work(connection: Connection) -> tuple[Community, Community]:
            before = _owned(connection, owner, group)
            if fields:
                connection.execute(update(community).where(community.c.id == group).values(fields))
            if "icon" in fields:
                attachments.replace(connection, IN_COMMUNITY, group, fields["icon"])
            return before, _community(connection, group)

        return self._database.write(work)

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

    def members(self, group: int) -> Deferred[list[User]]:
        """The group's members, by id."""

        def work(connection: Connection) -> list[User]:
            listed = select(contact.c.ownerid).where(contact.c.dstobj == group, contact.c.cate == MEMBER)
            return users(connection, [one for (one,) in connection.execute(listed)])

        return self._database.read(work)


def circles(connection: Connection, userids: Sequence[int]) -> dict[int, Circle]:
    """Whom each of the users may write to."""
    found = {userid: Circle(set(), set()) for userid in userids}
    for start in range(0, len(userids), TOGETHER):
        for ownerid, cate, dstobj in connection.execute(_CIRCLES, {"ownerids": userids[start : start + TOGETHER]}):
            theirs = found[ownerid]
            (theirs.friends if cate == FRIEND else theirs.groups).add(dstobj)
    return found


def _contacts(connection: Connection, userid: int, cate: int) -> list[int]:
    listed = select(contact.c.dstobj).where(contact.c.ownerid == userid, contact.c.cate == cate)
    return [one for (one,) in connection.execute(listed)]


def _is_contact(connection: Connection, userid: int, cate: int, dstobj: int) -> bool:
    this = select(contact.c.id).where(contact.c.ownerid == userid, contact.c.cate == cate, contact.c.dstobj == dstobj)
    return connection.execute(this).first() is not None


def _add_contact(connection: Connection, userid: int, cate: int, dstobj: int, memo: str) -> None:
    values = {"ownerid": userid, "cate": cate, "dstobj": dstobj, "memo": memo, "createat": utc_now()}
    connection.execute(insert(contact).values(values))


def _befriend(connection: Connection, userid: int, dstid: int, memo: str) -> None:
    # In the order of ids on both sides, so that two who add each other at once don't deadlock.
    for one, other in sorted([(userid, dstid), (dstid, userid)]):
        _add_contact(connection, one, FRIEND, other, memo[:120] if one == userid else "")


def _remove_member(connection: Connection, userid: int, group: int) -> None:
    this = (contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj == group)
    if not connection.execute(delete(contact).where(*this)).rowcount:
        raise Refusal("not a member")
    place = _place(connection, group)
    connection.execute(delete(participant).where(participant.c.userid == userid, participant.c.conversation == place))


def _place(connection: Connection, group: int) -> int:
    wanted = select(conversation.c.id).where(
        conversation.c.scope == GROUP, conversation.c.a == group, conversation.c.b == 0
    )
    return int(connection.execute(wanted).scalar_one())


def _community(connection: Connection, group: int) -> Community:
    found = connection.execute(select(*_COMMUNITY).where(community.c.id == group)).one_or_none()
    if found is None:
        raise NotFound("no such group")
    return Community(*found)


def _owned(connection: Connection, owner: int, group: int) -> Community:
    found = _community(connection, group)
    if found.ownerid != owner:
        raise NotYours("only the group's owner may do that")
    return found


def _count(connection: Connection, table: Any, *where: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def _refuse_double(failure: Failure, why: str) -> NoReturn:
    failure.trap(sql_errors.IntegrityError)
    raise Refusal(why)
