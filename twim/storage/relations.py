"""Friends and groups together: the circle of a user, which decides to whom the user may write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, bindparam, literal, or_, select, union_all
from twisted.internet.defer import Deferred

from twim.storage.accounts import owners, users
from twim.storage.blocks import BlockStore
from twim.storage.contacts import are_acquainted
from twim.storage.friends import FriendStore
from twim.storage.groups import GroupStore
from twim.storage.interface import Circle, User
from twim.storage.schema import FRIEND, MEMBER, block, community, contact
from twim.storage.standing import FOR_EVER
from twim.storage.takeovers import TakeoverStore

TOGETHER: Final = 500  # users whose circles are read by one statement
_BLOCKS: Final = 3
_BLOCKED_BY: Final = 4
_owned = contact.c.ownerid.in_(bindparam("ownerids", expanding=True))
_CONTACTS = select(contact.c.ownerid, contact.c.cate, contact.c.dstobj, contact.c.admin, contact.c.muted).where(_owned)
# One statement: when everybody connects anew, most of what a user costs is the statements.
_CIRCLES = union_all(
    _CONTACTS,
    select(block.c.userid, literal(_BLOCKS), block.c.dstid, literal(0), literal(0)).where(
        block.c.userid.in_(bindparam("ownerids", expanding=True))
    ),
    select(block.c.dstid, literal(_BLOCKED_BY), block.c.userid, literal(0), literal(0)).where(
        block.c.dstid.in_(bindparam("ownerids", expanding=True))
    ),
)
_RULED = select(community.c.id, community.c.ownerid, community.c.dissolved).where(
    community.c.id.in_(bindparam("groups", expanding=True)),
    or_(community.c.post == "admins", community.c.dissolved == 1),
)


class RelationStore(FriendStore, GroupStore, TakeoverStore, BlockStore):
    """The store of friends, groups and requests, with what concerns friends and groups together."""

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

    def silenced_in(self, group: int, userids: Sequence[int]) -> Deferred[tuple[set[int], dict[int, int]]]:
        """Those of the users who are members of the group, and of these until when (ms) each may not post who may not,
        which may be past."""

        def work(connection: Connection) -> tuple[set[int], dict[int, int]]:
            wanted = _CONTACTS.where(contact.c.cate == MEMBER, contact.c.dstobj == group)
            lines: list[Any] = []
            for start in range(0, len(userids), TOGETHER):
                lines += connection.execute(wanted, {"ownerids": userids[start : start + TOGETHER]})
            silenced: dict[int, dict[int, int]] = {line[0]: {} for line in lines}
            _silence(connection, lines, silenced)
            return set(silenced), {one: until[group] for one, until in silenced.items() if until}

        return self._database.read(work)

    def acquainted(self, userid: int, other: int) -> Deferred[bool]:
        """Whether the two share a friendship, a group or a chat."""
        return self._database.read(lambda connection: are_acquainted(connection, userid, other))

    def users(self, userids: Sequence[int]) -> Deferred[list[User]]:
        """Those of the users that there are, by id."""
        return self._database.read(lambda connection: users(connection, userids))


def circles(connection: Connection, userids: Sequence[int]) -> dict[int, Circle]:
    """Whom each of the users may write to."""
    found = {userid: Circle(set(), set()) for userid in userids}
    for start in range(0, len(userids), TOGETHER):
        some = userids[start : start + TOGETHER]
        lines = connection.execute(_CIRCLES, {"ownerids": some}).all()
        for ownerid, kind, other, _, _ in lines:
            theirs = found[ownerid]
            if kind == FRIEND:
                theirs.friends.add(other)
            elif kind == MEMBER:
                theirs.groups.add(other)
        for kind, ownerid, others in _blocks(lines):
            if kind == _BLOCKS:
                found[ownerid].blocks = others
            else:
                found[ownerid].blocked_by = others
        _silence(connection, [x for x in lines if x[1] == MEMBER], {one: found[one].silenced for one in some})
    return found


def _blocks(lines: Sequence[Any]) -> Iterator[tuple[int, int, frozenset[int]]]:
    """Of whom these lines say that they block or are blocked: which of both, the user, and all whom it concerns."""
    kind_and_owner = itemgetter(1, 0)
    ordered = sorted((line for line in lines if line[1] in (_BLOCKS, _BLOCKED_BY)), key=kind_and_owner)
    for (kind, ownerid), some in groupby(ordered, kind_and_owner):
        yield kind, ownerid, frozenset(line[2] for line in some)


def _silence(connection: Connection, lines: Sequence[Any], silenced: dict[int, dict[int, int]]) -> None:
    """Write until when the members of these lines may not post where they may not."""
    groups = list({line[2] for line in lines})
    ruled: dict[int, tuple[int, int]] = {}
    for start in range(0, len(groups), TOGETHER):
        for group, owner, dissolved in connection.execute(_RULED, {"groups": groups[start : start + TOGETHER]}):
            ruled[group] = (owner, dissolved)
    for userid, _, group, admin, muted in lines:
        if muted:
            silenced[userid][group] = muted
        if group in ruled:
            owner, dissolved = ruled[group]
            if dissolved or not (admin or userid == owner):
                silenced[userid][group] = FOR_EVER
