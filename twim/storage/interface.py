"""What the logic asks of the storage: the records it gives, and the message log as a role.

`SqlLog` in `log.py` plays `MessageLog` on every database; the other stores are plain classes over `Database`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
from twisted.internet.defer import Deferred

from twim.errors import Refusal
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message

UNKNOWN: Final = -1
"""A conversation's head that has to be read from the log before it can be used."""


MEMBER_ROLE: Final = "member"
ADMIN_ROLE: Final = "admin"
USER_ROLES: Final = (MEMBER_ROLE, ADMIN_ROLE)
NO_MOBILE: Final = "="
"""How column `mobile` begins, which is unique, of a user who has none."""


class User(msgspec.Struct, omit_defaults=False):
    """A user as the store knows it, less its password."""

    id: int
    mobile: str
    avatar: str
    sex: str
    nickname: str
    memo: str
    createat: datetime
    role: str = MEMBER_ROLE
    disabled: int = 0
    waiting: int = 0
    bot: int = 0

    def public(self, online: bool) -> dict[str, object]:
        """What anybody who is logged in may see. `mobile` is empty: it is for its owner alone. Only a bot's row has
        `bot`, which is 1."""
        shown: dict[str, object] = {
            "id": self.id,
            "mobile": "",
            "avatar": self.avatar,
            "sex": self.sex,
            "nickname": self.nickname,
            "online": int(online),
            "memo": self.memo,
            "createat": rfc3339(self.createat),
        }
        return shown | {"bot": 1} if self.bot else shown

    def own(self, online: bool = True) -> dict[str, object]:
        """What the user sees of itself."""
        mobile = "" if self.mobile.startswith(NO_MOBILE) else self.mobile
        return self.public(online) | {"mobile": mobile, "role": self.role}


class Community(msgspec.Struct):
    """A group."""

    id: int
    name: str
    ownerid: int
    icon: str
    cate: int
    memo: str
    createat: datetime
    join: str = "open"
    history: str = "all"
    post: str = "members"
    notice: str = ""
    dissolved: int = 0

    def public(self) -> dict[str, object]:
        """What members see."""
        return {
            "id": self.id,
            "name": self.name,
            "ownerid": self.ownerid,
            "icon": self.icon,
            "cate": self.cate,
            "memo": self.memo,
            "createat": rfc3339(self.createat),
            "join": self.join,
            "history": self.history,
            "post": self.post,
            "notice": self.notice,
            "dissolved": self.dissolved,
        }


class Circle(msgspec.Struct, gc=False):
    """Whom a user may write to: friends and groups, by id; and what keeps the user from it.

    `blocks` are those whom the user blocks, `blocked_by` those who block the user; `silenced` says of groups in which
    the user may not post until when (ms), which may be past.
    """

    friends: set[int]
    groups: set[int]
    # An empty set takes 216 bytes for each user who is connected; there is one empty frozenset.
    blocks: frozenset[int] = frozenset()
    blocked_by: frozenset[int] = frozenset()
    silenced: dict[int, int] = msgspec.field(default_factory=dict)


def rfc3339(moment: datetime) -> str:
    """A stored UTC time as RFC 3339 in whole seconds."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Conversation:
    """One conversation of the log: `(scope, a, b)` as in the schema, and its newest seq as far as it is known."""

    __slots__ = ("__weakref__", "a", "b", "floor", "head", "id", "scope")

    def __init__(self, id: int, scope: int, a: int, b: int, head: int, floor: int = 1) -> None:
        self.id = id
        self.scope = scope
        self.a = a
        self.b = b
        self.head = head
        self.floor = floor
        """The first seq that is kept, as far as it is known."""

    def called_by(self, userid: int) -> int:
        """The `dstid` by which this user names the conversation."""
        if self.scope == GROUP:
            return self.a
        return self.b if userid == self.a else self.a


Key = tuple[int, int, int]
"""`(scope, a, b)`."""


def key_of(scope: int, userid: int, dstid: int) -> Key:
    """The key of the conversation that `userid` calls `scope:dstid`."""
    if scope == SINGLE:
        return (SINGLE, userid, dstid) if userid <= dstid else (SINGLE, dstid, userid)
    return (GROUP, dstid, 0)


class Post(msgspec.Struct, gc=False, eq=False):
    """A message on its way into the log, and what became of it.

    `origin` is the session that is answered, or None for a notice. After the commit exactly one of these holds:
    `refused` is set; `first` is the answer that the same `cid` got before, as `(scope, dstid, seq, at)`; or the
    message, whose `seq` and `at` are set, is stored as `body`.
    """

    # A Struct is made five times as fast as an object with slots, and without gc the collector has nothing to walk
    # through when thousands wait for their commit. Nothing a post refers to refers back to it.
    origin: Any
    message: Message
    conversation: Conversation
    body: bytes = b""
    first: tuple[int, int, int, int] | None = None
    refused: Refusal | None = None
    files: tuple[str, ...] = ()
    """Stems of stored files that it names, if it must be asked whether its sender may."""

    @property
    def is_new(self) -> bool:
        """Whether, after the commit, it is stored and wasn't before."""
        return self.first is None and self.refused is None


class LogListener(Protocol):
    """Who hears what became of posts. Called on the reactor's thread, in the order of the log."""

    def committed(self, posts: Sequence[Post]) -> None:
        """These are on disk (or refused, or repeats of what is)."""

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """None of these is stored; the storage can't be used."""


class MessageLog(Protocol):
    """The log of every conversation: gapless, in order, and on disk before anybody hears of it."""

    def append(self, post: Post) -> None:
        """Queue `post` for the next commit. `TooMany` when the queue is full."""

    def settled(self) -> Deferred[None]:
        """Fires when the listener has heard of everything that this server has on disk now."""
