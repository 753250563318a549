"""Who may do what: messages, answered from what is in memory for every connected user, without a query; and acts upon
groups and their members, answered inside the transaction that does them (see `storage.groups`)."""

from __future__ import annotations

from collections.abc import Callable

from twim.errors import Conflict, Malformed, NotFound, NotYours, Refusal
from twim.hub.session import SessionUser
from twim.storage.groups import NOT_IN_IT
from twim.storage.interface import Community
from twim.storage.standing import ADMIN, MEMBER_ROLE, OUTSIDE, OWNER, Standing
from twim.wire.commands import GROUP, SINGLE

GIVEN_ROLES = (OWNER, ADMIN, MEMBER_ROLE)
NOT_BY_NUMBER = "dstid: no group that you may join by its number"

# Messages


def check_participant(user: SessionUser, scope: int, dstid: int) -> None:
    """Refuse a single chat with somebody who isn't the user's friend, and a group that the user isn't in."""
    if scope == SINGLE:
        if dstid not in user.friends and dstid != user.id:
            raise Malformed("dstid: which user?") if not dstid else NotYours("dstid: not your friend")
    elif scope == GROUP:
        if dstid not in user.groups:
            raise NotYours("dstid: you are not in that group")
    else:
        raise Malformed("scope: 10 or 11")


def check_posting(user: SessionUser, scope: int, dstid: int, now: int) -> None:
    """Refuse a message, at `now` (ms), as `check_participant` does; as a stranger's to who blocks the user; and in a
    group in which the user may not post."""
    check_participant(user, scope, dstid)
    if scope == SINGLE:
        if dstid in user.circle.blocked_by:
            raise NotYours("dstid: not your friend")
    elif user.circle.silenced.get(dstid, 0) > now:
        raise NotYours("dstid: you may not post in that group now")


def is_told(user: SessionUser, scope: int, dstid: int) -> bool:
    """Whether the others are told that the user, who takes part, is typing or has read something."""
    return scope == GROUP or not (dstid in user.circle.blocked_by or dstid in user.circle.blocks)


# Groups


def may_join(group: Community, who: Standing) -> bool:
    """Whether the user becomes a member by asking; False where the owner or an admin has to agree. A group that isn't
    there (id 0) and one that isn't open to numbers are refused alike."""
    if who.role != OUTSIDE:
        raise Refusal("already a member")
    if not group.id or group.dissolved or group.join == "invite":
        raise NotYours(NOT_BY_NUMBER)
    if group.join == "approve":
        return False
    if who.removed:
        raise NotYours("you were removed from that group")
    return True


def may_join_by_invitation(group: Community, who: Standing) -> bool:
    """The same for who has an invitation of somebody who may invite: whatever the group's rule, nobody has to agree."""
    if who.role != OUTSIDE:
        raise Refusal("already a member")
    if not group.id or group.dissolved:
        raise NotYours(NOT_BY_NUMBER)
    if who.removed:
        raise NotYours("you were removed from that group")
    return True


def may_be_entered(group: Community, who: Standing) -> bool:
    """Another program, which has a key, makes members of whom it likes, whatever the group's rule."""
    if who.role != OUTSIDE:
        raise Refusal("already a member")
    if not group.id:
        raise NotFound("no such group")
    if group.dissolved:
        raise Conflict("that group is dissolved")
    return True


def may_invite(group: Community, actor: Standing) -> None:
    """Adding members and inviting them is for the owner and admins, and in an open group for members."""
    _check_alive(group, actor)
    if not actor.runs_group and group.join != "open":
        raise NotYours("only the group's owner and admins may do that")


def may_add(group: Community, actor: Standing, other: Standing, are_friends: bool) -> None:
    """One adds one's friends. Whom an owner or admin removed only such a one adds again."""
    may_invite(group, actor)
    if not are_friends:
        raise NotYours("memberid: not your friend")
    if other.role != OUTSIDE:
        raise Refusal("already a member")
    if other.removed and not actor.runs_group:
        raise NotYours("memberid: was removed from that group")


def may_run(group: Community, actor: Standing) -> None:
    """Changing the group and answering requests is for the owner and admins."""
    _check_alive(group, actor)
    if not actor.runs_group:
        raise NotYours("only the group's owner and admins may do that")


def may_own(group: Community, actor: Standing) -> None:
    """Giving roles and dissolving the group is for the owner."""
    _check_alive(group, actor)
    if actor.role != OWNER:
        raise NotYours("only the group's owner may do that")


def check_not_dissolved(group: Community, actor: Standing) -> None:
    """What an administrator of the server may do needs no standing in the group."""
    if group.dissolved:
        raise Conflict("that group is dissolved")


def may_set_role(group: Community, actor: Standing, other: Standing) -> None:
    """The owner gives roles to others; it stops being the owner only by making another one that."""
    may_own(group, actor)
    if other.role == OWNER:
        raise Refusal("memberid: you are the owner")


def may_act_on(group: Community, actor: Standing, other: Standing) -> None:
    """Muting and removing is for the owner, and for admins over members."""
    may_run(group, actor)
    if other.role != OUTSIDE and not actor.outranks(other):
        raise NotYours("memberid: you may not do that to them")


def may_remove(is_self: bool) -> Callable[[Community, Standing, Standing], None]:
    """`may_act_on`; oneself one doesn't remove."""

    def policy(group: Community, actor: Standing, other: Standing) -> None:
        may_run(group, actor)
        if is_self:
            raise Refusal("to leave, leave")
        may_act_on(group, actor, other)

    return policy


def _check_alive(group: Community, actor: Standing) -> None:
    if actor.role == OUTSIDE:
        raise NotYours(NOT_IN_IT)
    if group.dissolved:
        raise NotYours("that group is dissolved")
