"""The frames that the server sends over the socket, decoded once; and the key that names a conversation."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from twim.wire import commands
from twim.wire.message import Message, Shown


class ConversationKey(NamedTuple):
    """Names a conversation as one of its users sees it: `scope` 10 and the peer's user id, or 11 and the group's id."""

    scope: int
    dstid: int

    def __str__(self) -> str:
        return f"{self.scope}:{self.dstid}"


def conversation_of(message: Message, me: int) -> ConversationKey:
    """The conversation of `message` as user `me` sees it: a single chat is named by the peer."""
    if message.cmd == commands.SINGLE and message.userid != me:
        return ConversationKey(commands.SINGLE, message.userid)
    return ConversationKey(message.cmd, message.dstid)


class Conversation(msgspec.Struct):
    """A row of `/message/conversations` or of a catch-up. `seq` is the head, and `read` the caller's read mark.
    `mentions` says how many of the `unread` messages mention the caller or everybody. 1,001 means more than 1,000.
    `floor` is the first seq that the caller may still read. `mute` and `pin` are 1 for what the caller has muted and
    pinned; `hide` is 0, since hidden ones are no rows."""

    scope: int
    dstid: int
    seq: int
    read: int = 0
    unread: int = 0
    mentions: int = 0
    last: Shown | None = None
    more: bool = False
    floor: int = 1
    mute: int = 0
    pin: int = 0
    hide: int = 0

    @property
    def key(self) -> ConversationKey:
        return ConversationKey(self.scope, self.dstid)

    @property
    def place(self) -> ConversationKey:
        """The name of `key` in version 0.1."""
        return self.key


class Page(msgspec.Struct):
    """A page of `/message/history`, ascending. `total` is the head of the conversation."""

    rows: list[Shown] = []
    total: int = 0


class FoundMessage(Shown):
    """A row of `/message/search`: a message, with `scope` and `dstid` as the caller names its conversation."""

    scope: int = 0


class FoundPage(msgspec.Struct):
    """A page of `/message/search`, the newest message first. `next` is `before` of the next page; 0 at the end."""

    rows: list[FoundMessage] = []
    next: int = 0


class ServerFrame(Shown):
    """Any frame that the server sends: a message, or a command with the fields below."""

    code: int = 0
    msg: str = ""
    scope: int = 0
    epoch: str = ""
    reset: bool = False
    rows: list[Conversation] = msgspec.field(default_factory=list)
    online: int = 0
    wait: int = 0


_frame_decoder = msgspec.json.Decoder(ServerFrame)
_message_decoder = msgspec.json.Decoder(Shown)


def decode(payload: bytes) -> ServerFrame:
    """The frame in `payload`. Raises `msgspec.MsgspecError` if that is no frame of this protocol."""
    return _frame_decoder.decode(payload)


def decode_message(payload: bytes) -> Shown:
    """The frame in `payload` as a message, without the fields of commands."""
    return _message_decoder.decode(payload)


def decode_loosely(payload: bytes) -> dict[str, Any]:
    """All fields of a frame whose fields depend on its kind (`cmd` 8)."""
    fields: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    return fields
