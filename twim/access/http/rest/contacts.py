"""``/contact/…``: friends and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import (
    address,
    choice,
    data,
    flag,
    identifier,
    lines,
    name_of,
    optional,
    required,
    rows,
    text,
    whole,
)
from twim.access.http.fields import Fields
from twim.access.http.pictures import picture_of
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.access.http.streaming import listed, rows_in_pieces
from twim.errors import NotFound, NotYours, Refusal
from twim.logic.bots import Bots
from twim.logic.files import Files
from twim.logic.groups import MUTE_SECONDS, Groups
from twim.logic.relations import Relations
from twim.logic.searches import Searches
from twim.wire import envelope

GROUP_NAME: Final = 30
ICON: Final = 250
MEMO: Final = 120
CATE: Final = 2**31 - 1
NOTICE: Final = 2_000
ROLE: Final = 8
RULES: Final = (
    choice("join", "open", "approve", "invite"),
    choice("history", "all", "joined"),
    choice("post", "members", "admins"),
)

SCOPE: Final = whole("scope")
DSTID: Final = identifier("dstid")
MEMBERID: Final = identifier("memberid")
REQUESTID: Final = identifier("requestid")
ABOUT: Final = lines("memo", MEMO)
REMARK: Final = name_of("memo", MEMO)
CALLED: Final = required(name_of("name", GROUP_NAME))
ICON_FIELD: Final = address("icon")
KIND: Final = whole("cate", 0, most=CATE)
SAID: Final = lines("notice", NOTICE)
ACCEPT: Final = flag("accept")
NEW_ROLE: Final = text("role", ROLE, least=1)
SECONDS: Final = whole("seconds", most=MUTE_SECONDS)


class Contacts:
    """The routes of friends and groups."""

    app = Klein()

    def __init__(
        self,
        authenticator: Authenticator,
        relations: Relations,
        groups: Groups,
        searches: Searches,
        files: Files,
        bots: Bots,
    ) -> None:
        self._files = files
        self._bots = bots
        self._authenticator = authenticator
        self._searches = searches
        self._groups = groups
        self._relations = relations

    @route(app, "/addfriend", takes=(DSTID, ABOUT), gives=data(answers.Befriended))
    async def addfriend(self, request: Request, fields: Fields) -> bytes:
        """Become friends at once, or ask to."""
        who = await self._authenticator.caller(request, fields)
        dstid, memo = fields[DSTID], fields[ABOUT]
        self._authenticator.limits.friend(who.userid)
        async with self._guessing(who.userid):
            friends = await self._relations.befriend(who.userid, dstid, memo)
        return envelope.ok({"friend": int(friends)})

    @route(app, "/deletefriend", takes=(DSTID,))
    async def deletefriend(self, request: Request, fields: Fields) -> bytes:
        """End a friendship, on both sides."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.part(who.userid, fields[DSTID])
        return envelope.ok()

    @route(app, "/loadfriend", "GET", "POST", takes=(), gives=rows(answers.Friend))
    async def loadfriend(self, request: Request, fields: Fields) -> AsyncIterator[bytes]:
        """The caller's friends."""
        who = await self._authenticator.caller(request, fields)
        friends = await self._relations.friends(who.userid)
        hidden, remarks = await self._relations.hidden_from(who.userid), await self._relations.remarks(who.userid)

        async def shown(userids: Sequence[int]) -> list[dict[str, object]]:
            found = await self._relations.shown(userids, hidden)
            return [one | {"remark": remarks.get(int(str(one["id"])), "")} for one in found]

        return rows_in_pieces(listed(friends, shown))

    @route(app, "/loadrequest", "GET", "POST", takes=(), gives=rows(answers.FriendRequest))
    async def loadrequest(self, request: Request, fields: Fields) -> bytes:
        """Who asks to be the caller's friend."""
        who = await self._authenticator.caller(request, fields)
        return envelope.rows(await self._relations.requests(who.userid))

    @route(app, "/approvefriend", takes=(REQUESTID,))
    async def approvefriend(self, request: Request, fields: Fields) -> bytes:
        """Accept a request."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.answer(who.userid, fields[REQUESTID], True)
        return envelope.ok()

    @route(app, "/refusefriend", takes=(REQUESTID,))
    async def refusefriend(self, request: Request, fields: Fields) -> bytes:
        """Refuse a request."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.answer(who.userid, fields[REQUESTID], False)
        return envelope.ok()

    @route(app, "/remark", takes=(DSTID, REMARK))
    async def remark(self, request: Request, fields: Fields) -> bytes:
        """The caller's own name for a friend; empty for none."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.remark(who.userid, fields[DSTID], fields[REMARK])
        return envelope.ok()

    @route(app, "/block", takes=(DSTID,))
    async def block(self, request: Request, fields: Fields) -> bytes:
        """Hear no more of somebody."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.block(who.userid, fields[DSTID])
        return envelope.ok()

    @route(app, "/unblock", takes=(DSTID,))
    async def unblock(self, request: Request, fields: Fields) -> bytes:
        """End a block."""
        who = await self._authenticator.caller(request, fields)
        await self._relations.unblock(who.userid, fields[DSTID])
        return envelope.ok()

    @route(app, "/loadblock", "GET", "POST", takes=(), gives=rows(answers.User))
    async def loadblock(self, request: Request, fields: Fields) -> bytes:
        """Whom the caller blocks."""
        who = await self._authenticator.caller(request, fields)
        return envelope.rows(await self._relations.blocked(who.userid))

    @route(app, "/commands", "GET", "POST", takes=(SCOPE, DSTID), gives=rows(answers.Command))
    async def commands(self, request: Request, fields: Fields) -> bytes:
        """What the bots of a chat understand."""
        who = await self._authenticator.caller(request, fields)
        return envelope.rows(await self._bots.offered(who.userid, fields[SCOPE], fields[DSTID]))

    @route(app, "/createcommunity", takes=(CALLED, ICON_FIELD, KIND, ABOUT, *RULES), gives=data(answers.Group))
    async def createcommunity(self, request: Request, fields: Fields) -> bytes:
        """A new group of the caller's."""
        who = await self._authenticator.caller(request, fields)
        made: dict[str, Any] = {
            "name": _group_name(fields),
            "icon": await picture_of(fields, "icon", ICON, self._files, who.userid),
            "cate": fields[KIND],
            "memo": fields[ABOUT],
        }
        self._authenticator.limits.group(who.userid)
        return envelope.ok((await self._groups.create(who.userid, made | _rules(fields))).public())

    @route(
        app,
        "/updatecommunity",
        takes=(DSTID, optional(CALLED), ICON_FIELD, ABOUT, SAID, *RULES),
        gives=data(answers.Group),
    )
    async def updatecommunity(self, request: Request, fields: Fields) -> bytes:
        """Change a group that the caller runs; what isn't given stays."""
        who = await self._authenticator.caller(request, fields)
        changed: dict[str, Any] = _rules(fields)
        if "name" in fields:
            changed["name"] = _group_name(fields)
        if "icon" in fields:
            changed["icon"] = await picture_of(fields, "icon", ICON, self._files, who.userid)
        if "memo" in fields:
            changed["memo"] = fields[ABOUT]
        if "notice" in fields:
            changed["notice"] = fields[SAID]
        return envelope.ok((await self._groups.change(who.userid, fields[DSTID], changed)).public())

    @route(app, "/dissolve", takes=(DSTID,))
    async def dissolve(self, request: Request, fields: Fields) -> bytes:
        """End a group of the caller's."""
        who = await self._authenticator.caller(request, fields)
        await self._groups.dissolve(who.userid, fields[DSTID])
        return envelope.ok()

    @route(app, "/joincommunity", takes=(DSTID,), gives=data(answers.Joined))
    async def joincommunity(self, request: Request, fields: Fields) -> bytes:
        """Join a group, or ask to."""
        who = await self._authenticator.caller(request, fields)
        group = fields[DSTID]
        async with self._guessing(who.userid):
            joined = await self._groups.join(who.userid, group)
        return envelope.ok({"member": 0} if joined is None else {"member": 1} | joined.public())

    @route(app, "/loadjoin", "GET", "POST", takes=(DSTID,), gives=rows(answers.JoinRequest))
    async def loadjoin(self, request: Request, fields: Fields) -> bytes:
        """Who asks to join a group that the caller runs."""
        who = await self._authenticator.caller(request, fields)
        return envelope.rows(await self._groups.join_requests(who.userid, fields[DSTID]))

    @route(app, "/answerjoin", takes=(REQUESTID, ACCEPT))
    async def answerjoin(self, request: Request, fields: Fields) -> bytes:
        """Accept or refuse a request to join."""
        who = await self._authenticator.caller(request, fields)
        accept = fields[ACCEPT] == 1
        await self._groups.answer_join(who.userid, fields[REQUESTID], accept)
        return envelope.ok()

    @route(app, "/leavecommunity", takes=(DSTID,))
    async def leavecommunity(self, request: Request, fields: Fields) -> bytes:
        """Leave a group."""
        who = await self._authenticator.caller(request, fields)
        await self._groups.leave(who.userid, fields[DSTID])
        return envelope.ok()

    @route(app, "/addmember", takes=(DSTID, MEMBERID))
    async def addmember(self, request: Request, fields: Fields) -> bytes:
        """Make a friend of the caller's a member of a group."""
        who = await self._authenticator.caller(request, fields)
        await self._groups.add(who.userid, fields[DSTID], fields[MEMBERID])
        return envelope.ok()

    @route(app, "/removemember", takes=(DSTID, MEMBERID))
    async def removemember(self, request: Request, fields: Fields) -> bytes:
        """Remove somebody from a group that the caller runs."""
        who = await self._authenticator.caller(request, fields)
        await self._groups.remove(who.userid, fields[DSTID], fields[MEMBERID])
        return envelope.ok()

    @route(app, "/setrole", takes=(DSTID, MEMBERID, NEW_ROLE))
    async def setrole(self, request: Request, fields: Fields) -> bytes:
        """Make a member of the caller's group an admin, a member again, or its owner."""
        who = await self._authenticator.caller(request, fields)
        role = fields[NEW_ROLE]
        await self._groups.set_role(who.userid, fields[DSTID], fields[MEMBERID], role)
        return envelope.ok()

    @route(app, "/mutemember", takes=(DSTID, MEMBERID, SECONDS))
    async def mutemember(self, request: Request, fields: Fields) -> bytes:
        """Keep a member from posting for some seconds; 0 ends it."""
        who = await self._authenticator.caller(request, fields)
        seconds = fields[SECONDS]
        await self._groups.mute(who.userid, fields[DSTID], fields[MEMBERID], seconds)
        return envelope.ok()

    @route(app, "/loadcommunity", "GET", "POST", takes=(), gives=rows(answers.OwnGroup))
    async def loadcommunity(self, request: Request, fields: Fields) -> AsyncIterator[bytes]:
        """The caller's groups, with the caller's role in each."""
        who = await self._authenticator.caller(request, fields)
        groups = await self._groups.groups(who.userid)
        return rows_in_pieces(listed(groups, partial(self._groups.communities, who.userid)))

    @route(app, "/loadmember", "GET", "POST", takes=(DSTID,), gives=rows(answers.Member))
    async def loadmember(self, request: Request, fields: Fields) -> AsyncIterator[bytes]:
        """The members of a group that the caller is in, with their roles."""
        who = await self._authenticator.caller(request, fields)
        group = fields[DSTID]
        members = await self._groups.members(who.userid, group)
        hidden = await self._relations.hidden_from(who.userid)

        async def shown(userids: Sequence[int]) -> list[dict[str, object]]:
            stands = await self._groups.standings(group, userids)
            return [one | stands[int(str(one["id"]))] for one in await self._relations.shown(userids, hidden)]

        return rows_in_pieces(listed(members, shown))

    @asynccontextmanager
    async def _guessing(self, userid: int) -> AsyncIterator[None]:
        """What the user does with a number that may be wrong: each wrong one counts as a search, as does one that
        is answered as if it were wrong."""
        await self._searches.check_user(userid)
        try:
            yield
        except (NotFound, NotYours):
            await self._searches.count_user(userid)
            raise


def _rules(fields: Fields) -> dict[str, Any]:
    """Those of a group's rules that are given."""
    given: dict[str, Any] = {}
    for rule in RULES:
        if rule.name in fields:
            given[rule.name] = fields[rule]
    return given


def _group_name(fields: Fields) -> str:
    # A group without a name is refused by a rule of the original Go server, with its status 200.
    called = fields[CALLED]
    if not called:
        raise Refusal("name: a group needs one")
    return called
