"""What the server says over the socket, decoded once; and how a conversation is named."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from twim.wire import commands
from twim.wire.message import Message, Shown


class Place(NamedTuple):
    """A conversation: `scope` 10 and the peer's user id, or 11 and the group's id."""

    scope: int
    dstid: int

    def __str__(self) -> str:
        return f"{self.scope}:{self.dstid}"


def place_of(message: Message, me: int) -> Place:
    """Where `message` belongs for user `me`: a single chat is named by the other side."""
    if message.cmd == commands.SINGLE and message.userid != me:
        return Place(commands.SINGLE, message.userid)
    return Place(message.cmd, message.dstid)


class Conversation(msgspec.Struct):
    """A row of `/message/conversations` or of a catch-up. `seq` is the head, `read` the caller's mark."""

    scope: int
    dstid: int
    seq: int
    read: int = 0
    unread: int = 0
    last: Shown | None = None
    more: bool = False

    @property
    def place(self) -> Place:
        return Place(self.scope, self.dstid)


class Page(msgspec.Struct):
    """A page of `/message/history`, ascending; `total` is the conversation's head `seq`."""

    rows: list[Shown] = []
    total: int = 0


class Said(Shown):
    """Any frame of the server: a message, or a command with the fields below."""

    code: int = 0
    msg: str = ""
    scope: int = 0
    epoch: str = ""
    reset: bool = False
    rows: list[Conversation] = msgspec.field(default_factory=list)
    online: int = 0


_said = msgspec.json.Decoder(Said)
_shown = msgspec.json.Decoder(Shown)


def decode(payload: bytes) -> Said:
    """Raises `msgspec.MsgspecError` on what no server of this protocol says."""
    return _said.decode(payload)


def decode_message(payload: bytes) -> Shown:
    """The same frame as a message alone, without the fields of commands."""
    return _shown.decode(payload)


def decode_loosely(payload: bytes) -> dict[str, Any]:
    """A frame whose fields depend on its kind (`cmd` 8)."""
    fields: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    return fields
