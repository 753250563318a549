"""What nodes tell each other: a struct per kind of event, and their bytes (msgpack arrays that begin with the tag)."""

from __future__ import annotations

import msgspec


class Said(msgspec.Struct, tag=1, array_like=True):
    """A stored message."""

    body: bytes


class ToUsers(msgspec.Struct, tag=2, array_like=True):
    """Say something to users."""

    users: list[int]
    payload: bytes


class ToGroup(msgspec.Struct, tag=3, array_like=True):
    """Say something to a group."""

    group: int
    payload: bytes


class Befriended(msgspec.Struct, tag=4, array_like=True):
    """Two are friends, or no longer."""

    one: int
    other: int
    are: bool


class Membership(msgspec.Struct, tag=5, array_like=True):
    """Somebody is a member, or no longer."""

    userid: int
    group: int
    is_member: bool


class Ended(msgspec.Struct, tag=6, array_like=True):
    """A device's token is worth nothing."""

    userid: int
    deviceid: int


class Came(msgspec.Struct, tag=7, array_like=True):
    """A user's first device came to a node, or the last one left it."""

    userid: int
    friends: list[int]
    is_here: bool


class Online(msgspec.Struct, tag=8, array_like=True):
    """Everybody who is at a node, in pieces; `more` but in the last one."""

    users: list[int]
    more: bool


class WhoIsThere(msgspec.Struct, tag=9, array_like=True):
    """Somebody lost events and wants `Online` of `node`, or of every node if that is empty."""

    node: str


Event = Said | ToUsers | ToGroup | Befriended | Membership | Ended | Came | Online | WhoIsThere
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Event).decode
