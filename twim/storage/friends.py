"""Friendships, and requests for them that wait for an approval.

A friendship is two rows of `contact`, one for each side, which are written and deleted in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotFound, Refusal
from twim.storage.accounts import users, utc_now
from twim.storage.blocks import blocks
from twim.storage.contacts import add_contact, contacts_of, count, is_contact
from twim.storage.database import Database
from twim.storage.interface import User, rfc3339
from twim.storage.schema import FRIEND, block, contact, friend_request, user

FRIENDS: Final = 5_000  # of one user: the list is one answer and one set in memory
_FRIEND: Final = (contact.c.cate == FRIEND,)


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


class FriendStore:
    """The store of friends and of requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def befriend(self, userid: int, dstid: int, memo: str, approve: bool) -> Deferred[bool | None]:
        """Make the two friends; with `approve` only ask, unless the other one asked before. True when they are. None
        when the other one blocks the user: then nothing comes of it, which the user must not be told."""

        def work(connection: Connection) -> bool | None:
            # Locked, so that of two who add or ask each other at once the second finds what the first did.
            if dstid not in _locked_users(connection, userid, dstid):
                raise NotFound("no such user")
            if count(connection, contact, contact.c.ownerid == userid, contact.c.cate == FRIEND) >= FRIENDS:
                raise Refusal(f"at most {FRIENDS} friends")
            if is_contact(connection, userid, FRIEND, dstid):
                raise Refusal("already your friend")
            asks = (friend_request.c.userid == userid, friend_request.c.dstid == dstid)
            if blocks(connection, dstid, userid):
                _ask_in_vain(connection, userid, dstid, approve)
                return None
            asked = (friend_request.c.userid == dstid, friend_request.c.dstid == userid, friend_request.c.hidden == 0)
            if not approve or connection.execute(delete(friend_request).where(*asked)).rowcount:
                _befriend(connection, userid, dstid, memo)
                return True
            if connection.execute(select(friend_request.c.id).where(*asks)).first() is not None:
                raise Refusal("you asked already")
            values = {"userid": userid, "dstid": dstid, "memo": memo, "createat": utc_now()}
            connection.execute(insert(friend_request).values(values))
            return False

        return self._database.write(work)

    def requests(self, userid: int) -> Deferred[list[Request]]:
        """What waits for the user's answer, newest first."""

        def work(connection: Connection) -> list[Request]:
            blocked = select(block.c.dstid).where(block.c.userid == userid)
            wanted = select(friend_request).where(
                friend_request.c.dstid == userid,
                friend_request.c.hidden == 0,
                friend_request.c.userid.not_in(blocked),
            )
            lines = connection.execute(wanted.order_by(friend_request.c.id.desc()).limit(200)).all()
            known = {one.id: one for one in users(connection, [line.userid for line in lines])}
            return [Request(x.id, known[x.userid], x.memo, x.createat) for x in lines if x.userid in known]

        return self._database.read(work)

    def answer_request(self, userid: int, requestid: int, accept: bool) -> Deferred[int]:
        """Accept or refuse a request made to the user. Gives who asked."""

        def work(connection: Connection) -> int:
            this = (friend_request.c.id == requestid, friend_request.c.dstid == userid, friend_request.c.hidden == 0)
            asker = connection.execute(select(friend_request.c.userid).where(*this)).scalar_one_or_none()
            if asker is None or blocks(connection, userid, asker):
                raise NotFound("no such request")
            _locked_users(connection, userid, asker)
            # Of two answers at once one finds it deleted.
            if not connection.execute(delete(friend_request).where(*this)).rowcount:
                raise NotFound("no such request")
            if accept and not is_contact(connection, userid, FRIEND, asker):
                _befriend(connection, userid, asker, "")
            return int(asker)

        return self._database.write(work)

    def part(self, userid: int, dstid: int) -> Deferred[None]:
        """End a friendship, on both sides. A wish from before it is no wish any more."""

        def work(connection: Connection) -> None:
            _forget_requests(connection, userid, dstid)
            both = or_(
                (contact.c.ownerid == userid) & (contact.c.dstobj == dstid),
                (contact.c.ownerid == dstid) & (contact.c.dstobj == userid),
            )
            if not connection.execute(delete(contact).where(contact.c.cate == FRIEND, both)).rowcount:
                raise Refusal("not your friend")

        return self._database.write(work)

    def set_remark(self, userid: int, dstid: int, remark: str) -> Deferred[None]:
        """The user's own name for a friend; "" for none."""

        def work(connection: Connection) -> None:
            if not is_contact(connection, userid, FRIEND, dstid):
                raise Refusal("not your friend")
            this = (contact.c.ownerid == userid, contact.c.cate == FRIEND, contact.c.dstobj == dstid)
            connection.execute(update(contact).where(*this).values(remark=remark))

        return self._database.write(work)

    def remarks(self, userid: int) -> Deferred[dict[int, str]]:
        """The user's own names for friends who have one."""
        wanted = select(contact.c.dstobj, contact.c.remark).where(
            contact.c.ownerid == userid, contact.c.cate == FRIEND, contact.c.remark != ""
        )
        return self._database.read(lambda c: {line.dstobj: line.remark for line in c.execute(wanted)})

    def friends(self, userid: int) -> Deferred[list[User]]:
        """The user's friends, by id."""

        def work(connection: Connection) -> list[User]:
            return users(connection, contacts_of(connection, userid, FRIEND))

        return self._database.read(work)

    def friend_ids(self, userid: int) -> Deferred[list[int]]:
        """The ids of the user's friends, ascending."""
        return self._database.read(lambda connection: sorted(contacts_of(connection, userid, FRIEND)))


Pair = tuple[int, int]


def become_friends(connection: Connection, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Make the two of each pair friends, where they aren't. Gives the pairs that were made so, and those of which one
    has too many friends; the lower id first."""
    _locked_users(connection, *{one for pair in pairs for one in pair})
    made: list[Pair] = []
    full: list[Pair] = []
    for one, other in sorted({(min(pair), max(pair)) for pair in pairs}):
        if is_contact(connection, one, FRIEND, other):
            continue
        of_one, of_other = (count(connection, contact, *_FRIEND, contact.c.ownerid == x) for x in (one, other))
        if max(of_one, of_other) >= FRIENDS:
            full.append((one, other))
            continue
        _befriend(connection, one, other, "")
        made.append((one, other))
    return made, full


def _locked_users(connection: Connection, *userids: int) -> set[int]:
    """Those of the users that there are, whose rows nobody else locks until this transaction ends."""
    wanted = select(user.c.id).where(user.c.id.in_(userids)).order_by(user.c.id).with_for_update()
    return set(connection.execute(wanted).scalars())


def _ask_in_vain(connection: Connection, userid: int, dstid: int, approve: bool) -> None:
    """Keep the wish, hidden, so that a second one is answered as anybody's second one."""
    asks = (friend_request.c.userid == userid, friend_request.c.dstid == dstid)
    if connection.execute(select(friend_request.c.id).where(*asks)).first() is not None:
        raise Refusal("you asked already" if approve else "already your friend")
    values = {"userid": userid, "dstid": dstid, "memo": "", "createat": utc_now(), "hidden": 1}
    connection.execute(insert(friend_request).values(values))


def _befriend(connection: Connection, userid: int, dstid: int, memo: str) -> None:
    _forget_requests(connection, userid, dstid)
    # In the order of ids on both sides, as everywhere.
    for one, other in sorted([(userid, dstid), (dstid, userid)]):
        add_contact(connection, one, FRIEND, other, memo[:120] if one == userid else "")


def _forget_requests(connection: Connection, one: int, other: int) -> None:
    # In the order of ids too.
    for a, b in sorted([(one, other), (other, one)]):
        connection.execute(delete(friend_request).where(friend_request.c.userid == a, friend_request.c.dstid == b))
