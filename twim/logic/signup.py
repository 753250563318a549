"""Who may register, and what becomes of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from twim.errors import NotYours, Refusal
from twim.logic.accounts import Accounts
from twim.logic.groups import Groups
from twim.logic.live_settings import LiveSettings
from twim.storage.interface import Community, User
from twim.storage.registration import Decision, Facts, Terms

CODE_BYTES: Final = 16  # of an invitation: 128 random bits
CODE_CHARS: Final = 64  # a longer text can't be a code of ours
NEEDS_INVITE: Final = "registration needs a valid invitation"
CLOSED: Final = "registration is closed"


class SignedUp(NamedTuple):
    """A new user, whose token is empty while an approval is waited for, and the group that was joined with it."""

    user: User
    token: str
    group: Community | None


class SignUp:
    """Registers people as the setting `signup` says."""

    def __init__(self, accounts: Accounts, groups: Groups, settings: LiveSettings, now_ms: Callable[[], int]) -> None:
        self._accounts = accounts
        self._groups = groups
        self._settings = settings
        self._now_ms = now_ms

    async def register(
        self, fields: dict[str, Any], passwd: str, device: dict[str, Any], *, here: bool, setup: str, invite: str
    ) -> SignedUp:
        """Register a new user. `here`: the request comes straight from this machine; `setup` and `invite` are codes, or
        "". `NotYours` for who may not; `MobileTaken`."""
        hashed = hash_code(invite) if invite else None
        terms = Terms(here, setup, hashed, self._now_ms(), self._decide(bool(invite)))
        user, token, group = await self._accounts.register(fields, passwd, device, terms)
        return SignedUp(user, token, await self._joined(user.id, group) if group else None)

    async def register_external(
        self, name: str, fields: dict[str, Any], device: dict[str, Any], invite: str
    ) -> SignedUp:
        """Register a new user whom a provider vouches for, by this external id; never the first administrator.
        `NotYours` for who may not; `Conflict` when somebody has it already."""
        hashed = hash_code(invite) if invite else None
        terms = Terms(False, "", hashed, self._now_ms(), self._decide(bool(invite)))
        user, token, group = await self._accounts.register_external(name, fields, device, terms)
        return SignedUp(user, token, await self._joined(user.id, group) if group else None)

    async def _joined(self, userid: int, group: int) -> Community | None:
        try:
            return await self._groups.join_by_invitation(userid, group)
        except Refusal:
            # It is full, or was dissolved a moment ago: the account stands all the same.
            return None

    def _decide(self, invite_given: bool) -> Callable[[Facts], Decision]:
        def decide(facts: Facts) -> Decision:
            if facts.is_first and (facts.has_setup or self._settings.signup != "off"):
                return Decision(uses_invite=facts.invited is not None)
            if self._settings.signup == "off":
                raise NotYours(CLOSED)
            if invite_given and facts.invited is None:
                raise NotYours(NEEDS_INVITE)
            return self._decide_by_invite(facts)

        return decide

    def _decide_by_invite(self, facts: Facts) -> Decision:
        invited = facts.invited
        if self._settings.signup == "approve":
            # Who waits uses no invitation: with it the group is joined after the approval.
            approved = invited is not None and invited.group is None
            return Decision(waits=not approved, uses_invite=approved)
        if self._settings.signup == "invite" and (
            invited is None or not (invited.by_administrator or self._settings.members_invite)
        ):
            raise NotYours(NEEDS_INVITE)
        return Decision(uses_invite=invited is not None)


def new_code() -> str:
    """The code of a new invitation, in characters that need no escaping in a URL."""
    return secrets.token_urlsafe(CODE_BYTES)


def hash_code(code: str) -> bytes:
    """What is stored of an invitation's code. It has 128 random bits, so a plain hash is enough."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
