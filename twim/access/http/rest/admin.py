"""``/admin/api/…``: what administrators see and do, as JSON. Each change is an act of `twim.logic.administration`,
which checks its values and writes the audit log; here is decided who may ask, and what a request says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from twim.access.http.admin_pages import forbid_frames
from twim.access.http.authentication import Authenticator
from twim.access.http.fields import Fields
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
            values["q"] = fields.text("q", WORDS)
        if "before" in names:
            values["before"] = fields.whole("before", 0)
        if "limit" in names:
            values["limit"] = fields.whole("limit", PAGE, least=1, most=MOST)
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

    @route(app, "/users", "GET")
    async def users(self, request: Request, fields: Fields) -> bytes:
        """The users that fit `q`; with `waiting` 1 those who wait for an approval."""
        actor = await self._actor(request, fields)
        values = {
            "q": fields.text("q", WORDS),
            "before": fields.whole("before", 0),
            "limit": fields.whole("limit", PAGE, least=1, most=MOST),
            "waiting": fields.whole("waiting", 0, most=1),
        }
        return _rows(await self._act("user.list", values, actor))

    @route(app, "/users/<id>", "GET")
    async def user(self, request: Request, fields: Fields) -> bytes:
        """One user."""
        return await self._do(request, fields, "user.show", user=fields.id("id"))

    @route(app, "/users/<id>", "PATCH")
    async def change_user(self, request: Request, fields: Fields) -> bytes:
        """Change `approved`, `disabled` and `role`, as far as they are given and in this order."""
        actor = await self._actor(request, fields)
        user = fields.id("id")
        for act, values in _changes_of_user(fields):
            await self._act(act, {"user": user} | values, actor)
        return envelope.ok(await self._act("user.show", {"user": user}, actor))

    @route(app, "/users/<id>/reset")
    async def reset(self, request: Request, fields: Fields) -> bytes:
        """A link by which the user sets a new password. The old one and all sessions end at once."""
        return await self._do(request, fields, "user.reset", user=fields.id("id"))

    @route(app, "/users/<id>/sessions")
    async def sessions(self, request: Request, fields: Fields) -> bytes:
        """Log the user out everywhere."""
        return await self._do(request, fields, "user.sessions", user=fields.id("id"))

    @route(app, "/users/<id>/erase")
    async def erase(self, request: Request, fields: Fields) -> bytes:
        """Erase the user."""
        return await self._do(request, fields, "user.erase", user=fields.id("id"))

    # Groups

    @route(app, "/groups", "GET")
    async def groups(self, request: Request, fields: Fields) -> bytes:
        """The groups that fit `q`."""
        return await self._list(request, fields, "group.list", "q", "before", "limit")

    @route(app, "/groups/<id>", "GET")
    async def group(self, request: Request, fields: Fields) -> bytes:
        """One group, with its members."""
        return await self._do(request, fields, "group.show", group=fields.id("id"))

    @route(app, "/groups/<id>/takeover")
    async def takeover(self, request: Request, fields: Fields) -> bytes:
        """Make `user`, or the caller where none is named, the owner of the group."""
        actor = await self._actor(request, fields)
        values = {"group": fields.id("id"), "user": fields.whole("user", actor.userid, least=1)}
        return envelope.ok(await self._act("group.takeover", values, actor))

    @route(app, "/groups/<id>/dissolve")
    async def dissolve(self, request: Request, fields: Fields) -> bytes:
        """End the group."""
        return await self._do(request, fields, "group.dissolve", group=fields.id("id"))

    # Invitations

    @route(app, "/invites", "GET")
    async def invites(self, request: Request, fields: Fields) -> bytes:
        """All invitations."""
        return await self._list(request, fields, "invite.list", "before", "limit")

    @route(app, "/invites")
    async def invite(self, request: Request, fields: Fields) -> bytes:
        """A new invitation, with its code."""
        values: dict[str, object] = {"for": "server" if fields.text("for", 20) == "server" else fields.id("for")}
        for name, most in (("uses", USES), ("days", DAYS)):
            if name in fields:
                values[name] = fields.whole(name, least=1, most=most)
        return await self._do(request, fields, "invite.create", **values)

    @route(app, "/invites/<id>", "DELETE")
    async def delete_invite(self, request: Request, fields: Fields) -> bytes:
        """End an invitation."""
        return await self._do(request, fields, "invite.revoke", id=fields.id("id"))

    @route(app, "/invites/<id>/revoke")
    async def revoke_invite(self, request: Request, fields: Fields) -> bytes:
        """End an invitation."""
        return await self._do(request, fields, "invite.revoke", id=fields.id("id"))

    # Keys

    @route(app, "/keys", "GET")
    async def keys(self, request: Request, fields: Fields) -> bytes:
        """The API keys, without what they are."""
        return await self._list(request, fields, "key.list")

    @route(app, "/keys")
    async def make_key(self, request: Request, fields: Fields) -> bytes:
        """A new API key, shown this once."""
        values: dict[str, object] = {"name": fields.name("name", NAME, least=1)}
        if "scopes" in fields:
            values["scopes"] = fields.text("scopes", SCOPES)
        return await self._do(request, fields, "key.create", **values)

    @route(app, "/keys/<id>", "DELETE")
    async def delete_key(self, request: Request, fields: Fields) -> bytes:
        """End an API key."""
        return await self._do(request, fields, "key.revoke", id=fields.id("id"))

    @route(app, "/keys/<id>/revoke")
    async def revoke_key(self, request: Request, fields: Fields) -> bytes:
        """End an API key."""
        return await self._do(request, fields, "key.revoke", id=fields.id("id"))

    # Webhooks

    @route(app, "/webhooks", "GET")
    async def webhooks(self, request: Request, fields: Fields) -> bytes:
        """All webhooks, and how they stand."""
        return await self._list(request, fields, "webhook.list")

    @route(app, "/webhooks/<id>/retry")
    async def retry_webhook(self, request: Request, fields: Fields) -> bytes:
        """Try one that fails again."""
        return await self._do(request, fields, "webhook.retry", id=fields.id("id"))

    @route(app, "/webhooks/<id>", "DELETE")
    async def delete_webhook(self, request: Request, fields: Fields) -> bytes:
        """End a webhook."""
        return await self._do(request, fields, "webhook.delete", id=fields.id("id"))

    @route(app, "/webhooks/<id>/delete")
    async def end_webhook(self, request: Request, fields: Fields) -> bytes:
        """End a webhook."""
        return await self._do(request, fields, "webhook.delete", id=fields.id("id"))

    # The server

    @route(app, "/settings", "GET")
    async def settings(self, request: Request, fields: Fields) -> bytes:
        """The settings."""
        return await self._list(request, fields, "setting.list")

    @route(app, "/settings", "PATCH")
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

    @route(app, "/purge")
    async def purge(self, request: Request, fields: Fields) -> bytes:
        """Delete what is older than `days`, of all conversations or a `group`."""
        days, group = fields.whole("days", least=1, most=DAYS), fields.whole("group", 0)
        return await self._do(request, fields, "purge", days=days, group=group)

    @route(app, "/audit", "GET")
    async def audit(self, request: Request, fields: Fields) -> bytes:
        """Who did what, the newest first."""
        return await self._list(request, fields, "audit.list", "before", "limit")

    @route(app, "/storage", "GET")
    async def storage(self, request: Request, fields: Fields) -> bytes:
        """Whose files take how much, the most first."""
        return await self._list(request, fields, "storage.list", "limit")

    @route(app, "/nodes", "GET")
    async def nodes(self, request: Request, fields: Fields) -> bytes:
        """The nodes that are up."""
        return await self._list(request, fields, "node.list")

    @route(app, "/figures", "GET")
    async def figures(self, request: Request, fields: Fields) -> bytes:
        """What this node measured `over` the last `hour` or `day`: a list for each figure, all equally long."""
        await self._actor(request, fields)
        over = fields.text("over", 10, default="hour")
        if over not in ("hour", "day"):
            raise Malformed("over: hour or day")
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
        if not fields.whole("approved", most=1):
            raise Malformed("approved: only 1; disable a user who may log in no more")
        changes.append(("user.approve", {}))
    if "disabled" in fields:
        changes.append(("user.disable" if fields.whole("disabled", most=1) else "user.enable", {}))
    if "role" in fields:
        changes.append(("user.role", {"role": fields.text("role", 10)}))
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
