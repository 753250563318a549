"""A database server that can't be reached: found out once, then refused at once until it answers again.

Without this each caller would find out for itself by a time-out, and whoever sends during an outage would wait for
seconds in a queue before being refused.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import exc as sql_errors

# MySQL: 1205 lock wait, 1213 deadlock. PostgreSQL: 40001 serialization failure, 40P01 deadlock, 55P03 lock wait.
_TRY_AGAIN: Final = frozenset({1205, 1213, "40001", "40P01", "55P03"})
# What waiting doesn't mend. MySQL: 1044, 1045, 1049, 1698 no such user, password or database. PostgreSQL's 28 and 3D.
_WRONG: Final = frozenset({1044, 1045, 1049, 1698, "28000", "28P01", "3D000"})
_WRONG_TEXTS: Final = ("password authentication failed", "does not exist", "no pg_hba.conf entry")
_UNUSABLE: Final = (
    sql_errors.OperationalError,
    sql_errors.InterfaceError,
    sql_errors.InternalError,
)


def may_try_again(error: sql_errors.DBAPIError) -> bool:
    """Whether the database gave the transaction up for another one's sake."""
    return not _TRY_AGAIN.isdisjoint(_codes(error))


def unusable(error: sql_errors.DBAPIError) -> bool:
    """Whether the database couldn't do its work, as against refusing a statement."""
    return error.connection_invalidated or isinstance(error, _UNUSABLE)


def unavailable(error: sql_errors.DBAPIError) -> bool:
    """Whether the server wasn't reached, or the connection was lost: what waiting may mend."""
    if not _WRONG.isdisjoint(_codes(error)):
        return False
    # psycopg gives no code for a refused log-in.
    if error.statement is None and any(text in str(error.orig) for text in _WRONG_TEXTS):
        return False
    return error.connection_invalidated or (error.statement is None and isinstance(error, _UNUSABLE))


def _codes(error: sql_errors.DBAPIError) -> set[object]:
    original = error.orig
    if original is None:
        return set()
    return {getattr(original, "sqlstate", None), *original.args[:1]} - {None}
