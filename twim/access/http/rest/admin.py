"""``/admin/api/…``: what administrators see and do, as JSON. Each change is an act of `twim.logic.administration`,
which checks its values and writes the audit log; here is decided who may ask, and what a request says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from twim.access.http.admin_pages import forbid_frames
from twim.access.http.authentication import Authenticator
from twim.access.http.declared import choice, data, flag, identifier, name_of, optional, required, rows, text, whole
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.config import ConfigError, check_live
from twim.errors import Conflict, Malformed, NotYours, Refusal
from twim.logic.administration.acts import Actor
from twim.logic.administration.administration import Administration
from twim.logic.roles import Roles
from twim.trends import DAY_STEP, HOUR_STEP, Point, Trends
from twim.wire import envelope
from twim.wire.settings import LIVE

WORDS: Final = 100  # characters of what is searched for
NAME: Final = 40  # characters of a key's name
SCOPES: Final = 200
VALUE: Final = 200  # characters of a setting's value
PAGE: Final = 100
MOST: Final = 200
DAYS: Final = 36_500
USES: Final = 1_000
TOKEN: Final = "token"
Q: Final = text("q", WORDS)
BEFORE: Final = whole("before", 0)
LIMIT: Final = whole("limit", PAGE, least=1, most=MOST)
WAITING: Final = whole("waiting", 0, most=1)
ID: Final = identifier("id")
APPROVED: Final = optional(flag("approved"))
DISABLED: Final = optional(flag("disabled"))
ROLE: Final = text("role", 10)
USER_CHANGES: Final = (APPROVED, DISABLED, ROLE)
NEW_OWNER: Final = optional(identifier("user"))
FOR: Final = required(text("for", 20))
USES_FIELD: Final = optional(whole("uses", least=1, most=USES))
DAYS_FIELD: Final = optional(whole("days", least=1, most=DAYS))
KEY_NAME: Final = name_of("name", NAME, least=1)
KEY_SCOPES: Final = text("scopes", SCOPES)
OLDER: Final = whole("days", least=1, most=DAYS)
OF_GROUP: Final = whole("group", 0)
OVER: Final = choice("over", "hour", "day", default="hour")
CHANGES: Final = (*(text(one, VALUE) for one in LIVE), text("value", VALUE))
DONE: Final = data(dict[str, Any])


class Admin:
    """The routes."""

    app = Klein()
    log = Logger()

    def __init__(
        self, authenticator: Authenticator, roles: Roles, administration: Administration, trends: Trends
    ) -> None:
        self._authenticator = authenticator
        self._roles = roles
        self._administration = administration
        self._trends = trends

    async def _actor(self, request: Request, fields: Fields) -> Actor:
        """Who asks. `NotYours` for who is no administrator, and for a page of another site."""
        forbid_frames(request)
        self._authenticator.check_site(request)
        who = await self._authenticator.caller(request, fields)
        if not await self._roles.is_administrator(who.userid):
            raise NotYours("for administrators")
        return Actor.user(who.userid)

    async def _list(self, request: Request, fields: Fields, act: str, *names: str) -> bytes:
        actor = await self._actor(request, fields)
        values: dict[str, object] = {}
        if "q" in names:
            values["q"] = fields[Q]
        if "before" in names:
            values["before"] = fields[BEFORE]
        if "limit" in names:
            values["limit"] = fields[LIMIT]
        return _rows(await self._act(act, values, actor))

    async def _do(self, request: Request, fields: Fields, act: str, **values: object) -> bytes:
        actor = await self._actor(request, fields)
        return envelope.ok(await self._act(act, values, actor))

    async def _act(self, name: str, values: Mapping[str, object], actor: Actor) -> dict[str, object]:
        """Carry out an act, to its end: who asked may go away meanwhile, and what is done is written down all the
        same."""
        answered: Deferred[dict[str, object]] = Deferred()
        acting = Deferred.fromCoroutine(self._administration.act(name, values, actor))
        acting.addCallbacks(answered.callback, lambda failure: self._failed(failure, answered))
        return await answered

    def _failed(self, failure: Failure, answered: Deferred[dict[str, object]]) -> None:
        if answered.called and not failure.check(Refusal):
            self.log.failure("an act failed whose administrator had gone", failure)
        answered.errback(failure)

    # People

    @route(app, "/users", "GET", takes=(Q, BEFORE, LIMIT, WAITING), gives=rows(answers.Account, next=int))
    async def users(self, request: Request, fields: Fields) -> bytes:
        """The users that fit `q`; with `waiting` 1 those who wait for an approval."""
        actor = await self._actor(request, fields)
        values = {
            "q": fields[Q],
            "before": fields[BEFORE],
            "limit": fields[LIMIT],
            "waiting": fields[WAITING],
        }
        return _rows(await self._act("user.list", values, actor))

    @route(app, "/users/<id>", "GET", takes=(ID,), gives=data(answers.AccountWithGroups))
    async def user(self, request: Request, fields: Fields) -> bytes:
        """One user."""
        return await self._do(request, fields, "user.show", user=fields[ID])

    @route(app, "/users/<id>", "PATCH", takes=(ID, *USER_CHANGES), gives=data(answers.AccountWithGroups))
    async def change_user(self, request: Request, fields: Fields) -> bytes:
        """Change `approved`, `disabled` and `role`, as far as they are given and in this order."""
        actor = await self._actor(request, fields)
        user = fields[ID]
        for act, values in _changes_of_user(fields):
            await self._act(act, {"user": user} | values, actor)
        return envelope.ok(await self._act("user.show", {"user": user}, actor))

    @route(app, "/users/<id>/reset", takes=(ID,), gives=data(answers.ResetLink))
    async def reset(self, request: Request, fields: Fields) -> bytes:
        """A link by which the user sets a new password. The old one and all sessions end at once."""
        return await self._do(request, fields, "user.reset", user=fields[ID])

    @route(app, "/users/<id>/sessions", takes=(ID,), gives=data(answers.Ended))
    async def sessions(self, request: Request, fields: Fields) -> bytes:
        """Log the user out everywhere."""
        return await self._do(request, fields, "user.sessions", user=fields[ID])

    @route(app, "/users/<id>/erase", takes=(ID,), gives=DONE)
    async def erase(self, request: Request, fields: Fields) -> bytes:
        """Erase the user."""
        return await self._do(request, fields, "user.erase", user=fields[ID])

    # Groups

    @route(app, "/groups", "GET", takes=(Q, BEFORE, LIMIT), gives=rows(answers.GroupLine, next=int))
    async def groups(self, request: Request, fields: Fields) -> bytes:
        """The groups that fit `q`."""
        return await self._list(request, fields, "group.list", "q", "before", "limit")

    @route(app, "/groups/<id>", "GET", takes=(ID,), gives=data(answers.GroupWithMembers))
    async def group(self, request: Request, fields: Fields) -> bytes:
        """One group, with its members."""
        return await self._do(request, fields, "group.show", group=fields[ID])

    @route(app, "/groups/<id>/takeover", takes=(ID, NEW_OWNER), gives=DONE)
    async def takeover(self, request: Request, fields: Fields) -> bytes:
        """Make `user`, or the caller where none is named, the owner of the group."""
        actor = await self._actor(request, fields)
        values = {"group": fields[ID], "user": fields.whole("user", actor.userid, least=1)}
        return envelope.ok(await self._act("group.takeover", values, actor))

    @route(app, "/groups/<id>/dissolve", takes=(ID,), gives=DONE)
    async def dissolve(self, request: Request, fields: Fields) -> bytes:
        """End the group."""
        return await self._do(request, fields, "group.dissolve", group=fields[ID])

    # Invitations

    @route(app, "/invites", "GET", takes=(BEFORE, LIMIT), gives=rows(answers.InviteLine, next=int))
    async def invites(self, request: Request, fields: Fields) -> bytes:
        """All invitations."""
        return await self._list(request, fields, "invite.list", "before", "limit")

    @route(app, "/invites", takes=(FOR, USES_FIELD, DAYS_FIELD), gives=data(answers.InviteMade))
    async def invite(self, request: Request, fields: Fields) -> bytes:
        """A new invitation, with its code."""
        values: dict[str, object] = {"for": "server" if fields[FOR] == "server" else fields.id("for")}
        for one in (USES_FIELD, DAYS_FIELD):
            if one.name in fields:
                values[one.name] = fields[one]
        return await self._do(request, fields, "invite.create", **values)

    @route(app, "/invites/<id>", "DELETE", takes=(ID,), gives=DONE)
    async def delete_invite(self, request: Request, fields: Fields) -> bytes:
        """End an invitation."""
        return await self._do(request, fields, "invite.revoke", id=fields[ID])

    @route(app, "/invites/<id>/revoke", takes=(ID,), gives=DONE)
    async def revoke_invite(self, request: Request, fields: Fields) -> bytes:
        """End an invitation."""
        return await self._do(request, fields, "invite.revoke", id=fields[ID])

    # Keys

    @route(app, "/keys", "GET", takes=(), gives=rows(answers.KeyLine, next=int))
    async def keys(self, request: Request, fields: Fields) -> bytes:
        """The API keys, without what they are."""
        return await self._list(request, fields, "key.list")

    @route(app, "/keys", takes=(KEY_NAME, KEY_SCOPES), gives=data(answers.KeyMade))
    async def make_key(self, request: Request, fields: Fields) -> bytes:
        """A new API key, shown this once."""
        values: dict[str, object] = {"name": fields[KEY_NAME]}
        if "scopes" in fields:
            values["scopes"] = fields[KEY_SCOPES]
        return await self._do(request, fields, "key.create", **values)

    @route(app, "/keys/<id>", "DELETE", takes=(ID,), gives=DONE)
    async def delete_key(self, request: Request, fields: Fields) -> bytes:
        """End an API key."""
        return await self._do(request, fields, "key.revoke", id=fields[ID])

    @route(app, "/keys/<id>/revoke", takes=(ID,), gives=DONE)
    async def revoke_key(self, request: Request, fields: Fields) -> bytes:
        """End an API key."""
        return await self._do(request, fields, "key.revoke", id=fields[ID])

    # Webhooks

    @route(app, "/webhooks", "GET", takes=(), gives=rows(answers.WebhookLine, next=int))
    async def webhooks(self, request: Request, fields: Fields) -> bytes:
        """All webhooks, and how they stand."""
        return await self._list(request, fields, "webhook.list")

    @route(app, "/webhooks/<id>/retry", takes=(ID,), gives=DONE)
    async def retry_webhook(self, request: Request, fields: Fields) -> bytes:
        """Try one that fails again."""
        return await self._do(request, fields, "webhook.retry", id=fields[ID])

    @route(app, "/webhooks/<id>", "DELETE", takes=(ID,), gives=DONE)
    async def delete_webhook(self, request: Request, fields: Fields) -> bytes:
        """End a webhook."""
        return await self._do(request, fields, "webhook.delete", id=fields[ID])

    @route(app, "/webhooks/<id>/delete", takes=(ID,), gives=DONE)
    async def end_webhook(self, request: Request, fields: Fields) -> bytes:
        """End a webhook."""
        return await self._do(request, fields, "webhook.delete", id=fields[ID])

    # The server

    @route(app, "/settings", "GET", takes=(), gives=rows(answers.SettingLine, next=int))
    async def settings(self, request: Request, fields: Fields) -> bytes:
        """The settings."""
        return await self._list(request, fields, "setting.list")

    @route(app, "/settings", "PATCH", takes=CHANGES, gives=rows(answers.SettingLine, next=int))
    async def change_settings(self, request: Request, fields: Fields) -> bytes:
        """Change settings, all that are named or none. `Conflict` for a fixed one."""
        actor = await self._actor(request, fields)
        changes = _changes_of_settings(fields)
        found = await self._act("setting.list", {}, actor)
        rows: object = found["rows"]
        assert isinstance(rows, list)
        for row in rows:
            if row["name"] in changes and row["fixed"]:
                raise Conflict(f"{row['name']}: given as an option")
        for name, value in changes.items():
            await self._act("setting.set", {"name": name, "value": value}, actor)
        return _rows(await self._act("setting.list", {}, actor))

    @route(app, "/purge", takes=(OLDER, OF_GROUP), gives=data(answers.Purged))
    async def purge(self, request: Request, fields: Fields) -> bytes:
        """Delete what is older than `days`, of all conversations or a `group`."""
        days, group = fields[OLDER], fields[OF_GROUP]
        return await self._do(request, fields, "purge", days=days, group=group)

    @route(app, "/audit", "GET", takes=(BEFORE, LIMIT), gives=rows(answers.AuditLine, next=int))
    async def audit(self, request: Request, fields: Fields) -> bytes:
        """Who did what, the newest first."""
        return await self._list(request, fields, "audit.list", "before", "limit")

    @route(app, "/storage", "GET", takes=(LIMIT,), gives=rows(answers.StorageLine, next=int, files=int, bytes=int))
    async def storage(self, request: Request, fields: Fields) -> bytes:
        """Whose files take how much, the most first."""
        return await self._list(request, fields, "storage.list", "limit")

    @route(app, "/nodes", "GET", takes=(), gives=rows(answers.NodeLine, next=int))
    async def nodes(self, request: Request, fields: Fields) -> bytes:
        """The nodes that are up."""
        return await self._list(request, fields, "node.list")

    @route(app, "/figures", "GET", takes=(OVER,), gives=data(answers.Figures))
    async def figures(self, request: Request, fields: Fields) -> bytes:
        """What this node measured `over` the last `hour` or `day`: a list for each figure, all equally long."""
        await self._actor(request, fields)
        over = fields[OVER]
        points = self._trends.day() if over == "day" else self._trends.hour()
        columns = {name: [getattr(point, name) for point in points] for name in Point._fields}
        return envelope.ok({"step": DAY_STEP if over == "day" else HOUR_STEP} | columns)


def _rows(result: dict[str, object]) -> bytes:
    rows = result["rows"]
    assert isinstance(rows, list)
    return envelope.encode({"code": 0, "msg": "", "total": len(rows), "next": 0} | result)


def _changes_of_user(fields: Fields) -> list[tuple[str, dict[str, object]]]:
    """The acts and their values. `Malformed` where there are none."""
    changes: list[tuple[str, dict[str, object]]] = []
    if "approved" in fields:
        if not fields[APPROVED]:
            raise Malformed("approved: only 1; disable a user who may log in no more")
        changes.append(("user.approve", {}))
    if "disabled" in fields:
        changes.append(("user.disable" if fields[DISABLED] else "user.enable", {}))
    if "role" in fields:
        changes.append(("user.role", {"role": fields[ROLE]}))
    if not changes:
        raise Malformed("role, disabled or approved: missing")
    return changes


def _changes_of_settings(fields: Fields) -> dict[str, str]:
    """New values by their settings: as ``{"signup": "open"}``, or as one row ``{"name": "signup", "value": "open"}``.
    `Malformed` where one isn't right."""
    named = {name: fields.text(name, VALUE) for name in fields.names if name != TOKEN}
    if "value" in named and set(named) == {"name", "value"}:
        named = {named["name"]: named["value"]}
    if not named:
        raise Malformed(f"settings are {', '.join(LIVE)}")
    try:
        return {name: check_live(name, value) for name, value in named.items()}
    except ConfigError as error:
        raise Malformed(str(error)) from None
