"""What follows from the messages of SQLite's log, brought up to date in one transaction.

- `run`, by which a message is found by its conversation and seq;
- the index of cids, by which it is found by its sender's `cid` (see `cid_index`);
- `silent` and `named`, by which unread messages are counted (see `unread`);
- the read marks that follow from one's own messages: who sent a message has read it.

`meta.written_through` is the newest message id that they account for, so a crash loses none of it: the same is done at
the next start.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection

from twim.storage.sqlite.cid_index import CidIndex
from twim.storage.sqlite.driver import executing
from twim.storage.sqlite.unread_index import SqliteUnreadIndex
from twim.storage.written_through import newest_id, set_written_through, written_through

PIECE: Final = 100_000  # messages in one statement, whose rows SQLite sorts in memory

# A run begins with each message whose neighbour in the log isn't the one before it, and ends before the next begins.
# Nothing is taken for granted of the order of ids within a conversation, nor that none is missing: logs that were
# copied, or made by the first schema, are not so orderly.
_RUNS: Final = (
    "INSERT INTO run (conversation, first, last, id) SELECT conversation, seq,"
    " seq + (SELECT max(id) FROM message WHERE id < next) - id, id FROM"
    " (SELECT conversation, seq, id, lead(id, 1, :newest + 1) OVER (ORDER BY id) AS next FROM"
    " (SELECT m.conversation, m.seq, m.id FROM message AS m"
    " LEFT JOIN message AS before ON before.id = m.id - 1 AND before.id > :through"
    " WHERE m.id > :through AND m.id <= :newest"
    " AND (before.seq IS NOT m.seq - 1 OR before.conversation <> m.conversation)))"
)
_MARKS: Final = (
    "UPDATE participant SET read = sent.seq FROM"
    " (SELECT sender, conversation, max(seq) AS seq FROM message WHERE id > :through AND id <= :newest"
    " GROUP BY sender, conversation) AS sent"
    " WHERE participant.userid = sent.sender AND participant.conversation = sent.conversation"
    " AND participant.read < sent.seq"
)
_unread: Final = SqliteUnreadIndex()


class Noted(NamedTuple):
    """What is known of all the messages since the index was last written, so that they need not be looked at."""

    concerned: list[int]
    """The ids of those by which unread messages are counted."""
    cids: list[int]
    """The entries of those that have a cid (see `cid_entries`)."""


def write_index(connection: Connection, cids: CidIndex, noted: Noted | None = None) -> None:
    """Write what follows from the messages stored since it was last written; this transaction's own, too."""
    through, newest = written_through(connection), newest_id(connection)
    if newest > through or not cids.loaded:
        cids.write(executing(connection), through, newest, None if noted is None else noted.cids)
    if newest <= through:
        return
    for start in range(through, newest, PIECE):
        end = min(start + PIECE, newest)
        for statement in (_RUNS, _MARKS):
            connection.exec_driver_sql(statement, {"through": start, "newest": end})
        if noted is None:
            _unread.derive(connection, start, end)
    if noted is not None and noted.concerned:
        # Those before `through` may have been changed by events since.
        _unread.derive_from(connection, [one for one in noted.concerned if one > through])
    set_written_through(connection, newest)
