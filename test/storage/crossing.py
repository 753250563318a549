"""Two transactions that wait for each other."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from sqlalchemy import Connection, update

from twim.storage.schema import user


def crossing(one: int, other: int, mine: Event, theirs: Event) -> Callable[[Connection], None]:
    """One of the two: it changes user `one`, and `other` as soon as the other transaction has changed that."""

    def work(connection: Connection) -> None:
        connection.execute(update(user).where(user.c.id == one).values(memo="both"))
        mine.set()
        theirs.wait(5)
        connection.execute(update(user).where(user.c.id == other).values(memo="both"))

    return work
