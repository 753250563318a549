"""What a webhook is to be told next: the messages of the log and the happenings, from where it stands, as events.

Nothing of an event is stored for its webhook, only how far the deliveries have come. So what was erased, recalled or
deleted meanwhile is gone from what waits, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, null, select
from twisted.internet.interfaces import IReactorTime

from twim.storage import happenings
from twim.storage.database import Database
from twim.storage.interface import Conversation, Key
from twim.storage.schema import conversation, message, participant
from twim.storage.schema_webhooks import happening
from twim.storage.tail import Rows, Tail
from twim.storage.webhooks import Webhook
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Shown, decode_shown

TOGETHER: Final = 100  # messages, and as many happenings, that are read at once; each may have 100 KiB
EVERYBODY: Final = 0
USERS: Final = 1
GROUPS: Final = 2
_EPOCH: Final = 8  # characters of the log's epoch, by which ids differ after a backup was restored
_TEXTS: Final = ("content", "pic", "url", "memo", "amount", "cid", "ref", "recalled", "edited")


class Event(NamedTuple):
    """One event. Those of one `chain` are delivered one after the other. `recipients` are those for whom a message is,
    by id, and how they are called."""

    id: str
    chain: Hashable
    event: str
    at: int
    data: dict[str, object]
    recipients: Mapping[int, str]


class Waiting(NamedTuple):
    """Events, and the ids of the last message and happening that they account for."""

    events: list[Event]
    log: int
    happened: int
    more: bool
    """Whether there may be others already."""
    waits: bool
    """Whether some that are there wait for an earlier message, which is being stored."""


class _Happened(NamedTuple):
    id: int
    at: int
    userid: int
    event: str
    what: str
    name: str
    place: int
    seq: int


_log: Final = select(message.c.id, message.c.conversation, message.c.body)
_of_one: Final = select(
    message.c.id,
    message.c.conversation,
    case((message.c.conversation == bindparam("b_only"), message.c.body), else_=null()),
)
_happened: Final = select(*(happening.c[name] for name in _Happened._fields))


def _after(statement: Any, table: Any) -> Any:
    return statement.where(table.c.id > bindparam("b_after")).order_by(table.c.id).limit(bindparam("b_limit"))


_LOG: Final = _after(_log, message)
_OF_ONE: Final = _after(_of_one, message)
_WANTED: Final = _after(_log, message).where(
    message.c.id <= bindparam("b_last"), message.c.conversation == bindparam("b_only")
)
_HAPPENED: Final = _after(_happened, happening)


class WebhookEvents:
    """Reads what one webhook is to be told. `epoch` is the log's."""

    def __init__(self, database: Database, hook: Webhook, epoch: str, clock: IReactorTime) -> None:
        self._database = database
        self._hook = hook
        self._epoch = epoch[:_EPOCH]
        self._tail = Tail(database, message, _OF_ONE if hook.community else _LOG, clock)
        self._happened_tail = Tail(database, happening, _HAPPENED, clock)
        self._only: int | None = None

    async def read(self, log: int, happened: int, limit: int = TOGETHER) -> Waiting:
        """What follows these ids, of at most `limit` messages and as many happenings."""
        # The happenings first: whatever message they are about is in the log by then.
        nothing = Rows((), happened, False, False)
        after = await self._happened_tail.read(happened, limit) if self._wants_happenings else nothing
        said = await self._read_log(log, limit)
        rows, happenings_ = said.rows, [_Happened(*row) for row in after.rows]
        if not rows and not happenings_:
            return Waiting([], said.last, happened, said.more, said.waits or after.waits)
        is_cut = said.more or said.waits

        def work(connection: Connection) -> tuple[list[Event], int]:
            return _Planning(connection, self._hook, self._epoch).plan(rows, happenings_, is_cut)

        events, taken = await self._database.read(work)
        more = said.more or after.more or taken < len(happenings_)
        last = happenings_[taken - 1].id if taken else happened
        return Waiting(events, said.last, last, more, said.waits or after.waits)

    @property
    def _wants_happenings(self) -> bool:
        return any(self._hook.wants(one) for one in (happenings.USER, happenings.MEMBER, happenings.READ))

    async def _read_log(self, log: int, limit: int) -> Rows:
        if not self._hook.wants("message"):
            return Rows((), log, False, False)
        if not self._hook.community:
            return await self._tail.read(log, limit)
        if self._only is None:
            key = (GROUP, self._hook.community, 0)
            found = await self._database.read(lambda c: self._database.dialect.conversation_ids(c, [key]))
            self._only = found.get(key, 0)
        only = {"b_only": self._only}
        # Nearly all that a busy server stores may be of other conversations.
        found_rows = await self._tail.read_wanted(log, limit, _WANTED, only)
        return found_rows if found_rows is not None else await self._tail.read(log, limit, only)


class _Planning:
    """Makes events of rows, in a transaction."""

    def __init__(self, connection: Connection, hook: Webhook, epoch: str) -> None:
        self._connection = connection
        self._hook = hook
        self._epoch = epoch
        self._keys: dict[int, Key] = {}
        self._members: dict[int, dict[int, int]] = {}
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}

    def plan(
        self, rows: Sequence[Sequence[Any]], happened: Sequence[_Happened], is_cut: bool
    ) -> tuple[list[Event], int]:
        """The events, and how many of `happened` they account for: where the log `is_cut`, those before its last
        message."""
        said = [(one, where, decode_shown(bytes(body))) for one, where, body in rows if body is not None]
        until = said[-1][2].at if said else 0
        taken = len(happened)
        if is_cut:
            taken = next((n for n, one in enumerate(happened) if one.at > until), taken) if rows else 0
        self._load(said, happened[:taken])
        events: list[Event] = []
        left = list(happened[:taken])
        for one, where, shown in said:
            while left and left[0].at < shown.at:
                self._add_happened(events, left.pop(0))
            events.append(self._said(one, where, shown))
        for happening_ in left:
            self._add_happened(events, happening_)
        return events, taken

    def _load(self, said: Sequence[tuple[int, int, Shown]], happened: Sequence[_Happened]) -> None:
        """What is needed to name everybody."""
        spoken = {where for _, where, _ in said}
        read = {one.place for one in happened if one.event == happenings.READ}
        listed = select(conversation.c.id, conversation.c.scope, conversation.c.a, conversation.c.b)
        found = self._connection.execute(listed.where(conversation.c.id.in_(sorted(spoken | read))))
        self._keys = {one: (scope, a, b) for one, scope, a, b in found}
        takes_part = select(participant.c.conversation, participant.c.userid, participant.c.mute)
        members: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for where, userid, mute in self._connection.execute(
            takes_part.where(participant.c.conversation.in_(sorted(spoken)))
        ):
            members[where][userid] = mute
        self._members = members
        users = {one.userid for one in happened} | {shown.userid for _, _, shown in said}
        users |= {userid for one in members.values() for userid in one}
        users |= {one for key in self._keys.values() if key[0] == SINGLE for one in key[1:]}
        groups = {key[1] for key in self._keys.values() if key[0] == GROUP}
        groups |= {one.place for one in happened if one.event == happenings.MEMBER}
        self._users = happenings.names(self._connection, USERS, sorted(users))
        self._groups = happenings.names(self._connection, GROUPS, sorted(groups))

    def _said(self, id: int, where: int, shown: Shown) -> Event:
        key = self._keys[where]
        speaker = shown.userid
        data: dict[str, object] = {"scope": key[0]}
        mutes = self._members.get(where, {})
        if key[0] == GROUP:
            recipients = [one for one in mutes if one != speaker]
            data |= {"group": self._groups[key[1]], "from": self._users[speaker]}
        else:
            other = Conversation(where, *key, 0).called_by(speaker)
            recipients = [other] if other != speaker else []
            data |= {"from": self._users[speaker], "to": self._users[other]}
        data |= {"seq": shown.seq, "at": shown.at, "media": shown.media}
        data |= {name: value for name in _TEXTS if (value := getattr(shown, name))}
        named = {*shown.mentions}
        data["muted"] = [self._users[one] for one in recipients if mutes.get(one)]
        data["mentioned"] = [self._users[one] for one in recipients if EVERYBODY in named or one in named]
        called = {one: self._users[one] for one in recipients}
        return Event(f"{self._epoch}-m{id}", key, "message", shown.at, data, called)

    def _add_happened(self, events: list[Event], one: _Happened) -> None:
        if not self._hook.wants(one.event):
            return
        chain: Hashable = one.userid
        user = one.name or self._users[one.userid]
        only = self._hook.community
        data: dict[str, object]
        if one.event == happenings.USER:
            if only:
                return
            data = {"user": user, "what": one.what}
        elif one.event == happenings.MEMBER:
            if only not in (0, one.place):
                return
            chain = (GROUP, one.place, 0)
            data = {"group": self._groups[one.place], "user": user, "what": one.what}
        else:
            chain = key = self._keys[one.place]
            if only and key != (GROUP, only, 0):
                return
            place: dict[str, object]
            if key[0] == GROUP:
                place = {"group": self._groups[key[1]]}
            else:
                place = {"with": self._users[Conversation(one.place, *key, 0).called_by(one.userid)]}
            data = {"user": user, "scope": key[0]} | place | {"seq": one.seq}
        events.append(Event(f"{self._epoch}-h{one.id}", chain, one.event, one.at, data, {}))


def body_of(event: Event, is_online: Callable[[int], bool]) -> dict[str, object]:
    """What is sent of an event: with a message also which recipients are not connected now."""
    data = event.data
    if event.event == "message":
        offline = [name for userid, name in event.recipients.items() if not is_online(userid)]
        data = data | {"offline": offline}
    return {"id": event.id, "event": event.event, "at": event.at, "data": data}
