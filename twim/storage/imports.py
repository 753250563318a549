"""Many accounts at once, without passwords: each gets a link by which its user sets one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select

from twim.storage import attachments, audit
from twim.storage.accounts import utc_now
from twim.storage.happenings import MADE, note_user
from twim.storage.password_resets import NO_PASSWD
from twim.storage.random_ids import random_id
from twim.storage.schema import IN_USER, password_reset, user

BATCH: Final = 250  # accounts of one transaction, which holds up no message for long
ACT: Final = "user.import"


class Account(NamedTuple):
    """A user who is to be made."""

    mobile: str
    nickname: str
    avatar: str


class Link(NamedTuple):
    """By what the user of an account sets the password: the hash of its code, good until `expires` (ms since 1970)."""

    hash: bytes
    expires: int


def taken(connection: Connection, mobiles: Sequence[str]) -> set[str]:
    """Those of the mobiles that users have already."""
    found: set[str] = set()
    for start in range(0, len(mobiles), BATCH):
        wanted = select(user.c.mobile).where(user.c.mobile.in_(mobiles[start : start + BATCH]))
        found.update(connection.execute(wanted).scalars())
    return found


def make(connection: Connection, wanted: Sequence[tuple[Account, Link]], who: str, at: int) -> set[str]:
    """Make these accounts, at most `BATCH`, as members, and note in the audit log that `who` did it. Gives the mobiles
    that were taken meanwhile, whose accounts aren't made."""
    late = taken(connection, [account.mobile for account, _ in wanted])
    made = [one for one in wanted if one[0].mobile not in late]
    if not made:
        return late
    ids = _free_ids(connection, len(made))
    created = utc_now()
    users, links = [], []
    for id, (account, link) in zip(ids, made, strict=True):
        users.append(account._asdict() | {"id": id, "passwd": NO_PASSWD, "createat": created})
        links.append(link._asdict() | {"userid": id})
    connection.execute(insert(user), users)
    connection.execute(insert(password_reset), links)
    for id, (account, _) in zip(ids, made, strict=True):
        if attachments.stem_in(account.avatar):
            attachments.replace(connection, IN_USER, id, account.avatar)
        note_user(connection, id, MADE)
    audit.append(connection, who, ACT, {"made": len(made)}, at)
    return late


def _free_ids(connection: Connection, count: int) -> list[int]:
    while True:
        ids = {random_id() for _ in range(count)}
        used = connection.execute(select(user.c.id).where(user.c.id.in_(ids))).first()
        if len(ids) == count and used is None:
            return sorted(ids)
