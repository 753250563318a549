"""``/user/…``: registration, log-in, devices, profiles."""

from __future__ import annotations

import secrets
from typing import Any, Final

from klein import Klein
from twisted.web.server import Request

from twim.access.door import Door, route
from twim.access.fields import Fields
from twim.errors import NotFound
from twim.logic.accounts import Accounts
from twim.logic.presence import Presence
from twim.logic.relations import Relations
from twim.storage.accounts import Accounts as AccountStore
from twim.wire import envelope

NICKNAME: Final = 20
AVATAR: Final = 150
MEMO: Final = 140


class Users:
    """The routes of accounts."""

    app = Klein()

    def __init__(
        self, door: Door, accounts: Accounts, store: AccountStore, relations: Relations, presence: Presence
    ) -> None:
        self._door = door
        self._accounts = accounts
        self._store = store
        self._relations = relations
        self._presence = presence

    @route(app, "/register")
    async def register(self, request: Request, fields: Fields) -> bytes:
        """A new user, logged in."""
        self._door.limits.address(self._door.address_of(request))
        made = {
            "mobile": fields.mobile(),
            "nickname": fields.text("nickname", NICKNAME).strip() or f"user{secrets.randbelow(10**6):06d}",
            "avatar": fields.text("avatar", AVATAR),
            "memo": fields.text("memo", MEMO),
            "sex": fields.sex(),
        }
        user, token = await self._accounts.register(made, fields.passwd(), self._door.device_of(request))
        self._door.set_cookie(request, token)
        return envelope.ok(user.own() | {"token": token})

    @route(app, "/login")
    async def login(self, request: Request, fields: Fields) -> bytes:
        """One more device of a user. What can't be a mobile or a password is simply wrong."""
        mobile = fields.text("mobile", 200).strip()
        self._door.limits.address(self._door.address_of(request))
        self._door.limits.mobile(mobile)
        user, token = await self._accounts.login(mobile, fields.secret(), self._door.device_of(request))
        self._door.set_cookie(request, token)
        return envelope.ok(user.own() | {"token": token})

    @route(app, "/logout")
    async def logout(self, request: Request, fields: Fields) -> bytes:
        """End this token."""
        who = await self._door.caller(request, fields)
        await self._accounts.end(who.userid, who.deviceid)
        self._door.set_cookie(request, "")
        return envelope.ok()

    @route(app, "/find", "GET", "POST")
    async def find(self, request: Request, fields: Fields) -> bytes:
        """A user, by id or mobile."""
        who = await self._door.caller(request, fields)
        if "id" in fields:
            found = await self._store.by_id(fields.id("id"))
        else:
            found = await self._store.by_mobile(fields.mobile())
        if found is None:
            raise NotFound("no such user")
        user = found[0]
        if user.id == who.userid:
            return envelope.ok(user.own())
        return envelope.ok(user.public(self._presence.online(user.id)))

    @route(app, "/update")
    async def update(self, request: Request, fields: Fields) -> bytes:
        """Change the caller's profile; what isn't given stays."""
        who = await self._door.caller(request, fields)
        changed: dict[str, Any] = {}
        if "nickname" in fields:
            changed["nickname"] = fields.text("nickname", NICKNAME, least=1)
        if "avatar" in fields:
            changed["avatar"] = fields.text("avatar", AVATAR)
        if "memo" in fields:
            changed["memo"] = fields.text("memo", MEMO)
        if "sex" in fields:
            changed["sex"] = fields.sex()
        user = await self._store.change(who.userid, changed)
        await self._relations.tell_profile(who.userid)
        return envelope.ok(user.own())

    @route(app, "/passwd")
    async def passwd(self, request: Request, fields: Fields) -> bytes:
        """Change the password; every other device is logged out."""
        who = await self._door.caller(request, fields)
        self._door.limits.passwd(who.userid)
        await self._accounts.change_passwd(who, fields.secret(), fields.passwd("newpasswd"))
        return envelope.ok()

    @route(app, "/sessions", "GET", "POST")
    async def sessions(self, request: Request, fields: Fields) -> bytes:
        """The caller's devices."""
        who = await self._door.caller(request, fields)
        devices = await self._store.devices(who.userid)
        return envelope.rows([one.public(one.id == who.deviceid) for one in devices])

    @route(app, "/revoke")
    async def revoke(self, request: Request, fields: Fields) -> bytes:
        """End one of the caller's devices."""
        who = await self._door.caller(request, fields)
        await self._accounts.end(who.userid, fields.id("id"))
        return envelope.ok()
