"""``/api/v1/messages``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from klein import Klein

from twim.access.http.declared import Answer as Given
from twim.access.http.declared import identifier, rows, text, whole
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import LIMIT, Area, Call, api_route
from twim.access.http.rest.api.repeating import Repeating
from twim.errors import Malformed, NotFound, NotYours, Refusal, TooLarge, TooMany
from twim.limits.limits import Limits
from twim.logic.api_keys import ApiKeys
from twim.logic.host_messages import TOGETHER, HostMessages, Outcome, Place, Said
from twim.logic.hosts import check_name
from twim.storage.external import BY_NUMBER, ExternalStore
from twim.storage.external import GROUP as GROUPS
from twim.storage.external import USER as USERS
from twim.wire import envelope
from twim.wire.commands import GROUP
from twim.wire.message import MENTIONS, Address, Content, Id, Message, Text

EVERYBODY: Final = 0
GROUP_FIELD: Final = text("group", 64)
USERS_FIELD: Final = text("users", 130)
AFTER: Final = whole("after", -1, least=-1)
SEQ: Final = identifier("seq")


class To(msgspec.Struct, forbid_unknown_fields=True):
    """Whom a message is for: a user or a group."""

    user: str = ""
    group: str = ""


class MessageBody(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A message. `mentions` are users; 0 is everybody."""

    from_: str
    to: To
    media: int = 1
    content: Content = ""
    pic: Address = ""
    url: Address = ""
    memo: Text = ""
    amount: Annotated[int, msgspec.Meta(gt=-(2**53), lt=2**53)] = 0
    cid: Annotated[str, msgspec.Meta(max_length=64)] = ""
    ref: Id = 0
    mentions: Annotated[list[str | int], msgspec.Meta(max_length=MENTIONS)] = []


_OF_MESSAGE: Final = ("media", "content", "pic", "url", "memo", "amount", "cid", "ref")


class ApiMessages(Area):
    """The routes of messages."""

    app = Klein()

    def __init__(
        self,
        keys: ApiKeys,
        repeating: Repeating,
        messages: HostMessages,
        store: ExternalStore,
        bots: Callable[[str], Awaitable[int]],
        limits: Limits,
    ) -> None:
        super().__init__(keys, repeating, bots)
        self._limits = limits
        self._messages = messages
        self._store = store

    @api_route(
        app,
        "/messages",
        "POST",
        "messages",
        takes=(),
        body=MessageBody | list[MessageBody],
        gives=Given(data=answers.Posted, rows=answers.Outcome),
    )
    async def post(self, call: Call) -> bytes:
        """Post a message, or a list of them, in the names of users."""
        loose = call.body(object)
        if not isinstance(loose, list):
            (outcome,) = await self._post([loose], call.bot)
            if outcome.refused is not None:
                raise outcome.refused
            return envelope.ok({"seq": outcome.seq, "at": outcome.at})
        if len(loose) > TOGETHER:
            raise TooLarge(f"at most {TOGETHER} messages")
        return envelope.rows([_row(outcome) for outcome in await self._post(loose, call.bot)])

    async def _post(self, loose: Sequence[object], bot: int) -> list[Outcome]:
        if bot:
            self._limits.bot(bot, len(loose))
            loose = [_by_bot(one, bot) for one in loose]
        read = [_said(one) for one in loose]
        if bot:
            read = await self._of_bot(read, bot)
        outcomes = iter(await self._messages.post([x for x in read if not isinstance(x, Refusal)], bool(bot)))
        return [Outcome(refused=one) if isinstance(one, Refusal) else next(outcomes) for one in read]

    async def _of_bot(self, read: Sequence[Said | Refusal], bot: int) -> list[Said | Refusal]:
        """A bot speaks in no other name than its own."""
        ids = await self._store.ids(USERS, {one.speaker for one in read if not isinstance(one, Refusal)})
        other = NotYours("from: a bot speaks for itself only")
        return [one if isinstance(one, Refusal) or ids.get(one.speaker) == bot else other for one in read]

    @api_route(
        app,
        "/messages",
        "GET",
        "messages",
        reads=True,
        takes=(GROUP_FIELD, USERS_FIELD, AFTER, LIMIT),
        gives=rows(answers.ApiMessage),
    )
    async def get(self, call: Call) -> bytes:
        """Messages of a group or a pair after a seq, ascending; without it the newest."""
        after = call.query[AFTER]
        limit = call.page()
        bodies, head = await self._messages.read(_place(call.query), after if after >= 0 else None, limit, call.bot)
        loose = [msgspec.json.decode(body) for body in bodies]
        users = {one[field] for one in loose for field in ("userid", "dstid") if field in one}
        groups = {one["dstid"] for one in loose if one["cmd"] == GROUP}
        mentioned = {user for one in loose for user in one.get("mentions", ())} - {EVERYBODY}
        names = await self._store.names(USERS, users | mentioned)
        in_groups = await self._store.names(GROUPS, groups)
        return envelope.rows([_shown(one, names, in_groups) for one in loose], head)

    @api_route(app, "/messages/<seq>", "DELETE", "messages", takes=(SEQ, GROUP_FIELD, USERS_FIELD))
    async def recall(self, call: Call) -> bytes:
        """Recall a message in its author's name."""
        if not call.named["seq"].isascii() or not call.named["seq"].isdigit():
            raise NotFound("no such message")
        seq = (call.query | {"seq": call.named["seq"]})[SEQ]
        await self._messages.recall(_place(call.query), seq, call.bot)
        return envelope.ok()


def _by_bot(loose: object, bot: int) -> object:
    """A bot need not say who it is."""
    return {"from": f"{BY_NUMBER}{bot}"} | loose if isinstance(loose, dict) else loose


def _said(loose: object) -> Said | Refusal:
    """A message of the body; why it can't be one."""
    try:
        body = msgspec.convert(loose, MessageBody)
        if bool(body.to.user) == bool(body.to.group):
            raise Malformed("to: a user or a group")
        if any(isinstance(one, int) and one != EVERYBODY for one in body.mentions):
            raise Malformed("mentions: names of users, or 0")
        for name in (body.from_, body.to.user, *(x for x in body.mentions if isinstance(x, str))):
            if name or name is body.from_:
                check_name(name)
        if body.to.group:
            check_name(body.to.group, GROUPS)
    except msgspec.ValidationError as error:
        return Malformed(str(error))
    except Refusal as refused:
        return refused
    message = Message(**{name: getattr(body, name) for name in _OF_MESSAGE})
    place = Place(group=body.to.group) if body.to.group else Place((body.from_, body.to.user))
    if EVERYBODY in body.mentions:
        message.mentions = (EVERYBODY,)
    return Said(body.from_, place, [one for one in body.mentions if isinstance(one, str)], message)


def _row(outcome: Outcome) -> dict[str, object]:
    refused = outcome.refused
    if refused is None:
        return {"code": 0, "msg": "", "seq": outcome.seq, "at": outcome.at}
    wait = {"wait": refused.wait} if isinstance(refused, TooMany) else {}
    return {"code": refused.code, "msg": refused.msg, "seq": 0, "at": 0} | wait


def _place(query: Fields) -> Place:
    """Which conversation is meant, by ``group=g`` or ``users=a,b``. `Malformed`."""
    group, users = query[GROUP_FIELD], query[USERS_FIELD]
    if bool(group) == bool(users):
        raise Malformed("group or users")
    if group:
        return Place(group=group)
    one, comma, other = users.partition(",")
    if not comma:
        raise Malformed("users: two, with a comma between them")
    return Place((one, other))


def _shown(loose: dict[str, Any], names: dict[int, str], groups: dict[int, str]) -> dict[str, object]:
    """A stored message with the names that the program uses."""
    speaker, scope, dstid = loose.pop("userid"), loose.pop("cmd"), loose.pop("dstid")
    loose.pop("id", None)
    to = {"group": groups[dstid]} if scope == GROUP else {"user": names[dstid]}
    if "mentions" in loose:
        loose["mentions"] = [names.get(user, user) for user in loose["mentions"]]
    if "reactions" in loose:
        loose["reactions"] = {emoji: len(users) for emoji, users in loose["reactions"].items()}
    return {"from": names[speaker], "to": to} | loose
