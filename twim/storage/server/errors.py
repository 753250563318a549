"""What the errors of MySQL and PostgreSQL mean: another transaction was faster, or the server can't be reached."""

from __future__ import annotations

from typing import Final

from sqlalchemy import exc as sql_errors

from twim.storage.backend import UNUSABLE

# MySQL: 1213 deadlock, 1020 a row changed since it was read (MariaDB's snapshot isolation), 1412 a table did.
# PostgreSQL: 40001 serialization failure, 40P01 deadlock.
_LOST_RACE: Final = frozenset({1020, 1213, 1412, "40001", "40P01"})
# MySQL: 1205 lock wait. PostgreSQL: 55P03 lock wait.
_TRY_AGAIN: Final = _LOST_RACE | {1205, "55P03"}
# What waiting doesn't help. MySQL: 1044, 1045, 1049, 1698 no such user, password or database. PostgreSQL's 28 and 3D.
_WRONG: Final = frozenset({1044, 1045, 1049, 1698, "28000", "28P01", "3D000"})
_WRONG_TEXTS: Final = ("password authentication failed", "does not exist", "no pg_hba.conf entry")


def may_try_again(error: sql_errors.DBAPIError) -> bool:
    """Whether the database gave the transaction up for another one's sake."""
    return not _TRY_AGAIN.isdisjoint(_codes(error))


def lost_race(error: sql_errors.DBAPIError) -> bool:
    """Whether other transactions were faster, as against one that keeps a lock: the database is there."""
    return not _LOST_RACE.isdisjoint(_codes(error))


def unavailable(error: sql_errors.DBAPIError) -> bool:
    """Whether the server wasn't reached, or the connection was lost: what waiting may help."""
    if not _WRONG.isdisjoint(_codes(error)):
        return False
    # psycopg gives no code for a refused log-in.
    if error.statement is None and any(text in str(error.orig) for text in _WRONG_TEXTS):
        return False
    return error.connection_invalidated or (error.statement is None and isinstance(error, UNUSABLE))


def _codes(error: sql_errors.DBAPIError) -> set[object]:
    original = error.orig
    if original is None:
        return set()
    return {getattr(original, "sqlstate", None), *original.args[:1]} - {None}
