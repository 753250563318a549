"""Moves heads and read marks forward on a database server, those of many conversations by one statement.

A statement per row would be a round trip per row: a batch of 2,000 messages would take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

_CHUNK: Final = 500  # rows in one statement


def move(connection: Connection, statement: str, rows: Sequence[tuple[int, ...]]) -> int:
    """Run `statement`, in which `{rows}` stands for a table of these rows with the columns a, b and c. Gives how many
    rows it changed."""
    # The numbers stand in the text: as parameters they would be escaped and sent one by one.
    moved = 0
    for start in range(0, len(rows), _CHUNK):
        lines = [_line(row) for row in rows[start : start + _CHUNK]]
        moved += connection.exec_driver_sql(statement.format(rows=" UNION ALL ".join(lines))).rowcount
    return moved


def _line(row: tuple[int, ...]) -> str:
    return "SELECT " + ",".join(f"{int(value)} AS {name}" for name, value in zip("abc", row, strict=False))
