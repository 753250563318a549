"""``/user/…``: registration, log-in, devices, profiles."""

from __future__ import annotations

import secrets
from typing import Any, Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import (
    MOBILE_FIELD,
    SEX,
    address,
    data,
    identifier,
    lines,
    name_of,
    optional,
    passwd,
    required,
    rows,
    secret,
    text,
)
from twim.access.http.fields import Fields
from twim.access.http.pictures import picture_of
from twim.access.http.rest import answers
from twim.access.http.rest.user_settings import USER_SETTINGS, read_user_settings
from twim.access.http.route import route
from twim.errors import MobileTaken, NotFound, NotYours
from twim.logic.accounts import Accounts
from twim.logic.files import Files
from twim.logic.live_settings import LiveSettings
from twim.logic.login_guard import LoginGuard
from twim.logic.presence import Presence
from twim.logic.relations import Relations
from twim.logic.searches import Searches
from twim.logic.signup import CODE_CHARS, SignUp
from twim.storage.accounts import AccountStore
from twim.storage.user_settings import UserSettingStore
from twim.wire import envelope

NICKNAME: Final = 20
AVATAR: Final = 150
MEMO: Final = 140
MYSELF: Final = "me"
ID_CHARS: Final = 20
ID: Final = identifier("id")
FIND_ID: Final = text("id", ID_CHARS)
LOGIN_MOBILE: Final = required(text("mobile", 200))
PASSWD_FIELD: Final = secret()
NEW_PASSWD: Final = passwd()
NEWPASSWD: Final = passwd("newpasswd")
SETUP: Final = text("setup", CODE_CHARS)
INVITE: Final = text("invite", CODE_CHARS)
CALLED: Final = name_of("nickname", NICKNAME, least=1)
CALLED_PERHAPS: Final = name_of("nickname", NICKNAME)
ABOUT: Final = lines("memo", MEMO)
PROFILE: Final = (CALLED_PERHAPS, address("avatar"), ABOUT, SEX)


class Users:
    """The routes of accounts."""

    app = Klein()

    def __init__(
        self,
        authenticator: Authenticator,
        accounts: Accounts,
        store: AccountStore,
        relations: Relations,
        presence: Presence,
        guard: LoginGuard,
        searches: Searches,
        signup: SignUp,
        settings: LiveSettings,
        files: Files,
        user_settings: UserSettingStore,
    ) -> None:
        self._files = files
        self._user_settings = user_settings
        self._authenticator = authenticator
        self._accounts = accounts
        self._store = store
        self._relations = relations
        self._presence = presence
        self._guard = guard
        self._searches = searches
        self._signup = signup
        self._settings = settings

    @route(
        app,
        "/register",
        takes=(*PROFILE, MOBILE_FIELD, NEW_PASSWD, SETUP, INVITE),
        gives=data(answers.Registered),
        who="anybody",
    )
    async def register(self, request: Request, fields: Fields) -> bytes:
        """A new user, logged in unless an approval is waited for."""
        asker = self._authenticator.begin_login(request)
        await self._searches.check_address(asker.counted)
        made = {
            "mobile": fields[MOBILE_FIELD],
            "nickname": fields[CALLED_PERHAPS] or f"user{secrets.randbelow(10**6):06d}",
            "avatar": await picture_of(fields, "avatar", AVATAR, self._files, 0),
            "memo": fields[ABOUT],
            "sex": fields[SEX],
        }
        try:
            user, token, group = await self._signup.register(
                made,
                fields[NEW_PASSWD],
                self._authenticator.device_of(request, asker),
                here=asker.here,
                setup=fields[SETUP],
                invite=fields[INVITE],
            )
        except MobileTaken:
            await self._searches.count_address(asker.counted)
            raise
        if not token:
            return envelope.ok({"waiting": user.id})
        known = self._authenticator.known_by(request)
        known = await self._guard.registered(user.id, asker.remote, known)
        self._authenticator.set_cookie(request, token)
        self._authenticator.set_known(request, known)
        joined = {"group": group.id} if group is not None else {}
        return envelope.ok(user.own() | {"token": token} | joined)

    @route(app, "/login", takes=(LOGIN_MOBILE, PASSWD_FIELD), gives=data(answers.Login), who="anybody")
    async def login(self, request: Request, fields: Fields) -> bytes:
        """One more device of a user. What can't be a mobile or a password is simply wrong."""
        asker = self._authenticator.begin_login(request)
        mobile = fields[LOGIN_MOBILE].strip()
        attempt = await self._guard.begin(mobile, asker.remote, self._authenticator.known_by(request))
        user, token = await self._accounts.login(
            mobile, fields[PASSWD_FIELD], self._authenticator.device_of(request, asker)
        )
        known = await self._guard.succeeded(attempt, user.id)
        # First the token's: clients of the original Go server look at the first cookie.
        self._authenticator.set_cookie(request, token)
        self._authenticator.set_known(request, known)
        return envelope.ok(user.own() | {"token": token})

    @route(app, "/logout", takes=())
    async def logout(self, request: Request, fields: Fields) -> bytes:
        """End this token."""
        # Whoever's token it is, the answer takes the browser's cookie away.
        self._authenticator.check_login_site(request)
        who = await self._authenticator.caller(request, fields)
        await self._accounts.end(who.userid, who.deviceid)
        self._authenticator.set_cookie(request, "")
        return envelope.ok()

    @route(app, "/find", "GET", "POST", takes=(FIND_ID, optional(MOBILE_FIELD)), gives=data(answers.FoundUser))
    async def find(self, request: Request, fields: Fields) -> bytes:
        """A user, by id or mobile; the id `me` is the caller's."""
        who = await self._authenticator.caller(request, fields)
        if FIND_ID.name in fields:
            userid = who.userid if fields[FIND_ID] == MYSELF else fields[ID]
            # A page asks with its own id whether it is still this user who is logged in.
            if userid != who.userid and not await self._relations.acquainted(who.userid, userid):
                await self._searches.count_user(who.userid)
            found = await self._store.by_id(userid)
        else:
            mobile = fields[MOBILE_FIELD]
            if not self._settings.finds_mobiles:
                raise NotYours("people are found by their numbers only")
            await self._searches.count_user(who.userid)
            found = await self._store.by_mobile(mobile)
        if found is None:
            raise NotFound("no such user")
        user = found[0]
        if user.id == who.userid:
            return envelope.ok(user.own())
        return envelope.ok(user.public(await self._relations.sees_online(who.userid, user.id)))

    @route(app, "/update", takes=PROFILE, gives=data(answers.OwnUser))
    async def update(self, request: Request, fields: Fields) -> bytes:
        """Change the caller's profile; what isn't given stays."""
        who = await self._authenticator.caller(request, fields)
        changed: dict[str, Any] = {}
        if "nickname" in fields:
            changed["nickname"] = fields[CALLED]
        if "avatar" in fields:
            changed["avatar"] = await picture_of(fields, "avatar", AVATAR, self._files, who.userid)
        if "memo" in fields:
            changed["memo"] = fields[ABOUT]
        if "sex" in fields:
            changed["sex"] = fields[SEX]
        user = await self._store.change(who.userid, changed)
        await self._relations.tell_profile(who.userid)
        return envelope.ok(user.own())

    @route(app, "/setting", takes=USER_SETTINGS, gives=data(answers.UserSettings))
    async def setting(self, request: Request, fields: Fields) -> bytes:
        """Change how the caller is told of messages; what isn't given stays. Answers with all of it."""
        who = await self._authenticator.caller(request, fields)
        return envelope.ok(await self._user_settings.change(who.userid, read_user_settings(fields)))

    @route(app, "/passwd", takes=(PASSWD_FIELD, NEWPASSWD))
    async def passwd(self, request: Request, fields: Fields) -> bytes:
        """Change the password; every other device is logged out."""
        who = await self._authenticator.caller(request, fields)
        self._authenticator.limits.passwd(who.userid)
        await self._accounts.change_passwd(who, fields[PASSWD_FIELD], fields[NEWPASSWD])
        return envelope.ok()

    @route(app, "/sessions", "GET", "POST", takes=(), gives=rows(answers.Device))
    async def sessions(self, request: Request, fields: Fields) -> bytes:
        """The caller's devices."""
        who = await self._authenticator.caller(request, fields)
        devices = await self._store.devices(who.userid)
        return envelope.rows([one.public(one.id == who.deviceid) for one in devices])

    @route(app, "/revoke", takes=(ID,))
    async def revoke(self, request: Request, fields: Fields) -> bytes:
        """End one of the caller's devices."""
        who = await self._authenticator.caller(request, fields)
        await self._accounts.end(who.userid, fields[ID])
        return envelope.ok()
