"""Whom messages are pushed to: those who have subscriptions, haven't muted the conversation and haven't read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.interface import Key, key_of
from twim.storage.schema import FRIEND, MEMBER, community, contact, device, participant, user
from twim.storage.schema_push import push_subscription
from twim.wire.commands import GROUP

_TOGETHER: Final = 500  # values in one question


class Wanted(NamedTuple):
    """A message that may be pushed: to one user, or for 0 to all members of the group but the sender. `only` names one
    subscription of that user's, 0 all of them."""

    userid: int
    scope: int
    dstid: int
    sender: int
    seq: int
    only: int = 0

    @property
    def key(self) -> Key:
        """The conversation's."""
        return key_of(self.scope, self.userid, self.dstid)


class Stored(NamedTuple):
    """A subscription."""

    id: int
    userid: int
    endpoint: str
    p256dh: str
    auth: str
    site: str


class Receiver(NamedTuple):
    """A user to whom a message is pushed."""

    wanted: Wanted
    """With the user's own id."""
    sender: str
    """The sender's name, as the user calls it."""
    group: str
    """The group's name, or ""."""
    words: bool
    """Whether what was said may be shown."""
    quiet: str
    zone: str
    subscriptions: Sequence[Stored]


class PushReceivers:
    """Reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    def read(self, wanted: Sequence[Wanted]) -> Deferred[list[Receiver]]:
        """To whom these messages are pushed, some hundreds at most."""
        return self._database.read(lambda connection: list(self._receivers(connection, wanted)))

    def _receivers(self, connection: Connection, asked: Sequence[Wanted]) -> Iterable[Receiver]:
        wanted = [one for one in asked if one.userid] + _of_members(
            connection, [one for one in asked if not one.userid]
        )
        subscriptions = _subscriptions(connection, sorted({one.userid for one in wanted}))
        wanted = [one for one in wanted if one.userid in subscriptions]
        if not wanted:
            return
        senders = {one.sender for one in wanted}
        users = _by_id(connection, user, sorted(senders | subscriptions.keys()))
        groups = _by_id(connection, community, sorted({one.dstid for one in wanted if one.scope == GROUP}))
        remarks = _remarks(connection, sorted(subscriptions), senders)
        kept = self._kept(connection, wanted)
        for one in wanted:
            mine = [sub for sub in subscriptions[one.userid] if one.only in (0, sub.id)]
            reader, sender = users.get(one.userid), users.get(one.sender)
            here = kept.get((one.userid, one.key))
            if not mine or reader is None or sender is None or not _is_told(here, one.seq):
                continue
            name = remarks.get((one.userid, one.sender)) or sender.nickname
            group = groups[one.dstid].name if one.scope == GROUP and one.dstid in groups else ""
            yield Receiver(one, name, group, bool(reader.words), reader.quiet, reader.zone, mine)

    def _kept(self, connection: Connection, wanted: Sequence[Wanted]) -> dict[tuple[int, Key], Any]:
        """How users keep conversations, by user and conversation."""
        ids = self._dialect.conversation_ids(connection, sorted({one.key for one in wanted}))
        users = {one.userid for one in wanted}
        keys = {its_id: key for key, its_id in ids.items()}
        found: dict[tuple[int, Key], Any] = {}
        for some in _some(sorted(users)):
            for others in _some(sorted(keys)):
                these = select(participant).where(
                    participant.c.userid.in_(some), participant.c.conversation.in_(others)
                )
                found |= {(line.userid, keys[line.conversation]): line for line in connection.execute(these)}
        return found


def _is_told(here: Any, seq: int) -> bool:
    """Whether the message may be read by who takes part so, wasn't read, and the conversation isn't muted."""
    return here is not None and not here.mute and here.read < seq and here.floor <= seq


def _of_members(connection: Connection, wanted: Sequence[Wanted]) -> list[Wanted]:
    """The same for each member of the groups who has a subscription and didn't send the message."""
    by_group = {one.dstid: one for one in wanted}
    found = []
    for some in _some(sorted(by_group)):
        members = (
            select(contact.c.dstobj, contact.c.ownerid)
            .join(push_subscription, push_subscription.c.userid == contact.c.ownerid)
            .where(contact.c.cate == MEMBER, contact.c.dstobj.in_(some))
            .distinct()
        )
        for group, member in connection.execute(members):
            if member != by_group[group].sender:
                found.append(by_group[group]._replace(userid=member))
    return found


def _subscriptions(connection: Connection, users: Sequence[int]) -> dict[int, list[Stored]]:
    """Those of the users, whose devices haven't ended."""
    found: defaultdict[int, list[Stored]] = defaultdict(list)
    columns = [push_subscription.c[name] for name in Stored._fields]
    for some in _some(users):
        alive = (device.c.id == push_subscription.c.deviceid) & (device.c.userid == push_subscription.c.userid)
        theirs = select(*columns).join(device, alive).where(push_subscription.c.userid.in_(some))
        for line in connection.execute(theirs.order_by(push_subscription.c.id)):
            found[line.userid].append(Stored(*line))
    return dict(found)


def _remarks(connection: Connection, owners: Sequence[int], senders: set[int]) -> dict[tuple[int, int], str]:
    """What users call senders, by both."""
    found: dict[tuple[int, int], str] = {}
    for some in _some(owners):
        for others in _some(sorted(senders)):
            named = select(contact.c.ownerid, contact.c.dstobj, contact.c.remark).where(
                contact.c.ownerid.in_(some),
                contact.c.cate == FRIEND,
                contact.c.dstobj.in_(others),
                contact.c.remark != "",
            )
            found |= {(owner, other): remark for owner, other, remark in connection.execute(named)}
    return found


def _by_id(connection: Connection, table: Any, ids: Sequence[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for some in _some(ids):
        found |= {line.id: line for line in connection.execute(select(table).where(table.c.id.in_(some)))}
    return found


def _some(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER))
