"""A member's standing in a group, and whose messages it lets one recall."""

from __future__ import annotations

from typing import Final

import msgspec

OUTSIDE: Final = ""
MEMBER_ROLE: Final = "member"
ADMIN: Final = "admin"
OWNER: Final = "owner"
ROLES: Final = (OUTSIDE, MEMBER_ROLE, ADMIN, OWNER)
"""In the order of what they may do."""
FOR_EVER: Final = 2**53 - 1
"""Until when (ms) somebody may not post whom the group's own rules forbid it."""


class Standing(msgspec.Struct, frozen=True):
    """What a user is to a group: `role` is empty for who is no member, `muted` is until when (ms), and `removed` tells
    that an owner or admin ended the membership."""

    role: str = OUTSIDE
    muted: int = 0
    removed: bool = False

    @property
    def runs_group(self) -> bool:
        """Whether it is the owner's or an admin's."""
        return self.role in (OWNER, ADMIN)

    def outranks(self, other: Standing) -> bool:
        """Whether the one may act upon the other: the owner upon all others, admins upon members and who is none."""
        return self.runs_group and ROLES.index(self.role) > ROLES.index(other.role)
