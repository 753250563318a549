"""Tables `silent` and `named`, made from the messages by which they are explained (see `unread`).

On SQLite this is how they are written, a moment after the messages; on database servers it is for logs that were
copied, or stored before there were such tables.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Final

from sqlalchemy import Connection

from twim.wire.commands import EDIT, NOTICE, REACTION, RECALL

# Only numbers stand before a body's media: 93 bytes with it at most.
_BEGINNING: Final = 96
_LONGER_BEGINNING: Final = 128
_WHOLE: Final = 2**31 - 1


class UnreadIndex(ABC):
    """Writes what follows from messages for whoever counts what is unread.

    A body is what `encode` wrote, without blanks, and within its texts a quote is escaped. So a field's name with its
    quotes is nothing but that field, and the database can look for it.
    """

    contains: str
    """An SQL condition: the first `{first}` bytes of a body contain the bytes written as `{hex}`."""
    insert_new: str
    """An SQL statement: insert the rows of `SELECT {what}` into the table and columns `{into}`, less those there."""

    @abstractmethod
    def derive(self, connection: Connection, after: int, up_to: int) -> None:
        """Write what follows from the messages `after` < id <= `up_to`. What is there stays."""

    @cached_property
    def _statements(self) -> list[str]:
        # An event refers to a message, and a notice has no cid: by that most messages are passed over.
        silences = f"(ref IS NOT NULL OR cid IS NULL) AND ({self._has_media(RECALL, EDIT, REACTION, NOTICE)})"
        recalled = f"ref IS NOT NULL AND ({self._has_media(RECALL)})"
        silent = "silent (conversation, seq)"
        return [
            self._insert(silent, f"conversation, seq FROM message WHERE {{id_range}} AND {silences}"),
            self._insert(silent, f"conversation, ref FROM message WHERE {{id_range}} AND {recalled}"),
        ]

    def _run(self, connection: Connection, id_range: str) -> None:
        for statement in self._statements:
            connection.exec_driver_sql(statement.format(id_range=id_range))

    def _insert(self, into: str, what: str) -> str:
        return self.insert_new.format(into=into, what=what)

    def _has(self, what: bytes, first: int) -> str:
        return self.contains.format(hex=what.hex(), first=first)

    def _has_media(self, *media: int) -> str:
        return " OR ".join(self._has(b'"media":%d' % one, _BEGINNING) for one in media)

    def _names_somebody(self) -> str:
        return self._has(b'"mentions":[', _WHOLE)

    def _is_removal(self) -> str:
        return self._has(b'"media":23,"content":"removed"', _LONGER_BEGINNING)
