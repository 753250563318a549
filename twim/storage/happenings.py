"""What happens that webhooks are told of and that isn't in the log: to users, to members of groups, and what was read.

It is written down in the transaction that does it, so nothing is lost when the server is killed a moment later; and
only while a webhook wants to hear of it. What was delivered to all of them is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, String, delete, func, insert, literal, select

from twim.storage.schema import Big, external
from twim.storage.schema_webhooks import happening, webhook

USER: Final = "user"
MEMBER: Final = "member"
READ: Final = "read"
MADE: Final = "made"
CHANGED: Final = "changed"
ERASED: Final = "erased"
_COLUMNS: Final = ("at", "userid", "event", "what", "name", "place", "seq")


def note_user(connection: Connection, userid: int, what: str) -> None:
    """Something was done to the user: `made`, `changed`, `disabled`, `enabled`, `approved` or `role`."""
    _note(connection, USER, userid, what)


def note_member(connection: Connection, group: int, userid: int, what: str) -> None:
    """Something was done to the user as a member of the group: as the notices in the group call it."""
    _note(connection, MEMBER, userid, what, place=group)


def note_read(connection: Connection, conversation_id: int, userid: int, seq: int, at: int) -> None:
    """The user has read the conversation up to `seq`, at the time `at` (ms)."""
    _note(connection, READ, userid, "", place=conversation_id, seq=seq, at=at)


def note_erased(connection: Connection, userid: int) -> None:
    """The user is being erased: what waits of it is forgotten, and its external id, which is about to be free again,
    is told once more."""
    connection.execute(delete(happening).where(happening.c.userid == userid))
    named = select(external.c.name).where(external.c.kind == 1, external.c.id == userid)
    _note(connection, USER, userid, ERASED, name=connection.execute(named).scalar_one_or_none() or "")


def _note(
    connection: Connection,
    event: str,
    userid: int,
    what: str,
    *,
    name: str = "",
    place: int = 0,
    seq: int = 0,
    at: int | None = None,
) -> None:
    at = int(datetime.now(UTC).timestamp() * 1000) if at is None else at
    texts = [literal(one, String(64)) for one in (event, what, name)]
    numbers = [literal(one, Big) for one in (at, userid, place, seq)]
    values: list[Any] = [*numbers[:2], *texts, *numbers[2:]]
    # One statement, which finds nothing to insert where nobody wants to hear of it.
    wanted = select(*values).select_from(webhook).where(webhook.c.events.contains(event)).limit(1)
    connection.execute(insert(happening).from_select(_COLUMNS, wanted))


def newest(connection: Connection) -> int:
    """The newest id; 0 where there is none."""
    return int(connection.execute(select(func.coalesce(func.max(happening.c.id), 0))).scalar_one())


def forget(connection: Connection, up_to: int, before: int) -> None:
    """What was told to all, which is up to the id `up_to`, and what happened before then (ms)."""
    connection.execute(delete(happening).where((happening.c.id <= up_to) | (happening.c.at < before)))


def forget_all(connection: Connection) -> None:
    """Nobody wants to hear of anything."""
    connection.execute(delete(happening))


def names(connection: Connection, kind: int, ids: Sequence[int]) -> dict[int, str]:
    """How other programs call these users (`kind` 1) or groups (2): the external id, else ``id:N``."""
    found = {one: f"id:{one}" for one in ids}
    for start in range(0, len(ids), 500):
        some = external.c.id.in_(ids[start : start + 500])
        wanted = select(external.c.id, external.c.name).where(external.c.kind == kind, some)
        found.update(connection.execute(wanted).tuples().all())
    return found
