"""Table `contact`: a row for each side of a friendship (`cate` is `FRIEND`) and for each membership (`MEMBER`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select

from twim.storage.accounts import utc_now
from twim.storage.schema import FRIEND, MEMBER, contact, conversation
from twim.wire.commands import SINGLE


def contacts_of(connection: Connection, userid: int, cate: int) -> list[int]:
    """The ids of the user's friends (`FRIEND`) or groups (`MEMBER`)."""
    listed = select(contact.c.dstobj).where(contact.c.ownerid == userid, contact.c.cate == cate)
    return [one for (one,) in connection.execute(listed)]


def is_contact(connection: Connection, userid: int, cate: int, dstobj: int) -> bool:
    """Whether the user has this friend or is in this group."""
    this = select(contact.c.id).where(contact.c.ownerid == userid, contact.c.cate == cate, contact.c.dstobj == dstobj)
    return connection.execute(this).first() is not None


def are_acquainted(connection: Connection, one: int, other: int) -> bool:
    """Whether the two share a friendship, a group or a chat."""
    if is_contact(connection, one, FRIEND, other):
        return True
    theirs = contact.alias()
    group = select(contact.c.id).join(theirs, theirs.c.dstobj == contact.c.dstobj)
    both = (contact.c.ownerid == one, contact.c.cate == MEMBER, theirs.c.ownerid == other, theirs.c.cate == MEMBER)
    if connection.execute(group.where(*both).limit(1)).first() is not None:
        return True
    a, b = sorted((one, other))
    chat = (conversation.c.scope == SINGLE, conversation.c.a == a, conversation.c.b == b)
    return connection.execute(select(conversation.c.id).where(*chat)).first() is not None


def add_contact(connection: Connection, userid: int, cate: int, dstobj: int, memo: str) -> None:
    """Store one side of a friendship, or a membership."""
    values = {"ownerid": userid, "cate": cate, "dstobj": dstobj, "memo": memo, "createat": utc_now()}
    connection.execute(insert(contact).values(values))


def count(connection: Connection, table: Any, *where: Any) -> int:
    """How many rows of the table are so."""
    return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())
