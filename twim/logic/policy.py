"""May this user say this here? Answered from what is in memory for every connected user; no query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twim.errors import Malformed, NotYours
from twim.wire.commands import GROUP, SENDABLE, SINGLE
from twim.wire.message import Frame

if TYPE_CHECKING:
    from twim.access.roster import Present


def check_place(user: Present, scope: int, dstid: int) -> None:
    """Refuse a conversation that is not the user's: a stranger's, or a group's it isn't in."""
    if scope == SINGLE:
        if dstid not in user.friends and dstid != user.id:
            raise Malformed("dstid: which user?") if not dstid else NotYours("dstid: not your friend")
    elif scope == GROUP:
        if dstid not in user.groups:
            raise NotYours("dstid: you are not in that group")
    else:
        raise Malformed("scope: 10 or 11")


def check_message(user: Present, said: Frame) -> None:
    """Refuse a message that the user may not send."""
    if said.media not in SENDABLE:
        raise Malformed("media: 1 to 9, 20 to 22, or 100")
    if "\0" in said.cid:
        raise Malformed("cid: no NUL, please")
    check_place(user, said.cmd, said.dstid)
