"""Answers to requests that a program may send again under the same name (``Idempotency-Key``), for a day."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import kept_answer

KEPT_MS: Final = 24 * 3600 * 1000
RUNNING: Final = 0


class Kept(NamedTuple):
    """What is known of an earlier request: the hash of what it asked, the status of its answer (`RUNNING` while there
    is none), and the answer, empty where it isn't kept."""

    request: bytes
    status: int
    answer: bytes


class IdempotencyStore:
    """The store of these answers, by the key's id and the hash of the request's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, key: int, name: bytes, request: bytes, now: int) -> Deferred[Kept | None]:
        """A request begins at `now` (ms). None if it is the first of this name, else what is known of that one."""

        def work(connection: Connection) -> Kept | None:
            connection.execute(delete(kept_answer).where(kept_answer.c.at < now - KEPT_MS))
            this = (kept_answer.c.key == key, kept_answer.c.name == name)
            wanted = select(kept_answer.c.request, kept_answer.c.status, kept_answer.c.answer).where(*this)
            found = connection.execute(wanted).one_or_none()
            if found is not None:
                return Kept(bytes(found[0]), found[1], bytes(found[2]))
            values = {"key": key, "name": name, "request": request, "status": RUNNING, "answer": b"", "at": now}
            connection.execute(insert(kept_answer).values(values))
            return None

        return self._database.write(work)

    def keep(self, key: int, name: bytes, status: int, answer: bytes) -> Deferred[None]:
        """The request was answered so; an empty answer says only that it was."""
        this = (kept_answer.c.key == key, kept_answer.c.name == name)
        return self._database.execute(update(kept_answer).where(*this).values(status=status, answer=answer))

    def forget(self, key: int, name: bytes) -> Deferred[None]:
        """Nothing was done: the request may be made again."""
        return self._database.execute(delete(kept_answer).where(kept_answer.c.key == key, kept_answer.c.name == name))


def empty_kept(connection: Connection) -> None:
    """Keep no answer any more, only that there was one: it may tell of somebody who is being erased."""
    connection.execute(update(kept_answer).where(kept_answer.c.answer != b"").values(answer=b""))
