"""Which files of the store are in use, so that the others can be swept.

A row says that a message, an avatar or a group's icon names a file, by the file's stem. Rows change in the
transaction of what they follow from. The stem is found by its form and not by the store's address, so that rows stay
right when the files move to another store; an address of another server that looks the same only keeps a file from
being swept.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update
from twisted.internet.defer import Deferred

from twim.errors import NotYours
from twim.storage.database import Database
from twim.storage.schema import (
    IN_COMMUNITY,
    IN_MESSAGE,
    IN_USER,
    MEMBER,
    attachment,
    contact,
    participant,
    upload,
)
from twim.wire.message import Message

OTHERS_FILE: Final = "only who uploaded a file, or may see it now, passes it on"
_STEM: Final = re.compile(r"(?:^|/)([0-9a-f]{2}/[0-9a-f]{30,62})(?:\.thumb)?\.[a-z0-9]{1,5}(?:[?#]|$)")
_CHUNK: Final = 500  # stems in one question


class Attachments:
    """Asks what is in use, and by whom; keeps who uploaded what."""

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

    def uploaded(self, userid: int, stem: str, size: int, at: int) -> Deferred[None]:
        """The user has uploaded a file of `size` bytes, at `at` (ms)."""

        def work(connection: Connection) -> None:
            this = (upload.c.stem == stem, upload.c.userid == userid)
            if connection.execute(select(upload.c.at).where(*this)).first() is None:
                connection.execute(insert(upload).values(stem=stem, userid=userid, size=size, at=at))
            else:
                connection.execute(update(upload).where(*this).values(at=at))

        return self._database.write(work)

    def forget_uploads(self, stems: Collection[str], before: float) -> Deferred[None]:
        """The files of these stems, at most some hundreds, are there no more, unless they were uploaded again since
        the time `before` (seconds since 1970)."""
        these = delete(upload).where(upload.c.stem.in_(sorted(stems)), upload.c.at < int(before * 1000))
        return self._database.write(lambda connection: connection.execute(these)).addCallback(lambda _: None)

    def check_use(self, userid: int, stem: str) -> Deferred[None]:
        """`NotYours` for a file that the user may not name (see `check_use`)."""
        return self._database.read(lambda connection: check_use(connection, userid, [stem]))


def check_use(connection: Connection, userid: int, stems: Iterable[str]) -> None:
    """`NotYours` unless the user has uploaded each of these files, or may read a message or a profile that carries it
    now. Everybody's profile may be read, and a group's by its members."""
    for stem in stems:
        if connection.execute(select(1).where(or_(_uploaded(userid, stem), _readable(userid, stem)))).first() is None:
            raise NotYours(OTHERS_FILE)


def _uploaded(userid: int, stem: str) -> ColumnElement[bool]:
    return exists().where(upload.c.stem == stem, upload.c.userid == userid)


def _readable(userid: int, stem: str) -> ColumnElement[bool]:
    takes_part = exists().where(
        participant.c.userid == userid,
        participant.c.conversation == attachment.c.place,
        participant.c.floor <= attachment.c.seq,
    )
    is_member = exists().where(
        contact.c.ownerid == userid, contact.c.cate == MEMBER, contact.c.dstobj == attachment.c.place
    )
    carried = or_(
        attachment.c.cate == IN_USER,
        and_(attachment.c.cate == IN_COMMUNITY, is_member),
        and_(attachment.c.cate == IN_MESSAGE, takes_part),
    )
    return exists().where(attachment.c.stem == stem, carried)


def stem_in(url: str) -> str | None:
    """The stem of the stored file that `url` leads to; None for any other address."""
    found = _STEM.search(url)
    return found.group(1) if found else None


def of_message(said: Message, conversation_id: int) -> list[dict[str, Any]]:
    """The rows of a message that has its `seq`."""
    stems = {stem for url in (said.url, said.pic) if url and (stem := stem_in(url))}
    return [{"stem": stem, "cate": IN_MESSAGE, "place": conversation_id, "seq": said.seq} for stem in sorted(stems)]


def store(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert rows of `of_message`."""
    if rows:
        connection.execute(insert(attachment), rows)


def forget_messages(connection: Connection, conversation_id: int, seqs: Iterable[int]) -> None:
    """These messages of a conversation name no file any more."""
    gone = (attachment.c.place == conversation_id, attachment.c.seq.in_(list(seqs)), attachment.c.cate == IN_MESSAGE)
    connection.execute(delete(attachment).where(*gone))


def replace(connection: Connection, cate: int, owner_id: int, url: str) -> None:
    """The picture of a user (`IN_USER`) or a group (`IN_COMMUNITY`) is now `url`."""
    this = (attachment.c.cate == cate, attachment.c.place == owner_id, attachment.c.seq == 0)
    connection.execute(delete(attachment).where(*this))
    if stem := stem_in(url):
        connection.execute(insert(attachment).values(stem=stem, cate=cate, place=owner_id, seq=0))
