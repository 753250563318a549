"""Reading a table on from an id, so that no row is missed.

Where several servers share a database, a transaction may take an id, and commit after another one has committed a
higher one. So whoever follows a table by its ids must not go past an id that is missing until it is known that nobody
will insert it any more: the transaction was undone, or the row was deleted. That is found out with the database itself
(`Dialect.are_void`), since no time is long enough to be sure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, Table, bindparam, func, select
from twisted.internet.interfaces import IReactorTime

from twim.errors import Refusal
from twim.storage.database import Database

SKIMMED: Final = 5_000  # rows that are passed over at once
GAP_SECONDS: Final = 1.0  # after which a missing id is inquired about; most are there within milliseconds


class Rows(NamedTuple):
    """Rows in the order of their ids."""

    rows: Sequence[Sequence[Any]]
    last: int
    """The id up to which all that is there is in `rows`, or isn't wanted."""
    more: bool
    """Whether there may be others behind them already."""
    waits: bool
    """Whether rows that are there wait for one with a lower id."""


class _Doubt(NamedTuple):
    """Ids that are missing below `up_to`."""

    gaps: list[tuple[int, int]]
    up_to: int
    mark: int
    since: float


class Tail:
    """Follows one table. `statement` selects its rows, the id first, with the parameters `b_after` (an id) and
    `b_limit`, in the order of ids. It is built once and kept for ever."""

    def __init__(self, database: Database, table: Table, statement: Select[Any], clock: IReactorTime) -> None:
        self._database = database
        self._table = table
        self._statement = statement
        self._clock = clock
        ids = table.c.id
        counted: Any = select(func.count(), func.max(ids))
        self._span = counted.where(ids > bindparam("b_after"), ids <= bindparam("b_last"))
        self._sure = 0  # whatever will ever be there up to this id is there
        self._doubt: _Doubt | None = None

    async def read(self, after: int, limit: int, parameters: Mapping[str, int] | None = None) -> Rows:
        """At most `limit` rows after this id, up to which all were read."""
        await self._settle_doubt()
        rows, mark = await self._database.read(lambda c: self._read(c, after, limit, parameters or {}))
        gaps = self._gaps(after, rows)
        if not gaps:
            self._doubt = None
            return Rows(rows, rows[-1][0] if rows else after, len(rows) == limit, False)
        last = int(rows[-1][0])
        if self._doubt is None or self._doubt.gaps[0] != gaps[0]:
            self._doubt = _Doubt(gaps, last, mark, self._clock.seconds())
        sure = [row for row in rows if row[0] < gaps[0][0]]
        return Rows(sure, sure[-1][0] if sure else after, False, True)

    async def read_wanted(
        self, after: int, limit: int, wanted: Select[Any], parameters: Mapping[str, int]
    ) -> Rows | None:
        """As `read`, but only those rows after this id that the statement `wanted` selects, with the parameters
        `b_after`, `b_last` and `b_limit`: the database passes over the others, `SKIMMED` at most. None where an id is
        missing among them: then `read` has to be asked."""

        def work(connection: Connection) -> Rows | None:
            fetch = self._database.dialect.fetch
            span = {"b_after": after, "b_last": after + SKIMMED}
            ((count, last),) = fetch(connection, self._span, span)
            if not count or (not self._database.dialect.commits_in_order and count != last - after):
                return None
            rows = fetch(connection, wanted, {**parameters, "b_after": after, "b_last": last, "b_limit": limit})
            if len(rows) == limit:
                return Rows(rows, int(rows[-1][0]), True, False)
            return Rows(rows, int(last), last == after + SKIMMED, False)

        return await self._database.read(work)

    def _read(
        self, connection: Connection, after: int, limit: int, parameters: Mapping[str, int]
    ) -> tuple[Sequence[Sequence[Any]], int]:
        dialect = self._database.dialect
        rows = dialect.fetch(connection, self._statement, {**parameters, "b_after": after, "b_limit": limit})
        # In this order: whoever took an id below one that is read had begun before.
        return rows, 0 if dialect.commits_in_order else dialect.transaction_mark(connection)

    def _gaps(self, after: int, rows: Sequence[Sequence[Any]]) -> list[tuple[int, int]]:
        if self._database.dialect.commits_in_order:
            return []
        found, before = [], after
        for row in rows:
            if row[0] > before + 1 and row[0] > self._sure:
                found.append((before + 1, row[0] - 1))
            before = row[0]
        return found

    async def _settle_doubt(self) -> None:
        doubt = self._doubt
        if doubt is None or self._clock.seconds() - doubt.since < GAP_SECONDS:
            return
        ids = self._table.c.id
        try:
            are_void = await self._database.write(
                lambda c: self._database.dialect.are_void(c, ids, doubt.gaps, doubt.mark)
            )
        except Refusal:
            # Somebody still holds a lock there, or the database can't be used, which the next reading tells.
            return
        if are_void:
            self._sure = max(self._sure, doubt.up_to)
            self._doubt = None
