"""Invitations, to the server or to a group. Only the SHA-256 of a code is stored; each use is counted in the
transaction that lets somebody in."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotFound, NotYours, Refusal
from twim.storage.contacts import count
from twim.storage.database import Database
from twim.storage.groups import NOT_IN_IT, MayActOnGroup, read_community, standing
from twim.storage.interface import Community
from twim.storage.roles import is_administrator
from twim.storage.schema import invite, user

INVITES: Final = 200  # of one user that have not expired
NO_INVITE: Final = "no such invitation"
SERVER: Final = 0  # stands for no group


class Invite(msgspec.Struct):
    """An invitation as its maker sees it; `group` is 0 for the server, `expires` is in milliseconds since 1970."""

    id: int
    group: int
    uses: int
    left: int
    expires: int

    def public(self) -> dict[str, object]:
        """A row of the list."""
        return {
            "id": self.id,
            "for": str(self.group or "server"),
            "uses": self.uses,
            "left": self.left,
            "expires": self.expires,
        }


class Invited(NamedTuple):
    """An invitation that is good now."""

    id: int
    group: Community | None
    """None for the server."""
    by_administrator: bool


class InviteStore:
    """The store of invitations. `may_invite` says who may invite into a group."""

    def __init__(self, database: Database, may_invite: MayActOnGroup) -> None:
        self._database = database
        self._may_invite = may_invite

    def create(self, maker: int, group: int, hashed: bytes, uses: int, expires: int, now: int) -> Deferred[int]:
        """A new invitation. Gives its id. `NotYours` for who may not make it."""

        def work(connection: Connection) -> int:
            if not may_make(connection, maker, group, self._may_invite):
                raise NotYours("only administrators may invite to the server" if not group else NOT_IN_IT)
            connection.execute(delete(invite).where(invite.c.maker == maker, invite.c.expires <= now))
            if count(connection, invite, invite.c.maker == maker) >= INVITES:
                raise Refusal(f"at most {INVITES} invitations")
            values = {"hash": hashed, "maker": maker, "community": group, "uses": uses, "used": 0, "expires": expires}
            made = connection.execute(insert(invite).values(values))
            assert made.inserted_primary_key is not None
            return int(made.inserted_primary_key[0])

        return self._database.write(work)

    def made_by(self, maker: int, now: int) -> Deferred[list[Invite]]:
        """The user's invitations that have not expired, newest first."""
        columns = (invite.c.id, invite.c.community, invite.c.uses, invite.c.uses - invite.c.used, invite.c.expires)
        wanted = select(*columns).where(invite.c.maker == maker, invite.c.expires > now).order_by(invite.c.id.desc())
        return self._database.read(lambda connection: [Invite(*line) for line in connection.execute(wanted)])

    def revoke(self, maker: int, id: int) -> Deferred[None]:
        """End an invitation of the user's. `NotFound`."""
        return self._revoke(invite.c.id == id, invite.c.maker == maker)

    def revoke_any(self, id: int) -> Deferred[None]:
        """End an invitation, whoever's it is. `NotFound`."""
        return self._revoke(invite.c.id == id)

    def _revoke(self, *those: ColumnElement[bool]) -> Deferred[None]:
        def work(connection: Connection) -> None:
            this = delete(invite).where(*those)
            if not connection.execute(this).rowcount:
                raise NotFound(NO_INVITE)

        return self._database.write(work)

    def look(self, hashed: bytes, now: int) -> Deferred[Invited]:
        """What the invitation is for; it isn't used by that. `NotFound` when it is not good now."""

        def work(connection: Connection) -> Invited:
            found = read_invited(connection, hashed, now, self._may_invite)
            if found is None:
                raise NotFound(NO_INVITE)
            return found

        return self._database.read(work)


def may_make(connection: Connection, maker: int, group: int, may_invite: MayActOnGroup) -> bool:
    """Whether the user, who may log in, may invite there. `NotYours` with the reason where a group's rules forbid."""
    if not group:
        return is_administrator(connection, maker)
    active = select(user.c.id).where(user.c.id == maker, user.c.disabled == 0, user.c.waiting == 0)
    if connection.execute(active).first() is None:
        return False
    try:
        found = read_community(connection, group)
    except NotFound:
        return False
    may_invite(found, standing(connection, found, maker))
    return True


def read_invited(connection: Connection, hashed: bytes, now: int, may_invite: MayActOnGroup) -> Invited | None:
    """The invitation of this code; None unless it is good now: not used up, not expired, its maker may make it."""
    line = connection.execute(
        select(invite.c.id, invite.c.maker, invite.c.community).where(
            invite.c.hash == hashed, invite.c.expires > now, invite.c.used < invite.c.uses
        )
    ).one_or_none()
    if line is None:
        return None
    try:
        if not may_make(connection, line.maker, line.community, may_invite):
            return None
    except Refusal:
        return None
    group = read_community(connection, line.community) if line.community else None
    return Invited(line.id, group, is_administrator(connection, line.maker))


def use(connection: Connection, id: int) -> None:
    """Count one use. `NotFound` when somebody else had the last one meanwhile, or it was revoked."""
    this = (invite.c.id == id, invite.c.used < invite.c.uses)
    if not connection.execute(update(invite).where(*this).values(used=invite.c.used + 1)).rowcount:
        raise NotFound(NO_INVITE)
