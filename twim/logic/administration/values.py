"""What acts are told, one struct each. Ids are whole numbers from 1 on; times are milliseconds since 1970.

A value that isn't of its type, or that the act doesn't know, is refused.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, to_builtins

from twim.wire.message import ID_LIMIT
from twim.wire.settings import NAME

PAGE: Final = 100
PAGE_MOST: Final = 200
_LINE: Final = r"^[^\x00-\x1f\x7f]*$"

Id = Annotated[int, Meta(ge=1, lt=ID_LIMIT)]
Cursor = Annotated[int, Meta(ge=0, lt=ID_LIMIT)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_MOST)]
Words = Annotated[str, Meta(max_length=100, pattern=_LINE)]
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern=_LINE)]


class Values(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an act is told that needs to know nothing."""

    def ids(self) -> dict[str, object]:
        """What the audit log has of it: ids, numbers and choices, nothing that somebody wrote."""
        told: dict[str, object] = to_builtins(self)
        return told


class Page(Values):
    """Which rows are wanted: at most `limit`, those that follow the cursor `before` (the `next` of the rows before;
    0 begins)."""

    before: Cursor = 0
    limit: Limit = PAGE


class Search(Page):
    """The same of what fits `q`; "" fits everything."""

    q: Words = ""


class UserSearch(Search):
    """The same; with `waiting` 1 only users who wait for an approval."""

    waiting: Literal[0, 1] = 0


class Find(Values):
    """Whom a word names: `id:N`, `mobile:M`, `external:X`, or an id, mobile or nickname."""

    word: Annotated[str, Meta(min_length=1, max_length=100, pattern=_LINE)]


class OfUser(Values):
    """Which user."""

    user: Id


class Role(OfUser):
    """The user's role: `member` or `admin`."""

    role: Literal["member", "admin"]


class OfGroup(Values):
    """Which group."""

    group: Id


class Takeover(OfGroup):
    """Who becomes the owner of the group."""

    user: Id


class Purge(Values):
    """Messages and files older than `days`, of one group or (0) of all conversations."""

    days: Annotated[int, Meta(ge=1, le=36_500)]
    group: Cursor = 0


class NewInvite(Values, rename={"for_": "for"}):
    """What the invitation is for, `server` or a group's id; how many may use it, for how many days; and in whose name
    it is made, where that isn't the administrator who acts (0)."""

    for_: Literal["server"] | Id
    uses: Annotated[int, Meta(ge=1, le=1_000)] = 100
    days: Annotated[int, Meta(ge=1, le=30)] = 7
    user: Cursor = 0


class OfId(Values):
    """Which one."""

    id: Id


class NewKey(Values):
    """What the key is called, and what it may do: scopes with commas between them; "" for the usual ones."""

    name: Name
    scopes: Annotated[str, Meta(max_length=100, pattern=r"^[a-z,]*$")] = ""

    def ids(self) -> dict[str, object]:
        """Its name is somebody's words."""
        return {"scopes": self.scopes}


class Change(Values):
    """A setting and its new value."""

    name: Name
    value: Annotated[str, Meta(max_length=200, pattern=_LINE)]

    def ids(self) -> dict[str, object]:
        """What a server is called is somebody's words, every other value is a choice or a number."""
        return {"name": self.name} if self.name == NAME.name else {"name": self.name, "value": self.value}


class Longest(Values):
    """How many rows are wanted at most."""

    limit: Limit = PAGE
