"""What is counted for all nodes together: failed log-ins and searches, and by what an account is known.

A count is a level that leaks: it rises by one with each attempt and falls by `leak` a second. Two kinds of bounds look
at it: a `Quota` refuses what would rise above it, a `Delay` makes the next attempt wait, the longer the higher it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import ceil, pow
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.storage.accounts import utc_now
from twim.storage.database import Database
from twim.storage.schema import attempt, known_login, user

UNIT: Final = 1_000  # parts of one attempt in the column `level`
KNOWN: Final = 20  # devices and addresses kept for one user; the oldest is forgotten
FORGET_MS: Final = 2 * 24 * 3600 * 1000  # after which a count is removed; it has leaked by then
DOUBLINGS: Final = 30
SWEEP_EVERY: Final = 500  # counted attempts between two removals


class Quota(NamedTuple):
    """At most `most` at once."""

    leak: float
    most: int

    def until(self, level: float, now: int) -> int:
        """Until when, in milliseconds since 1970, the next attempt after one that made it `level` has to wait."""
        return now + ceil(max(0.0, level + 1 - self.most) / self.leak * 1000)


class Delay(NamedTuple):
    """After `free` attempts the next ones wait: a second, then twice as long each time, `longest` seconds at most.
    Each doubling takes `step` attempts."""

    leak: float
    free: int
    step: float
    longest: float

    def until(self, level: float, now: int) -> int:
        """As `Quota.until`."""
        # Whole attempts: what leaks in the seconds between them gives no further one.
        above = round(level) - self.free
        if above < 0:
            return now
        # Beyond some doublings it is the longest in any case, and the power would be too large for a float.
        doublings = min(DOUBLINGS, above / self.step)
        return now + round(min(self.longest, pow(2.0, doublings)) * 1000)


class Count(NamedTuple):
    """What is counted (`key`), and what bounds it."""

    key: bytes
    bound: Quota | Delay


def key_of(*parts: str | int | bytes) -> bytes:
    """The key of a count: 32 bytes in which neither a mobile nor an address can be read, though both can be tried."""
    said = b"\0".join(part if isinstance(part, bytes) else str(part).encode("utf-8", "replace") for part in parts)
    return hashlib.sha256(said).digest()


class AttemptStore:
    """The store of counts. Times are milliseconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._until_sweep = SWEEP_EVERY

    def take(self, counts: Sequence[Count], now: int) -> Deferred[int]:
        """Count one attempt in all of `counts` and give 0; or count nothing and give the milliseconds to wait."""

        def work(connection: Connection) -> int:
            found = _levels(connection, counts, now)
            wait = max(one.until for one in found) - now
            if wait > 0:
                return wait
            for count, one in zip(counts, found, strict=True):
                _store(connection, count, one.value + 1, now, one.stored)
            if sweep:
                connection.execute(delete(attempt).where(attempt.c.at < now - FORGET_MS))
            return 0

        self._until_sweep -= 1
        sweep = self._until_sweep <= 0
        if sweep:
            self._until_sweep = SWEEP_EVERY
        return self._database.write(work)

    def wait(self, counts: Sequence[Count], now: int) -> Deferred[int]:
        """The milliseconds until `take` would count; nothing is counted."""

        def work(connection: Connection) -> int:
            return max(0, max(one.until for one in _levels(connection, counts, now)) - now)

        return self._database.read(work)

    def forgive(self, counts: Sequence[Count], forgotten: Sequence[Count], now: int) -> Deferred[None]:
        """The last attempt was none to be counted: take it out of `counts`, and forget all that `forgotten` had."""

        def work(connection: Connection) -> None:
            for count, one in zip(counts, _levels(connection, counts, now), strict=True):
                _store(connection, count, max(0.0, one.value - 1), now, one.stored)
            connection.execute(delete(attempt).where(attempt.c.key.in_([one.key for one in forgotten])))

        return self._database.write(work)

    def known(self, mobile: str, hashes: Sequence[bytes]) -> Deferred[set[bytes]]:
        """By which of these the account of `mobile` is known; none when there is no such account."""
        found = (
            select(known_login.c.hash)
            .join(user, user.c.id == known_login.c.userid)
            .where(user.c.mobile == mobile, known_login.c.hash.in_(hashes))
        )
        return self._database.read(lambda connection: {bytes(one) for (one,) in connection.execute(found)})

    def know(self, userid: int, hashes: Sequence[bytes]) -> Deferred[None]:
        """The user has logged in from these: they are known from now on, and are the newest of what is known."""

        def work(connection: Connection) -> None:
            mine = select(known_login.c.hash).where(known_login.c.userid == userid)
            kept = [bytes(one) for (one,) in connection.execute(mine.order_by(known_login.c.at.desc()))]
            for one in sorted(hashes):
                if one in kept:
                    this = (known_login.c.userid == userid, known_login.c.hash == one)
                    connection.execute(update(known_login).where(*this).values(at=utc_now()))
                else:
                    connection.execute(insert(known_login).values(userid=userid, hash=one, at=utc_now()))
            old = [one for one in kept if one not in hashes][max(0, KNOWN - len(hashes)) :]
            if old:
                connection.execute(
                    delete(known_login).where(known_login.c.userid == userid, known_login.c.hash.in_(old))
                )

        return self._database.write(work)


class _Level(NamedTuple):
    """A count's level now, until when it makes wait, and whether it has a row."""

    value: float
    until: int
    stored: bool


def _levels(connection: Connection, counts: Sequence[Count], now: int) -> list[_Level]:
    keys = sorted({one.key for one in counts})
    rows = select(attempt.c.key, attempt.c.level, attempt.c.at, attempt.c.until).where(attempt.c.key.in_(keys))
    found = {bytes(key): more for key, *more in connection.execute(rows.order_by(attempt.c.key).with_for_update())}
    levels = []
    for key, bound in counts:
        level, at, until = found.get(key, (0, now, 0))
        leaked = max(0, now - at) / 1000 * bound.leak
        levels.append(_Level(max(0.0, level / UNIT - leaked), until, key in found))
    return levels


def _store(connection: Connection, count: Count, level: float, now: int, stored: bool) -> None:
    # By what was found under the lock: where another server was faster the insert fails, and all is done again.
    values = {"level": round(level * UNIT), "at": now, "until": count.bound.until(level, now)}
    if stored:
        connection.execute(update(attempt).where(attempt.c.key == count.key).values(values))
    else:
        connection.execute(insert(attempt).values(values | {"key": count.key}))
