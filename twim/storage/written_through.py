"""How far a log is indexed: the newest message id that its indexes account for, in table `meta`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from twim.storage.schema import message, meta

THROUGH: Final = "written_through"


def newest_id(connection: Connection) -> int:
    """The newest id of all messages; 0 when there is none."""
    return int(connection.execute(select(func.coalesce(func.max(message.c.id), 0))).scalar_one())


def written_through(connection: Connection) -> int:
    """The newest message id that is accounted for."""
    return int(connection.execute(select(meta.c.value).where(meta.c.name == THROUGH)).scalar_one_or_none() or 0)


def set_written_through(connection: Connection, newest: int) -> None:
    """All messages up to id `newest` are accounted for."""
    moved = connection.execute(update(meta).where(meta.c.name == THROUGH).values(value=str(newest)))
    if not moved.rowcount:
        connection.execute(insert(meta).values(name=THROUGH, value=str(newest)))
