"""Memberships that a host asked for when its user logged in: only these end when it asks for them no more."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import MEMBER, contact
from twim.storage.schema_host_members import host_member


class Memberships(NamedTuple):
    """The groups that a user is in, and those of them because a host asked for it."""

    all: set[int]
    by_host: set[int]


class HostMemberStore:
    """The store of these memberships."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, userid: int) -> Deferred[Memberships]:
        """The user's memberships."""

        def work(connection: Connection) -> Memberships:
            mine = select(contact.c.dstobj, host_member.c.contact).where(
                contact.c.ownerid == userid, contact.c.cate == MEMBER
            )
            found = connection.execute(mine.outerjoin_from(contact, host_member, host_member.c.contact == contact.c.id))
            rows = found.all()
            return Memberships({group for group, _ in rows}, {group for group, asked in rows if asked is not None})

        return self._database.read(work)

    def tidy(self, userid: int) -> Deferred[None]:
        """Forget those of the user that have ended, in whatever way."""
        there = select(contact.c.id).where(contact.c.ownerid == userid, contact.c.cate == MEMBER)
        ended = host_member.c.contact.not_in(there.scalar_subquery())
        return self._database.execute(delete(host_member).where(host_member.c.userid == userid, ended))


def mark_by_host(connection: Connection, userid: int, group: int) -> None:
    """This membership, which has just begun, is one that a host asked for."""
    row = select(contact.c.id, contact.c.ownerid).where(
        contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj == group
    )
    connection.execute(insert(host_member).from_select(["contact", "userid"], row))
