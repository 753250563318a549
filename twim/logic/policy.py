"""May this user say this here? Answered from what is in memory for every connected user; no query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twim.errors import Malformed, NotYours
from twim.wire.commands import GROUP, SINGLE

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
