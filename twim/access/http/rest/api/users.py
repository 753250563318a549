"""``/api/v1/users`` and ``/api/v1/unread``."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from klein import Klein

from twim.access.http.declared import data, rows, text
from twim.access.http.fields import Fields
from twim.access.http.rest import answers
from twim.access.http.rest.api.calling import Area, Call, api_route
from twim.access.http.rest.api.repeating import Repeating
from twim.errors import Malformed
from twim.logic.api_keys import ApiKeys
from twim.logic.files import Files
from twim.logic.hosts import HostUsers
from twim.storage.external import USER
from twim.storage.interface import NO_MOBILE, User, rfc3339
from twim.wire import envelope

NICKNAME: Final = 20
AVATAR: Final = 150
TOGETHER: Final = 500  # users whose unread messages are counted by one request
Flag = Annotated[int, msgspec.Meta(ge=0, le=1)] | bool

USER_NAME: Final = text("name", 64, least=1)
NAMES: Final = text("users", 65 * TOGETHER, least=1)


class UserBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is said of a user; what isn't said stays."""

    nickname: str | None = None
    avatar: str | None = None
    mobile: str | None = None
    role: str | None = None
    disabled: Flag | None = None


class ApiUsers(Area):
    """The routes of users."""

    app = Klein()

    def __init__(self, keys: ApiKeys, repeating: Repeating, users: HostUsers, files: Files) -> None:
        super().__init__(keys, repeating)
        self._users = users
        self._files = files

    @api_route(app, "/users/<name>", "PUT", "users", takes=(USER_NAME,), body=UserBody, gives=data(answers.ApiUser))
    async def put(self, call: Call) -> bytes:
        """Make a user, or change it."""
        body = call.body(UserBody)
        disabled = None if body.disabled is None else int(body.disabled)
        user = await self._users.put(call.key, call.named["name"], self._profile(body), body.role or "", disabled)
        return envelope.ok(await self._shown(user))

    def _profile(self, body: UserBody) -> dict[str, Any]:
        said = {one: getattr(body, one) for one in ("nickname", "avatar", "mobile")}
        fields = Fields({one: value for one, value in said.items() if value is not None})
        changed: dict[str, Any] = {}
        if "nickname" in fields:
            changed["nickname"] = fields.name("nickname", NICKNAME, least=1)
        if "avatar" in fields:
            changed["avatar"] = fields.address("avatar", AVATAR, lambda url: self._files.urls.plain(url)[0])
        if "mobile" in fields:
            changed["mobile"] = fields.mobile()
        return changed

    @api_route(app, "/users/<name>", "GET", "users", reads=True, takes=(USER_NAME,), gives=data(answers.ApiUser))
    async def get(self, call: Call) -> bytes:
        """One user."""
        userid = await self._users.id_of(call.named["name"])
        return envelope.ok(await self._shown(await self._users.user(userid)))

    async def _shown(self, user: User) -> dict[str, object]:
        names = await self._users.store.names(USER, [user.id])
        return {
            "id": user.id,
            "user": names[user.id],
            "nickname": user.nickname,
            "avatar": user.avatar,
            "mobile": "" if user.mobile.startswith(NO_MOBILE) else user.mobile,
            "role": user.role,
            "disabled": user.disabled,
            "createat": rfc3339(user.createat),
        }

    @api_route(app, "/users/<name>", "DELETE", "users", takes=(USER_NAME,))
    async def erase(self, call: Call) -> bytes:
        """Erase a user."""
        await self._users.erase(call.key, call.named["name"])
        return envelope.ok()

    @api_route(
        app, "/users/<name>/token", "POST", "users", secret=True, takes=(USER_NAME,), gives=data(answers.ApiToken)
    )
    async def token(self, call: Call) -> bytes:
        """Log a user in on one more device."""
        token, userid = await self._users.token(call.key, call.named["name"])
        return envelope.ok({"token": token, "id": userid})

    @api_route(app, "/users/<name>/sessions", "DELETE", "users", takes=(USER_NAME,), gives=data(answers.Ended))
    async def sessions(self, call: Call) -> bytes:
        """Log a user out everywhere."""
        return envelope.ok(await self._users.end_sessions(call.key, call.named["name"]))

    @api_route(
        app,
        "/users/<name>/unread",
        "GET",
        "users",
        reads=True,
        takes=(USER_NAME,),
        gives=data(answers.UnreadConversations),
    )
    async def unread(self, call: Call) -> bytes:
        """What a user has not read."""
        return envelope.ok(await self._users.unread(await self._users.id_of(call.named["name"])))

    @api_route(app, "/unread", "GET", "users", reads=True, takes=(NAMES,), gives=rows(answers.UnreadOf))
    async def unread_of(self, call: Call) -> bytes:
        """How much some users have not read."""
        names = call.query[NAMES].split(",")
        if len(names) > TOGETHER:
            raise Malformed(f"users: at most {TOGETHER}")
        return envelope.rows(await self._users.unread_of(names))
