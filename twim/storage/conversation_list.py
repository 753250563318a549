"""The list of a user's conversations: a row for each, with what is unread, and its newest message."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, select

from twim.storage import unread
from twim.storage.dialect import Dialect
from twim.storage.message_index import MessageIndex
from twim.storage.schema import message, participant
from twim.wire.commands import SINGLE

_COLUMNS: Final = 11  # those of `_listed`; then come `Counts`


class Row:
    """One line of a user's list of conversations."""

    __slots__ = (
        "conversation_id",
        "dstid",
        "floor",
        "hidden",
        "last",
        "last_id",
        "mentions",
        "mute",
        "peer_read",
        "pin",
        "read",
        "scope",
        "seq",
        "unread",
    )

    def __init__(
        self,
        conversation_id: int,
        scope: int,
        dstid: int,
        seq: int,
        read: int,
        peer_read: int | None,
        last_id: int,
        unread: int,
        mentions: int,
        floor: int = 1,
        mute: int = 0,
        pin: int = 0,
        hidden: int = 0,
    ) -> None:
        self.conversation_id = conversation_id
        self.scope = scope
        self.dstid = dstid
        self.seq = seq
        self.read = read
        self.peer_read = peer_read
        self.last_id = last_id
        self.last = b""
        """The newest message, while the row is shown: see `Conversations.lasts`."""
        self.unread = unread
        self.mentions = mentions
        self.floor = floor
        """The first seq that the user may read."""
        self.mute = mute
        self.pin = pin
        self.hidden = hidden
        """The seq that was the newest when the user hid it; 0 if that never was."""

    @property
    def is_listed(self) -> bool:
        """Whether the user may read anything of it, which who has just joined may not yet; and has not hidden it, or
        something was said since."""
        return self.seq >= self.floor and self.seq > self.hidden

    @property
    def name(self) -> str:
        """As a client names it in a catch-up: ``"10:3"``."""
        return f"{self.scope}:{self.dstid}"

    def json(self, more: bool = False) -> bytes:
        """The row as the protocol gives it."""
        numbers = b'{"scope":%d,"dstid":%d,"seq":%d,"read":%d,"unread":%d,"mentions":%d,"mute":%d,"pin":%d,"hide":0' % (
            self.scope,
            self.dstid,
            self.seq,
            self.read,
            self.unread,
            self.mentions,
            self.mute,
            self.pin,
        )
        peer_read = b"" if self.peer_read is None else b',"peerread":%d' % self.peer_read
        floor = b',"floor":%d' % self.floor if self.floor > 1 else b""
        return b'%b%b%b%b,"last":%b}' % (numbers, peer_read, floor, b',"more":true' if more else b"", self.last)


def rows_of(dialect: Dialect, connection: Connection, userid: int) -> list[Row]:
    """Every conversation of the user that has a message, newest first."""
    found = dialect.list_unread(connection, _listed(type(dialect.messages)), userid)
    return [_row(line) for line in found]


@lru_cache
def _listed(messages: type[MessageIndex]) -> Select[Any]:
    # Built once: that takes longer than to read a hundred rows.
    peer = participant.alias()
    return (
        select(
            participant.c.conversation,
            participant.c.scope,
            participant.c.dstid,
            message.c.seq,
            participant.c.read,
            peer.c.read,
            message.c.id,
            participant.c.floor,
            participant.c.mute,
            participant.c.pin,
            participant.c.hidden,
        )
        .select_from(participant)
        .join(message, messages.is_newest())
        .outerjoin(
            peer,
            and_(
                participant.c.scope == SINGLE,
                peer.c.conversation == participant.c.conversation,
                peer.c.userid == participant.c.dstid,
            ),
        )
        .where(participant.c.userid == bindparam("b_user"))
        .order_by(message.c.id.desc())
    )


def _row(line: Sequence[Any]) -> Row:
    conversation_id, scope, dstid, seq, read, peer_read, last_id, *kept = line[:_COLUMNS]
    count, mentions = unread.told(seq - read, tuple(line[_COLUMNS:]))
    return Row(conversation_id, scope, dstid, seq, read, peer_read, last_id, count, mentions, *kept)
