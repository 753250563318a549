"""What the index of words has to forget or to learn, noted in the transaction that changes a message."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from twim.storage.search.tables import change

AT_ONCE = 0
"""As the time of a change: the index is put right as soon as it can be."""


def note(connection: Connection, ids: Sequence[int], at: int = AT_ONCE, edited: bool = False) -> None:
    """The words of the messages with these row ids changed at a time (ms): `edited` ones have others now."""
    if ids:
        connection.execute(insert(change), [{"message": one, "edited": int(edited), "at": at} for one in ids])
