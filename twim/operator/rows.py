"""Tables read and compared row by row, in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, String, Table, and_, func, or_, select

from twim.storage.schema import conversation, metadata

RANDOM: Final = ("user", "community")  # tables whose keys are random: a new row may come before old ones
CHUNK: Final = 500  # rows in memory at a time: 32 MiB of the largest messages

Row = tuple[Any, ...]


class Sum(NamedTuple):
    """How many rows, and the sum of their hashes: equal for equal rows in whatever order."""

    number: int
    digest: int

    def __str__(self) -> str:
        return f"{self.number} rows, checksum {self.digest:064x}"


def tables() -> list[Table]:
    """What is copied row by row."""
    return [table for table in metadata.sorted_tables if table.name != "meta"]


def numbered(table: Table) -> bool:
    """Whether its keys are numbers, which every database sorts alike, and grow."""
    return table.name not in RANDOM and not any(isinstance(column.type, String) for column in table.primary_key)


def newest_key(connection: Connection, table: Table) -> Row | None:
    """The last key in the table."""
    keys = list(table.primary_key)
    last = select(*keys).order_by(*(key.desc() for key in keys)).limit(1)
    found = connection.execute(last).one_or_none()
    return None if found is None else tuple(found)


def pieces(connection: Connection, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
    """The rows by their keys, from those `after` a key on."""
    keys = list(table.primary_key)
    positions = [list(table.columns).index(key) for key in keys]
    while True:
        wanted = select(table).order_by(*keys).limit(CHUNK)
        if after is not None:
            wanted = wanted.where(_beyond(keys, after))
        rows = [tuple(row) for row in connection.execute(wanted)]
        if not rows:
            return
        yield rows
        after = tuple(rows[-1][position] for position in positions)


def count(connection: Connection, table: Table) -> int:
    """How many rows there are."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def summed(connection: Connection, table: Table) -> Sum:
    """Of all rows. A conversation's `head` is left out: SQLite keeps none."""
    kept = [n for n, column in enumerate(table.columns) if column is not conversation.c.head]
    number = digest = 0
    for rows in pieces(connection, table):
        number += len(rows)
        for row in rows:
            plain = repr([_plain(row[n]) for n in kept]).encode()
            digest += int.from_bytes(sha256(plain).digest())
    return Sum(number, digest % 2**256)


def _beyond(keys: list[Any], after: Row) -> ColumnElement[bool]:
    # Written out: MySQL doesn't use an index for (a, b) > (x, y).
    return or_(
        *(and_(*(k == v for k, v in zip(keys[:n], after, strict=False)), keys[n] > after[n]) for n in range(len(keys)))
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return bytes(value) if isinstance(value, memoryview) else value
