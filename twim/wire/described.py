"""The frames of the WebSocket by their `cmd`, for their description: which fields a client's frame has, and the shapes
of the server's. docs/protocol.md explains them."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from twim.wire import commands
from twim.wire.message import Shown


class Said(NamedTuple):
    """What a client may say by a `cmd`: the fields of `twim.wire.message.Frame` that count, and which must be there."""

    name: str
    summary: str
    fields: tuple[str, ...]
    required: tuple[str, ...] = ()


_WORDS: Final = ("content", "pic", "url", "memo", "amount", "ref", "mentions")
_MESSAGE: Final = ("id", "cid", "dstid", "media", *_WORDS)

SAID: Final = {
    commands.HEARTBEAT: Said("Heartbeat", "Is the connection alive? The answer has the same cmd.", ()),
    commands.CATCH_UP: Said("CatchUp", "What this device has; what it misses is sent.", ("epoch", "have")),
    commands.TYPING: Said("Typing", "The user is typing.", ("scope", "dstid"), ("scope", "dstid")),
    commands.READ: Said("Read", "The user has read up to a seq.", ("scope", "dstid", "seq"), ("scope", "dstid", "seq")),
    commands.SINGLE: Said("SingleMessage", "A message to a user.", _MESSAGE, ("dstid", "media")),
    commands.GROUP: Said("GroupMessage", "A message to a group.", _MESSAGE, ("dstid", "media")),
}


class Alive(TypedDict):
    """The answer to a heartbeat: the server's time in milliseconds since 1970."""

    cmd: Literal[0]
    at: int


class Answer(TypedDict):
    """A message is stored as `seq` (`code` 0), or what was said is refused."""

    cmd: Literal[1]
    code: int
    id: NotRequired[int]
    cid: NotRequired[str]
    scope: NotRequired[int]
    dstid: NotRequired[int]
    seq: NotRequired[int]
    at: NotRequired[int]
    msg: NotRequired[str]
    wait: NotRequired[int]


class Conversation(TypedDict):
    """A conversation of which the device missed something; with `more` too much to be sent whole."""

    scope: int
    dstid: int
    seq: int
    read: NotRequired[int]
    peerread: NotRequired[int]
    unread: NotRequired[int]
    mentions: NotRequired[int]
    floor: NotRequired[int]
    mute: NotRequired[int]
    pin: NotRequired[int]
    hide: NotRequired[int]
    more: NotRequired[bool]
    last: NotRequired[Shown]


class CaughtUp(TypedDict):
    """The end of a catch-up, after the messages. With `reset` the log is another one: what the device has is void."""

    cmd: Literal[4]
    epoch: str
    reset: NotRequired[bool]
    rows: list[Conversation]


class TypingTold(TypedDict):
    """Somebody is typing."""

    cmd: Literal[5]
    scope: int
    dstid: int
    userid: int


class ReadTold(TypedDict):
    """Somebody has read up to a seq."""

    cmd: Literal[6]
    scope: int
    dstid: int
    userid: int
    seq: int


class Presence(TypedDict):
    """A friend came or went."""

    cmd: Literal[7]
    userid: int
    online: int


class Changed(TypedDict):
    """Something that isn't a message changed; `what` says what to fetch again."""

    cmd: Literal[8]
    what: str
    userid: NotRequired[int]
    scope: NotRequired[int]
    dstid: NotRequired[int]
    mute: NotRequired[int]
    pin: NotRequired[int]
    hide: NotRequired[int]


HEARD: Final[dict[int, tuple[str, Any]]] = {
    commands.HEARTBEAT: ("Alive", Alive),
    commands.ANSWER: ("Answer", Answer),
    commands.CATCH_UP: ("CaughtUp", CaughtUp),
    commands.TYPING: ("TypingTold", TypingTold),
    commands.READ: ("ReadTold", ReadTold),
    commands.PRESENCE: ("Presence", Presence),
    commands.CHANGED: ("Changed", Changed),
    commands.SINGLE: ("SingleDelivered", Shown),
    commands.GROUP: ("GroupDelivered", Shown),
}
"""What the server says by a `cmd`."""
