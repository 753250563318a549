"""Which files of the store are in use, so that the others can be swept.

A row says that a message, an avatar or a group's icon names a file, by the file's stem. Rows change in the
transaction of what they follow from. The stem is found by its form and not by the store's address, so that rows stay
right when the files move to another store; an address elsewhere that looks the same only keeps a file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import IN_MESSAGE, attachment
from twim.wire.message import Message

_STEM: Final = re.compile(r"(?:^|/)([0-9a-f]{2}/[0-9a-f]{30,62})(?:\.thumb)?\.[a-z0-9]{1,5}(?:[?#]|$)")
_CHUNK: Final = 500  # stems in one question


class Attachments:
    """Asks what is in use."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def referenced(self, stems: Collection[str]) -> Deferred[set[str]]:
        """Of these stems (``ab/cdef…``), those in use."""
        asked = sorted(stems)

        def work(connection: Connection) -> set[str]:
            found: set[str] = set()
            for start in range(0, len(asked), _CHUNK):
                wanted = select(attachment.c.stem).where(attachment.c.stem.in_(asked[start : start + _CHUNK]))
                found.update(stem for (stem,) in connection.execute(wanted.distinct()))
            return found

        return self._database.read(work)


def stem_in(url: str) -> str | None:
    """The stem of the stored file that `url` leads to; None for any other address."""
    found = _STEM.search(url)
    return found.group(1) if found else None


def of_message(said: Message, place: int) -> list[dict[str, Any]]:
    """The rows of a message that has its `seq`."""
    stems = {stem for url in (said.url, said.pic) if url and (stem := stem_in(url))}
    return [{"stem": stem, "cate": IN_MESSAGE, "place": place, "seq": said.seq} for stem in sorted(stems)]


def store(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert rows of `of_message`."""
    if rows:
        connection.execute(insert(attachment), rows)


def forget_messages(connection: Connection, place: int, seqs: Iterable[int]) -> None:
    """These messages of a conversation name no file any more."""
    gone = (attachment.c.place == place, attachment.c.seq.in_(list(seqs)), attachment.c.cate == IN_MESSAGE)
    connection.execute(delete(attachment).where(*gone))


def replace(connection: Connection, cate: int, place: int, url: str) -> None:
    """The picture of a user (`IN_USER`) or a group (`IN_COMMUNITY`) is now `url`."""
    this = (attachment.c.cate == cate, attachment.c.place == place, attachment.c.seq == 0)
    connection.execute(delete(attachment).where(*this))
    if stem := stem_in(url):
        connection.execute(insert(attachment).values(stem=stem, cate=cate, place=place, seq=0))
