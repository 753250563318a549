"""The audit log: who did what to whom, and when. Lines are appended and never changed; nothing here can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, Insert, insert, select
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import audit

NEWEST: Final = 0
"""Stands for the end of the log."""


class AuditLine(msgspec.Struct):
    """One act. `at` is in milliseconds since 1970; `what` is JSON that names users, groups and others by their ids."""

    id: int
    at: int
    who: str
    act: str
    what: str

    def public(self) -> dict[str, object]:
        """A row of the list."""
        what: object = msgspec.json.decode(self.what)
        return {"id": self.id, "at": self.at, "who": self.who, "act": self.act, "what": what}


class AuditStore:
    """The store of the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, who: str, act: str, what: Mapping[str, object], at: int) -> Deferred[None]:
        """Write down that `who` did `act`, to `what`."""
        return self._database.execute(_line(who, act, what, at))

    def lines(self, before: int, limit: int) -> Deferred[list[AuditLine]]:
        """At most `limit` lines, the newest first, from before the one with the id `before`, or from the end for
        `NEWEST`."""
        wanted = select(audit.c.id, audit.c.at, audit.c.who, audit.c.act, audit.c.what)
        if before != NEWEST:
            wanted = wanted.where(audit.c.id < before)
        wanted = wanted.order_by(audit.c.id.desc()).limit(limit)
        return self._database.read(lambda connection: [AuditLine(*line) for line in connection.execute(wanted)])


def append(connection: Connection, who: str, act: str, what: Mapping[str, object], at: int) -> None:
    """The same, in the transaction of what was done."""
    connection.execute(_line(who, act, what, at))


def _line(who: str, act: str, what: Mapping[str, object], at: int) -> Insert:
    return insert(audit).values(at=at, who=who, act=act, what=msgspec.json.encode(what).decode())
