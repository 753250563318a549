"""Finding messages on SQLite, by table `run`: messages `first` to `last` of a conversation have row ids from `id` on.

An index of the log itself would cost every commit a page of the table and a page of the index for each conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from twim.storage.message_index import MessageIndex, Stored
from twim.storage.schema import message, participant, run
from twim.storage.sqlite.driver import fetch, fetch_until

_NO_ROW: Final = -1  # no row has this id
_ALL: Final = 1 << 62  # bytes

# Messages ?2 < seq <= ?3 of conversation ?1, at most ?4 of them. The run in which the first of them is, or would be, is
# the last one that begins no later.
_BETWEEN: Final = (
    "SELECT m.body, m.seq FROM run JOIN message AS m ON m.id"
    " BETWEEN run.id + max(?2 + 1 - run.first, 0) AND run.id + min(?3, run.last) - run.first"
    " WHERE run.conversation = ?1 AND run.first <= ?3"
    " AND run.first >= (SELECT coalesce(max(first), 0) FROM run WHERE conversation = ?1 AND first <= ?2 + 1)"
    " ORDER BY run.first {order}, m.id {order} LIMIT ?4"
)
_ASCENDING: Final = _BETWEEN.format(order="ASC")
_DESCENDING: Final = _BETWEEN.format(order="DESC")
_SEQS: Final = _DESCENDING.replace("m.body, ", "")
_HEAD: Final = "SELECT last FROM run WHERE conversation = ? ORDER BY first DESC LIMIT 1"
_FIRST: Final = "SELECT first FROM run WHERE conversation = ? ORDER BY first LIMIT 1"
_STORED: Final = _ASCENDING.replace("m.body, m.seq", "m.id, m.seq, m.body")
_OF_IDS: Final = "SELECT body FROM message WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC"


_DELETE: Final = "DELETE FROM message WHERE id IN (SELECT value FROM json_each(?))"
_DELETE_RUNS: Final = "DELETE FROM run WHERE conversation = ? AND first >= ? AND first <= ? AND last <= ?"
_OVERLAPPING: Final = (
    "SELECT first, last, id FROM run WHERE conversation = ?1 AND first <= ?3"
    " AND first >= (SELECT coalesce(max(first), 0) FROM run WHERE conversation = ?1 AND first <= ?2) AND last >= ?2"
)


class RunIndex(MessageIndex):
    """Finds messages by the runs in which they were stored."""

    def head(self, connection: Connection, conversation_id: int) -> int:
        """See `MessageIndex`."""
        newest = fetch(connection, _HEAD, (conversation_id,))
        return int(newest[0][0]) if newest else 0

    def first(self, connection: Connection, conversation_id: int) -> int:
        """See `MessageIndex`."""
        oldest = fetch(connection, _FIRST, (conversation_id,))
        return int(oldest[0][0]) if oldest else 0

    def stored_between(self, connection: Connection, conversation_id: int, first: int, last: int) -> list[Stored]:
        """See `MessageIndex`."""
        return [
            Stored(*row) for row in fetch(connection, _STORED, (conversation_id, first - 1, last, last - first + 1))
        ]

    def forget(self, connection: Connection, conversation_id: int, gone: Sequence[Stored]) -> None:
        """See `MessageIndex`."""
        connection.exec_driver_sql(_DELETE, (json.dumps([one.id for one in gone]),))
        for first, last in _unbroken([one.seq for one in gone]):
            _cut_runs(connection, conversation_id, first, last)

    @staticmethod
    def is_newest() -> ColumnElement[bool]:
        """See `MessageIndex`."""
        newest_run = (
            select(run.c.id + run.c.last - run.c.first)
            .where(run.c.conversation == participant.c.conversation)
            .order_by(run.c.first.desc())
            .limit(1)
        )
        return message.c.id == newest_run.correlate(participant).scalar_subquery()

    def _is_at(self, connection: Connection, conversation_id: int, seq: int) -> ColumnElement[bool]:
        holding = (
            select(run.c.id, run.c.first, run.c.last)
            .where(run.c.conversation == conversation_id, run.c.first <= seq)
            .order_by(run.c.first.desc())
            .limit(1)
        )
        found = connection.execute(holding).one_or_none()
        return message.c.id == (_NO_ROW if found is None or found.last < seq else found.id + seq - found.first)

    def slice_after(
        self, connection: Connection, conversation_id: int, after: int, up_to: int, limit: int, most: int | None
    ) -> tuple[list[bytes], int]:
        """See `MessageIndex`."""
        wanted = (conversation_id, after, up_to, limit)
        found = fetch_until(connection, _ASCENDING, wanted, _ALL if most is None else most)
        return [body for body, _ in found], found[-1][1] if found else after

    def bodies_of(self, connection: Connection, ids: Sequence[int], most: int) -> list[bytes]:
        """See `MessageIndex`."""
        return [body for (body,) in fetch_until(connection, _OF_IDS, (json.dumps(ids),), most)]

    def first_before(self, connection: Connection, conversation_id: int, before: int, limit: int) -> int:
        """See `MessageIndex`."""
        seqs = fetch(connection, _SEQS, (conversation_id, 0, before - 1, limit))
        return int(seqs[-1][0]) if seqs else before

    def slice_before(
        self, connection: Connection, conversation_id: int, up_to: int, limit: int, most: int | None
    ) -> tuple[list[bytes], int]:
        """See `MessageIndex`. Usually all of them are few bytes: then they are read from the last one on, once."""
        most = _ALL if most is None else most
        found = fetch_until(connection, _DESCENDING, (conversation_id, 0, up_to, limit), most)
        if sum(len(body) for body, _ in found) >= most:
            return super().slice_before(connection, conversation_id, up_to, limit, most)
        return [body for body, _ in reversed(found)], found[0][1] if found else up_to


def _unbroken(seqs: Sequence[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of these ascending seqs."""
    found: list[tuple[int, int]] = []
    for seq in seqs:
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return found


def _cut_runs(connection: Connection, conversation_id: int, first: int, last: int) -> None:
    """No run has the messages `first` to `last` any more."""
    # Of the runs within these bounds, which may be many, nothing is left; of the two that cross them, a part.
    connection.exec_driver_sql(_DELETE_RUNS, (conversation_id, first, last, last))
    for start, end, its_id in fetch(connection, _OVERLAPPING, (conversation_id, first, last)):
        whole = (conversation_id, start)
        connection.exec_driver_sql("DELETE FROM run WHERE conversation = ? AND first = ?", whole)
        before, after = (start, min(end, first - 1), its_id), (last + 1, end, its_id + last + 1 - start)
        for left in (before, after):
            if left[0] <= left[1]:
                connection.exec_driver_sql("INSERT INTO run VALUES (?, ?, ?, ?)", (conversation_id, *left))
