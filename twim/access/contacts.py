"""``/contact/…``: friends and groups."""

from __future__ import annotations

from typing import Any, Final

from klein import Klein
from twisted.web.server import Request

from twim.access.door import Door, route
from twim.access.fields import Fields
from twim.errors import Refusal
from twim.logic.relations import Relations
from twim.wire import envelope

GROUP_NAME: Final = 30
ICON: Final = 250
MEMO: Final = 120
CATE: Final = 2**31 - 1


class Contacts:
    """The routes of friends and groups."""

    app = Klein()

    def __init__(self, door: Door, relations: Relations) -> None:
        self._door = door
        self._relations = relations

    @route(app, "/addfriend")
    async def addfriend(self, request: Request, fields: Fields) -> bytes:
        """Become friends at once, or ask to."""
        who = await self._door.caller(request, fields)
        friends = await self._relations.befriend(who.userid, fields.id("dstid"), fields.text("memo", MEMO))
        return envelope.ok({"friend": int(friends)})

    @route(app, "/deletefriend")
    async def deletefriend(self, request: Request, fields: Fields) -> bytes:
        """End a friendship, on both sides."""
        who = await self._door.caller(request, fields)
        await self._relations.part(who.userid, fields.id("dstid"))
        return envelope.ok()

    @route(app, "/loadfriend", "GET", "POST")
    async def loadfriend(self, request: Request, fields: Fields) -> bytes:
        """The caller's friends."""
        who = await self._door.caller(request, fields)
        return envelope.rows(await self._relations.friends(who.userid))

    @route(app, "/loadrequest", "GET", "POST")
    async def loadrequest(self, request: Request, fields: Fields) -> bytes:
        """Who asks to be the caller's friend."""
        who = await self._door.caller(request, fields)
        return envelope.rows(await self._relations.requests(who.userid))

    @route(app, "/approvefriend")
    async def approvefriend(self, request: Request, fields: Fields) -> bytes:
        """Accept a request."""
        who = await self._door.caller(request, fields)
        await self._relations.answer(who.userid, fields.id("requestid"), True)
        return envelope.ok()

    @route(app, "/refusefriend")
    async def refusefriend(self, request: Request, fields: Fields) -> bytes:
        """Refuse a request."""
        who = await self._door.caller(request, fields)
        await self._relations.answer(who.userid, fields.id("requestid"), False)
        return envelope.ok()

    @route(app, "/createcommunity")
    async def createcommunity(self, request: Request, fields: Fields) -> bytes:
        """A new group of the caller's."""
        who = await self._door.caller(request, fields)
        made: dict[str, Any] = {
            "name": _group_name(fields),
            "icon": fields.text("icon", ICON),
            "cate": fields.whole("cate", 0, most=CATE),
            "memo": fields.text("memo", MEMO),
        }
        return envelope.ok((await self._relations.create(who.userid, made)).public())

    @route(app, "/updatecommunity")
    async def updatecommunity(self, request: Request, fields: Fields) -> bytes:
        """Change a group of the caller's; what isn't given stays."""
        who = await self._door.caller(request, fields)
        changed: dict[str, Any] = {}
        if "name" in fields:
            changed["name"] = _group_name(fields)
        if "icon" in fields:
            changed["icon"] = fields.text("icon", ICON)
        if "memo" in fields:
            changed["memo"] = fields.text("memo", MEMO)
        return envelope.ok((await self._relations.change(who.userid, fields.id("dstid"), changed)).public())

    @route(app, "/joincommunity")
    async def joincommunity(self, request: Request, fields: Fields) -> bytes:
        """Join a group."""
        who = await self._door.caller(request, fields)
        return envelope.ok((await self._relations.join(who.userid, fields.id("dstid"))).public())

    @route(app, "/leavecommunity")
    async def leavecommunity(self, request: Request, fields: Fields) -> bytes:
        """Leave a group."""
        who = await self._door.caller(request, fields)
        await self._relations.leave(who.userid, fields.id("dstid"))
        return envelope.ok()

    @route(app, "/removemember")
    async def removemember(self, request: Request, fields: Fields) -> bytes:
        """Remove somebody from a group of the caller's."""
        who = await self._door.caller(request, fields)
        await self._relations.remove(who.userid, fields.id("dstid"), fields.id("memberid"))
        return envelope.ok()

    @route(app, "/loadcommunity", "GET", "POST")
    async def loadcommunity(self, request: Request, fields: Fields) -> bytes:
        """The caller's groups."""
        who = await self._door.caller(request, fields)
        return envelope.rows([one.public() for one in await self._relations.groups(who.userid)])

    @route(app, "/loadmember", "GET", "POST")
    async def loadmember(self, request: Request, fields: Fields) -> bytes:
        """The members of a group that the caller is in."""
        who = await self._door.caller(request, fields)
        return envelope.rows(await self._relations.members(who.userid, fields.id("dstid")))


def _group_name(fields: Fields) -> str:
    # A group without a name is refused by a rule of the seed, with its status 200.
    if not fields.text("name", GROUP_NAME).strip():
        raise Refusal("name: a group needs one")
    return fields.text("name", GROUP_NAME).strip()
