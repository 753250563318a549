"""``/invite/…``: invitations to the server and to groups."""

from __future__ import annotations

from typing import Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import data, identifier, required, rows, text, whole
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.errors import Malformed
from twim.logic.invitations import Invitations
from twim.wire import envelope

USES: Final = 1_000
USES_DEFAULT: Final = 100
DAYS: Final = 30
DAYS_DEFAULT: Final = 7
CODE: Final = 200  # characters that are looked at
FOR: Final = required(text("for", 20))
ID: Final = identifier("id")
USES_FIELD: Final = whole("uses", USES_DEFAULT, least=1, most=USES)
DAYS_FIELD: Final = whole("days", DAYS_DEFAULT, least=1, most=DAYS)
CODE_FIELD: Final = required(text("code", CODE))


class Invites:
    """The routes of invitations."""

    app = Klein()

    def __init__(self, authenticator: Authenticator, invitations: Invitations) -> None:
        self._authenticator = authenticator
        self._invitations = invitations

    @route(app, "/create", takes=(FOR, USES_FIELD, DAYS_FIELD), gives=data(answers.InviteMade))
    async def create(self, request: Request, fields: Fields) -> bytes:
        """A new invitation, with its code."""
        who = await self._authenticator.caller(request, fields)
        if "for" not in fields:
            raise Malformed("for: missing")
        group = 0 if fields[FOR] == "server" else fields.id("for")
        uses = fields[USES_FIELD]
        days = fields[DAYS_FIELD]
        return envelope.ok(await self._invitations.create(who.userid, group, uses, days))

    @route(app, "/list", "GET", "POST", takes=(), gives=rows(answers.Invite))
    async def list(self, request: Request, fields: Fields) -> bytes:
        """The caller's invitations."""
        who = await self._authenticator.caller(request, fields)
        return envelope.rows(await self._invitations.listed(who.userid))

    @route(app, "/revoke", takes=(ID,))
    async def revoke(self, request: Request, fields: Fields) -> bytes:
        """End one of the caller's invitations."""
        who = await self._authenticator.caller(request, fields)
        await self._invitations.revoke(who.userid, fields[ID])
        return envelope.ok()

    @route(app, "/accept", takes=(CODE_FIELD,), gives=data(answers.Joined))
    async def accept(self, request: Request, fields: Fields) -> bytes:
        """Join the group of an invitation."""
        who = await self._authenticator.caller(request, fields)
        joined = await self._invitations.accept(who.userid, fields[CODE_FIELD])
        return envelope.ok({"member": 1} | joined.public() if joined is not None else {})
