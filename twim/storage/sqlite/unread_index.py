"""What unread messages are counted by, written by SQLite itself: its own code reads the JSON, without the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from sqlalchemy import Connection

from twim.storage.unread_index import UnreadIndex
from twim.wire.commands import EDIT, NOTICE, REACTION, RECALL

FEW: Final = 1_000  # messages that are named in a statement; of more the whole range is read by each

# How a body ends that may have mentions in it: only an edit's time and reactions stand after them. So no long text is
# searched for nothing.
_ENDING: Final = "(substr(body, -2) IN (x'5d7d', x'7d7d') OR instr(substr(body, -30), x'{edited}') > 0)".format(
    edited=b'"edited":'.hex()
)


class SqliteUnreadIndex(UnreadIndex):
    """See `UnreadIndex`."""

    contains = "instr(substr(body, 1, {first}), x'{hex}') > 0"
    insert_new = "INSERT OR IGNORE INTO {into} SELECT {what}"

    def derive(self, connection: Connection, after: int, up_to: int) -> None:
        """See `UnreadIndex`."""
        # One pass finds the messages that anything follows from: of ordinary traffic few, and mostly none. An event
        # has a ref, a notice has no cid.
        concerned = f"ref IS NOT NULL OR (cid IS NULL AND ({self._has_media(NOTICE)})) OR {_ENDING}"
        id_range = f"id > {int(after)} AND id <= {int(up_to)}"
        found = connection.exec_driver_sql(f"SELECT id FROM message WHERE {id_range} AND ({concerned}) LIMIT {FEW + 1}")
        ids = [int(one) for (one,) in found]
        if len(ids) > FEW:
            self._run(connection, f"message.id > {int(after)} AND message.id <= {int(up_to)}")
        else:
            self.derive_from(connection, ids)

    def derive_from(self, connection: Connection, ids: Sequence[int]) -> None:
        """Write what follows from these messages. What is there stays."""
        for start in range(0, len(ids), FEW):
            listed = ",".join(str(int(one)) for one in ids[start : start + FEW])
            self._run(connection, f"message.id IN ({listed})")

    @cached_property
    def _statements(self) -> list[str]:
        body, named = "CAST(body AS TEXT)", "named (userid, conversation, seq)"
        mentioned = f"one.value, conversation, seq FROM message, json_each({body}, '$.mentions') AS one"
        removed = f"CAST(json_extract({body}, '$.memo') AS INTEGER), conversation, seq FROM message"
        names = f"{_ENDING} AND {self._names_somebody()} AND NOT ({self._has_media(RECALL, EDIT, REACTION)})"
        return [
            *super()._statements,
            self._insert(named, f"{mentioned} WHERE {{id_range}} AND {names}"),
            self._insert(named, f"{removed} WHERE {{id_range}} AND cid IS NULL AND {self._is_removal()}"),
        ]
