"""What the pages of registration and of an invitation show of how one comes in."""

from __future__ import annotations

from typing import Any

from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.fields import Fields
from twim.access.http.pages import NO_INVITATION
from twim.logic.invitations import Invitations
from twim.logic.live_settings import LiveSettings
from twim.logic.roles import Roles
from twim.logic.signup import CODE_CHARS


class RegistrationPages:
    """Tells it for a request."""

    def __init__(
        self, authenticator: Authenticator, settings: LiveSettings, roles: Roles, invitations: Invitations
    ) -> None:
        self._authenticator = authenticator
        self._settings = settings
        self._roles = roles
        self._invitations = invitations

    async def registration(self, request: Request, query: Fields) -> dict[str, Any]:
        """For the page of registration, whose query may have the setup code."""
        signup = self._settings.signup
        setup = query.text("setup", CODE_CHARS)
        may_be_first = bool(setup) or (signup != "off" and self._authenticator.peers.of(request).here)
        first = may_be_first and not await self._roles.has_administrator()
        return {**NO_INVITATION, "signup": signup, "first": first, "setup": setup if first else ""}

    async def invitation(self, code: str) -> dict[str, Any]:
        """For the page of an invitation. `NotFound` when it is not good now."""
        invited = await self._invitations.look(code)
        signup = self._settings.signup
        admitted = invited.by_administrator or self._settings.members_invite
        return {
            **NO_INVITATION,
            "signup": signup,
            "code": code,
            "group": invited.group.name if invited.group is not None else "",
            "name": self._settings.name,
            "registers": signup in ("open", "approve") or (signup == "invite" and admitted),
            "waits": signup == "approve" and invited.group is not None,
        }
