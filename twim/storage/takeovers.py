"""Groups that administrators of the server give to another owner."""

from __future__ import annotations

from sqlalchemy import Connection, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict, NotFound, NotYours
from twim.storage.contacts import is_contact
from twim.storage.groups import lock, standing, touch
from twim.storage.happenings import note_member
from twim.storage.interface import Community
from twim.storage.members import MemberStore, membership
from twim.storage.schema import MEMBER, contact, user
from twim.storage.standing import OUTSIDE


class TakeoverStore(MemberStore):
    """The store of memberships, with what an administrator of the server changes of them."""

    def take_over(self, userid: int, group: int, at: int) -> Deferred[bool]:
        """Make the user the owner, who becomes a member if need be; the former one is an admin then. Gives whether the
        user has joined by that. `NotFound` for a group or user that isn't there, `Conflict` for a group that is
        dissolved or the user's already, and for a user who may not log in."""

        def work(connection: Connection) -> bool:
            try:
                found = lock(connection, group)
            except NotYours:
                raise NotFound("no such group") from None
            _check_may_own(connection, found, userid)
            joins = standing(connection, found, userid).role == OUTSIDE
            if joins:
                self.enter(connection, found, userid, 0, at, "added")
            for owner, admin in ((found.ownerid, 1), (userid, 0)):
                connection.execute(update(contact).where(*membership(owner, group)).values(admin=admin, muted=0))
            touch(connection, group, at, {"ownerid": userid, "received": 1})
            note_member(connection, group, userid, "role")
            return joins

        return self._database.write(work)


def _check_may_own(connection: Connection, found: Community, userid: int) -> None:
    if found.dissolved:
        raise Conflict("that group is dissolved")
    who = connection.execute(select(user.c.disabled, user.c.waiting).where(user.c.id == userid)).one_or_none()
    if who is None:
        raise NotFound("no such user")
    if who.disabled or who.waiting:
        raise Conflict("that user may not log in")
    if found.ownerid == userid and is_contact(connection, userid, MEMBER, found.id):
        raise Conflict("that user owns the group already")
