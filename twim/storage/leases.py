"""Leases: what only one node may do at a time.

Who holds a lease counts its `beat` up. Another node that has seen the same beat for long enough takes the lease, with
the next `fence`; nobody compares the clocks of two machines. A holder that was stopped for a while, and doesn't know
yet that another one has taken its place, is refused by its old fence whatever it writes (`check`).
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update
from twisted.internet.defer import Deferred

from twim.errors import Conflict
from twim.storage.database import Database
from twim.storage.schema_webhooks import lease


class LeaseLost(Conflict):
    """Another node holds the lease by now. Nothing was done."""


class LeaseState(NamedTuple):
    """Who holds a lease ("" for nobody), and what grows with each holder and while it lives."""

    holder: str
    fence: int
    beat: int


class LeaseStore:
    """The store of leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def look(self, name: str) -> Deferred[LeaseState | None]:
        """The lease as it stands; None where nobody ever held it."""
        return self._database.read(lambda connection: _read(connection, name))

    def take(self, name: str, holder: str, seen: LeaseState | None) -> Deferred[int | None]:
        """Take the lease if it still stands as it was `seen`. Gives the fence; None where it doesn't."""

        def work(connection: Connection) -> int | None:
            if seen is None:
                if _read(connection, name) is not None:
                    return None
                connection.execute(insert(lease).values(name=name, holder=holder, fence=1, beat=0))
                return 1
            same = (lease.c.name == name, lease.c.fence == seen.fence, lease.c.beat == seen.beat)
            mine = update(lease).where(*same, lease.c.holder == seen.holder)
            taken = connection.execute(mine.values(holder=holder, fence=seen.fence + 1, beat=0)).rowcount
            return seen.fence + 1 if taken else None

        return self._database.write(work)

    def beat(self, name: str, fence: int) -> Deferred[bool]:
        """Show that the holder lives. False when another one has the lease."""
        mine = update(lease).where(lease.c.name == name, lease.c.fence == fence).values(beat=lease.c.beat + 1)
        return self._database.write(lambda connection: connection.execute(mine).rowcount > 0)

    def give_back(self, name: str, fence: int) -> Deferred[None]:
        """Let another node take the lease at once."""
        return self._database.execute(
            update(lease).where(lease.c.name == name, lease.c.fence == fence).values(holder="")
        )


def check(connection: Connection, name: str, fence: int) -> None:
    """For a transaction that only the holder may do: raises `LeaseLost`. Nobody takes the lease until it ends."""
    mine = select(lease.c.fence).where(lease.c.name == name).with_for_update()
    if connection.execute(mine).scalar_one_or_none() != fence:
        raise LeaseLost("another node holds the lease")


def _read(connection: Connection, name: str) -> LeaseState | None:
    wanted = select(lease.c.holder, lease.c.fence, lease.c.beat).where(lease.c.name == name)
    found = connection.execute(wanted).one_or_none()
    return None if found is None else LeaseState(*found)
