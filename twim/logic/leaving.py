"""Ends all friendships and memberships of a user, each as the user itself does, so that all nodes know it at once."""

from __future__ import annotations

from collections.abc import Awaitable

from twim.errors import Failed, Refusal, TooMany, Unavailable
from twim.logic.groups import Groups
from twim.logic.relations import Relations


async def leave_all(userid: int, relations: Relations, groups: Groups) -> None:
    """End them all."""
    for friend in await relations.friends(userid):
        await _unless_over(relations.part(userid, friend))
    for group in await groups.groups(userid):
        await _unless_over(groups.leave(userid, group))


async def _unless_over(ending: Awaitable[None]) -> None:
    """The other side may have ended it meanwhile."""
    try:
        await ending
    except (Unavailable, TooMany, Failed):
        raise
    except Refusal:
        pass
