"""Everything from one database to another, of whatever kind.

A copy that was interrupted goes on where it stopped: rows are copied in the order of their keys, so what is there
says how far it came. Until the copy is finished and compared the target is marked, and no server opens it.
The copy is the same log, so it keeps the epoch: clients notice nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Table, delete, insert, select
from sqlalchemy import exc as sql_errors

from twim.operator.locations import locked
from twim.operator.refused import Refused
from twim.operator.rows import count, newest_key, numbered, pieces, summed, tables
from twim.storage.database import Database
from twim.storage.engine import open_engine
from twim.storage.migrations import NewerSchema, migrate, newest
from twim.storage.opening import COPYING, EPOCH, shown
from twim.storage.schema import meta

SAY_ROWS: Final = 50_000  # how often progress is told

Say = Callable[[str], None]


def copy(source: Database, target: Database, say: Say) -> None:
    """Copy everything and compare it. `Refused` when it can't be done or isn't equal."""
    if source.url == target.url:
        raise Refused("that is one and the same database")
    with locked(source), locked(target):
        engines = [open_engine(one.url, 2, patient=True) for one in (source, target)]
        try:
            _copy(source, target, engines[0], engines[1], say)
        except sql_errors.DBAPIError as error:
            raise Refused(f"{error.orig}; run it again to go on") from error
        finally:
            for engine in engines:
                engine.dispose()


def _copy(source: Database, target: Database, old: Engine, new: Engine, say: Say) -> None:
    # One state of the source from the beginning to the last comparison.
    with old.connect().execution_options(**source.backend.snapshot_options) as reading, reading.begin():
        epoch = _epoch(source, reading)
        try:
            migrate(new, lambda connection: _begin(connection, epoch, shown(target)))
        except NewerSchema as error:
            raise Refused(f"{shown(target)}: {error}") from None
        for table in tables():
            _copy_table(reading, new, table, say)
        for table in tables():
            _compare(reading, new, table, say)
        with new.connect().execution_options(write=True) as writing, writing.begin():
            _copy_meta(reading, writing)
            target.dialect.finish_copy(writing, source.dialect.defers_index)
            writing.execute(delete(meta).where(meta.c.name == COPYING))
    say("done: the copy is equal")


def _epoch(source: Database, reading: Connection) -> str:
    found = MigrationContext.configure(reading).get_current_heads()
    if set(found) != {newest()}:
        raise Refused(f"{shown(source)}: its schema isn't this program's; start the server on it once")
    if _value(reading, COPYING) is not None:
        raise Refused(f"{shown(source)} is itself an unfinished copy")
    epoch = _value(reading, EPOCH)
    if epoch is None:
        raise Refused(f"{shown(source)} was never used")
    return epoch


def _begin(connection: Connection, epoch: str, name: str) -> None:
    begun = _value(connection, COPYING)
    if begun is None:
        if any(newest_key(connection, table) is not None for table in tables()):
            raise Refused(f"{name} is not empty")
        connection.execute(delete(meta))
        connection.execute(insert(meta).values(name=COPYING, value=epoch))
    elif begun != epoch:
        raise Refused(f"{name} holds an unfinished copy of another database")


def _copy_table(reading: Connection, new: Engine, table: Table, say: Say) -> None:
    total = count(reading, table)
    with new.connect().execution_options(write=True) as writing:
        if not numbered(table):
            # The two databases may sort its keys differently, so where it stopped can't be told.
            with writing.begin():
                writing.execute(delete(table))
        with writing.begin():
            after, done = newest_key(writing, table), count(writing, table)
        if done:
            say(f"{table.name}: {done} of {total} rows are there")
        for rows in pieces(reading, table, after):
            with writing.begin():
                writing.execute(insert(table), [dict(zip(table.columns.keys(), row, strict=True)) for row in rows])
            before, done = done, done + len(rows)
            if done // SAY_ROWS != before // SAY_ROWS:
                say(f"{table.name}: {done} of {total} rows, {100 * done // max(total, 1)} %")
    say(f"{table.name}: {done} rows")


def _compare(reading: Connection, new: Engine, table: Table, say: Say) -> None:
    wanted = summed(reading, table)
    with new.connect() as connection, connection.begin():
        found = summed(connection, table)
    if found != wanted:
        raise Refused(f"{table.name}: {wanted} became {found}; empty the target and copy again")
    say(f"{table.name}: {found}")


def _copy_meta(reading: Connection, writing: Connection) -> None:
    for name, value in reading.execute(select(meta.c.name, meta.c.value)).all():
        writing.execute(insert(meta).values(name=name, value=value))


def _value(connection: Connection, name: str) -> str | None:
    found = connection.execute(select(meta.c.value).where(meta.c.name == name)).scalar_one_or_none()
    return None if found is None else str(found)
