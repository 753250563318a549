"""The shapes of answers, for their description. Flags are 0 or 1; times are milliseconds since 1970, but a `createat`
that is text: RFC 3339 in UTC."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from twim.wire.message import Shown


class User(TypedDict):
    """A user. `mobile` is empty but in one's own; `bot` is 1 in a program's, and not there in a person's."""

    id: int
    mobile: str
    avatar: str
    sex: str
    nickname: str
    online: int
    memo: str
    createat: str
    bot: NotRequired[int]


class OwnUser(User):
    """The user who asks."""

    role: str


class FoundUser(User):
    """A user; `role` is there in one's own."""

    role: NotRequired[str]


class Login(OwnUser):
    """The user who is logged in now, and the device's token."""

    token: str


class Registered(TypedDict):
    """The new user, as `Login`, and the group of its invitation; or only `waiting`, its id, where an approval is waited
    for."""

    waiting: NotRequired[int]
    id: NotRequired[int]
    mobile: NotRequired[str]
    avatar: NotRequired[str]
    sex: NotRequired[str]
    nickname: NotRequired[str]
    online: NotRequired[int]
    memo: NotRequired[str]
    createat: NotRequired[str]
    role: NotRequired[str]
    token: NotRequired[str]
    group: NotRequired[int]


class Friend(User):
    """A friend, and the caller's own name for it."""

    remark: str


class Member(User):
    """A member of a group; `muted` is until when it may not post."""

    role: str
    muted: int


class FriendRequest(TypedDict):
    """Who asks to be a friend."""

    id: int
    user: User
    memo: str
    createat: str


class JoinRequest(TypedDict):
    """Who asks to join a group."""

    requestid: int
    userid: int
    nickname: str
    avatar: str
    at: str


class Group(TypedDict):
    """A group. `ownerid` is 0 when it has no members."""

    id: int
    name: str
    ownerid: int
    icon: str
    cate: int
    memo: str
    createat: str
    join: str
    history: str
    post: str
    notice: str
    dissolved: int


class OwnGroup(Group):
    """A group of the caller's, and its stand in it."""

    role: str
    muted: int


class Joined(TypedDict):
    """Whether the caller is a `member` now, and then the group; nothing for an invitation to the server."""

    member: NotRequired[int]
    id: NotRequired[int]
    name: NotRequired[str]
    ownerid: NotRequired[int]
    icon: NotRequired[str]
    cate: NotRequired[int]
    memo: NotRequired[str]
    createat: NotRequired[str]
    join: NotRequired[str]
    history: NotRequired[str]
    post: NotRequired[str]
    notice: NotRequired[str]
    dissolved: NotRequired[int]


class Befriended(TypedDict):
    """Whether they are friends now."""

    friend: int


class Device(TypedDict):
    """A device that is logged in."""

    id: int
    agent: str
    address: str
    createat: str
    current: int


class UserSettings(TypedDict):
    """How a user is told of messages."""

    words: int
    quiet: str
    zone: str


class Settings(TypedDict):
    """What the server allows and is called. `upload_limit` is in bytes; `push` is the public key by which browsers
    subscribe to Web Push, or "" where nothing is pushed."""

    signup: str
    friend: str
    group: str
    upload_limit: int
    name: str
    push: str


class LinkPreview(TypedDict):
    """What a page says of itself; all of it is "" where there is nothing to show."""

    title: str
    description: str
    site: str


class InviteMade(TypedDict):
    """An invitation, with its code, which is told only now."""

    id: int
    code: str
    url: str
    expires: int


# A field of an invitation is called `for`.
Invite = TypedDict("Invite", {"id": int, "for": str, "uses": int, "left": int, "expires": int})


class Row(TypedDict):
    """A conversation, by its newest message. `floor` is the first `seq` that may be read, where it isn't 1."""

    scope: int
    dstid: int
    seq: int
    read: int
    peerread: NotRequired[int]
    unread: int
    mentions: int
    floor: NotRequired[int]
    mute: int
    pin: int
    hide: int
    last: NotRequired[Shown]


class FoundMessage(Shown, omit_defaults=True):
    """A message with words that were searched for, and the conversation in which it is."""

    scope: int = 0


class ConversationSettings(TypedDict):
    """What the user has set of a conversation."""

    mute: int
    pin: int
    hide: int


class Reader(TypedDict):
    """Who has read a message, and when; 0 where that isn't known."""

    userid: int
    at: int


class Version(TypedDict):
    """What a message has said."""

    content: str
    at: int


class Unread(TypedDict):
    """How much somebody has not read; 1,001 of a conversation stands for more than 1,000."""

    unread: int
    mentions: int


class UnreadConversation(Unread):
    """A conversation, by its `user` or its `group`."""

    user: NotRequired[str]
    group: NotRequired[str]
    seq: int
    read: int


class UnreadConversations(Unread):
    """The sums, and the conversations."""

    conversations: list[UnreadConversation]


class UnreadOf(Unread):
    """The sums of one of several users."""

    user: str


class ApiUser(TypedDict):
    """A user as a program sees it: `user` is its external id, else `id:N`."""

    id: int
    user: str
    nickname: str
    avatar: str
    mobile: str
    role: str
    disabled: int
    createat: str


class Provider(TypedDict):
    """Where the browser has to go to log in."""

    url: str


class Command(TypedDict):
    """What a bot understands after a slash, and which user the bot is."""

    word: str
    help: str
    userid: int


class BotCommand(TypedDict):
    """A command as its bot says it."""

    word: str
    help: str


class BotMade(TypedDict):
    """A bot. Its `key` and the `secret` that signs what it is told are there where they are new: only then."""

    id: int
    key: NotRequired[str]
    secret: NotRequired[str]


class BotLine(TypedDict):
    """A bot as a program sees it."""

    id: int
    user: str
    nickname: str
    avatar: str
    url: str
    commands: list[BotCommand]


class HookMade(TypedDict):
    """A hook, with its path, which is told only now."""

    id: int
    url: str


class HookLine(TypedDict):
    """A hook; `createat` is in milliseconds since 1970."""

    id: int
    group: str
    name: str
    bot: str
    createat: int


class WebhookMade(TypedDict):
    """A webhook, with what signs its deliveries, which is told only now."""

    id: int
    secret: str


class WebhookLine(TypedDict):
    """A webhook. `group` is the id of the only group that it is told of, or 0; `state` is `ok` or `failing`,
    `since` when (ms), with the `failure`; `waiting` counts the events that it will be told of."""

    id: int
    url: str
    events: list[str]
    state: str
    failure: str
    since: int
    createat: int
    group: int
    waiting: int


class ApiToken(TypedDict):
    """A new device's token, and its user."""

    token: str
    id: int


class ApiGroup(TypedDict):
    """A group as a program sees it."""

    id: int
    group: str
    name: str
    owner: str
    join: str
    history: str
    post: str
    notice: str
    dissolved: int
    members: list[str]


class Posted(TypedDict):
    """Where a message stands, and when it was accepted."""

    seq: int
    at: int


class Outcome(Posted):
    """The same of one of several, or why it was refused."""

    code: int
    msg: str
    wait: NotRequired[int]


class ApiPlace(TypedDict):
    """To whom a message went."""

    user: NotRequired[str]
    group: NotRequired[str]


ApiMessage = TypedDict(
    "ApiMessage",
    {
        "from": str,
        "to": ApiPlace,
        "media": int,
        "content": NotRequired[str],
        "pic": NotRequired[str],
        "url": NotRequired[str],
        "memo": NotRequired[str],
        "amount": NotRequired[int],
        "cid": NotRequired[str],
        "seq": int,
        "at": int,
        "ref": NotRequired[int],
        "mentions": NotRequired[list[str | int]],
        "recalled": NotRequired[int],
        "edited": NotRequired[int],
        "reactions": NotRequired[dict[str, int]],
    },
)


class Ended(TypedDict):
    """How many devices were logged out."""

    ended: int


class Account(TypedDict):
    """A user as administrators see it. `last` is when a device of theirs was used last."""

    id: int
    mobile: str
    nickname: str
    avatar: str
    role: str
    disabled: int
    waiting: int
    createat: int
    last: int
    devices: int


class GroupOfAccount(TypedDict):
    """A group of one user's."""

    id: int
    name: str
    role: str


class AccountWithGroups(Account):
    """One user, with its groups."""

    groups: list[GroupOfAccount]


class GroupLine(TypedDict):
    """A group as administrators see it."""

    id: int
    name: str
    icon: NotRequired[str]
    owner: int
    ownername: str
    members: int
    messages: int
    join: str
    dissolved: int
    createat: int


class MemberLine(TypedDict):
    """A member of a group, as administrators see it."""

    id: int
    nickname: str
    avatar: str
    role: str
    muted: int


class GroupWithMembers(GroupLine):
    """One group, with its members in the order of joining."""

    rows: list[MemberLine]


class ResetLink(TypedDict):
    """A link by which a new password is set once."""

    url: str
    expires: int


InviteLine = TypedDict("InviteLine", {"id": int, "for": str, "maker": int, "uses": int, "left": int, "expires": int})


class KeyLine(TypedDict):
    """An API key, without what it is."""

    id: int
    name: str
    scopes: list[str]
    createat: int
    used: int


class KeyMade(TypedDict):
    """A new API key, which is told only now."""

    id: int
    key: str


class SettingLine(TypedDict):
    """A setting."""

    name: str
    value: str
    fixed: int


class AuditLine(TypedDict):
    """What an administrator did."""

    id: int
    at: int
    who: str
    act: str
    what: dict[str, Any]


class Purged(TypedDict):
    """What was deleted."""

    messages: int
    files: int
    bytes: int


class StorageLine(TypedDict):
    """How much somebody's files take."""

    user: int
    nickname: str
    files: int
    bytes: int


class NodeLine(TypedDict):
    """A node that is up. `age` and `silent` are seconds; `differs` are settings that it was given otherwise."""

    node: str
    address: str
    version: str
    epoch: str
    connections: int
    events: int
    events_per_second: float
    bytes_per_second: float
    gaps: int
    asked: int
    lost: int
    age: float
    silent: float
    differs: dict[str, str]


class Figures(TypedDict):
    """What a node measured: lists of equal length. `step` is in seconds, `commit` and `slow` in milliseconds."""

    step: int
    at: list[int]
    connections: list[float]
    messages: list[float]
    commit: list[float | None]
    slow: list[float | None]
    database: list[int | None]
    free: list[int | None]
