"""The events that nodes tell each other: a struct for each kind. Their bytes are msgpack arrays that begin with a
tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Final

import msgspec

from twim.logic.repair import stored_post
from twim.storage.interface import Post
from twim.wire.commands import ANSWER, CATCH_UP, SCOPES

PIECE: Final = 5_000  # users in one event, of at most 9 bytes each
SAID_BYTES: Final = 48 * 1024  # of messages in one event, unless a single one is longer

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Ids = Annotated[list[Id], msgspec.Meta(max_length=PIECE)]


class Unreadable(ValueError):
    """No node of this version tells such an event."""


class Said(msgspec.Struct, tag=1, array_like=True):
    """Stored messages of one conversation, in its order."""

    bodies: list[bytes]


class ToUsers(msgspec.Struct, tag=2, array_like=True):
    """Say something to users."""

    users: Ids
    payload: bytes


class ToGroup(msgspec.Struct, tag=3, array_like=True):
    """Say something to a group."""

    group: Id
    payload: bytes


class Befriended(msgspec.Struct, tag=4, array_like=True):
    """Two users are friends from now on, or no longer."""

    one: Id
    other: Id
    are: bool


class Membership(msgspec.Struct, tag=5, array_like=True):
    """A user is a member of a group from now on, or no longer."""

    userid: Id
    group: Id
    is_member: bool


class Ended(msgspec.Struct, tag=6, array_like=True):
    """A device's token is invalid from now on."""

    userid: Id
    deviceid: Id


class Came(msgspec.Struct, tag=7, array_like=True):
    """A user's first device came to a node, or the last one left it."""

    userid: Id
    friends: Ids
    is_here: bool


class Online(msgspec.Struct, tag=8, array_like=True):
    """All users who are connected to a node, in pieces; `more` is true in all but the last one."""

    users: Ids
    more: bool


class WhoIsThere(msgspec.Struct, tag=9, array_like=True):
    """A node has lost events, and asks for `Online` of `node`, or of every node if that is empty."""

    node: Annotated[str, msgspec.Meta(max_length=64)]


class Blocked(msgspec.Struct, tag=10, array_like=True):
    """Somebody blocks somebody, or no longer."""

    userid: Id
    dstid: Id
    is_blocked: bool


class GroupChanged(msgspec.Struct, tag=11, array_like=True):
    """A group's rules, or its members' roles or mutes, are other ones: they are read from the storage."""

    group: Id


class SettingsChanged(msgspec.Struct, tag=12, array_like=True):
    """Settings or API keys are other ones: they are read from the storage."""


class Stored(msgspec.Struct, tag=13, array_like=True):
    """Messages were stored, of which webhooks are to be told."""


Event = (
    Said
    | ToUsers
    | ToGroup
    | Befriended
    | Membership
    | Ended
    | Came
    | Online
    | WhoIsThere
    | Blocked
    | GroupChanged
    | SettingsChanged
    | Stored
)
encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Event] = msgspec.msgpack.Decoder(Event).decode
_WRONG: Final = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


class _Frame(msgspec.Struct):
    """The field of a payload for devices that says what kind of frame it is."""

    cmd: int


_frame = msgspec.json.Decoder(_Frame).decode
_ORDERED: Final = frozenset({ANSWER, CATCH_UP, *SCOPES})
"""The kinds of frames that devices get in the order of a conversation, and so never by `ToUsers` or `ToGroup`."""


def decode(event: bytes) -> Event:
    """The event in these bytes. Unreadable if they are anything else, whatever it is."""
    try:
        return _decode(event)
    except _WRONG as error:
        raise Unreadable(type(error).__name__) from None


def said(bodies: Sequence[bytes]) -> Iterator[Said]:
    """The events that tell of these messages of one conversation."""
    together: list[bytes] = []
    size = 0
    for body in bodies:
        if together and size + len(body) > SAID_BYTES:
            yield Said(together)
            together, size = [], 0
        together.append(body)
        size += len(body)
    yield Said(together)


def post_of(body: bytes) -> Post:
    """One message of a `Said`. Unreadable if no node would store such a message."""
    try:
        post = stored_post(body)
        # The other fields are passed on, too, and a browser closes a connection over which something comes that is not
        # UTF-8.
        body.isascii() or body.decode()
    except _WRONG as error:
        raise Unreadable(type(error).__name__) from None
    message = post.message
    if message.cmd not in SCOPES or not (message.seq and message.userid and message.dstid):
        raise Unreadable("not a stored message")
    return post


def check_frame(payload: bytes) -> None:
    """Raises Unreadable if no node would send this payload by `ToUsers` or `ToGroup`."""
    try:
        payload.isascii() or payload.decode()
        cmd = _frame(payload).cmd
    except _WRONG as error:
        raise Unreadable(type(error).__name__) from None
    if cmd in _ORDERED:
        raise Unreadable(f"cmd {cmd}")
