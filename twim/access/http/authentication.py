"""Who sends a request: its token, whether a page of this site sends it, and the rate limits of its user or address.

`twim.access.http.peers` finds the address.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, Final

from twisted.web.server import Request

from twim.access.http.fields import Fields, header, read_fields
from twim.access.http.names import shown
from twim.access.http.peers import Asker, Peers, lines
from twim.access.http.prefix import prefix_of
from twim.access.http.request_channel import RequestChannel
from twim.access.http.sites import Sites
from twim.access.websocket.upgrade_request import Upgrade
from twim.errors import NotYours, OtherUser
from twim.hub.backlog import ANSWER_BYTES, Backlogs
from twim.limits.limits import Limits
from twim.logic.accounts import LoggedIn, Tokens

COOKIE: Final = b"token"
USER: Final = b"twim-user"
COOKIE_SECONDS: Final = 30 * 24 * 3600
RENEW_SECONDS: Final = 24 * 3600
RENEWED: Final = 20_000  # devices whose last renewal is remembered; one that is forgotten is renewed once more
CALLER_FIELDS: Final = ("userid", "ownerid")  # in which a request may say whose it is
KNOWN_COOKIE: Final = b"known"
KNOWN_SECONDS: Final = 400 * 24 * 3600  # the longest that browsers keep a cookie (RFC 6265bis, section 5.5)


class Authenticator:
    """Finds the user of a request by its token, and whether the request may use that token."""

    def __init__(
        self,
        tokens: Tokens,
        limits: Limits,
        proxies: frozenset[str] = frozenset(),
        backlogs: Backlogs | None = None,
        seconds: Callable[[], float] = monotonic,
        sites: frozenset[str] = frozenset(),
    ) -> None:
        self._tokens = tokens
        self.limits = limits
        self.peers = Peers(proxies)
        self.sites = Sites(sites, self.peers)
        self._backlogs = backlogs
        self._seconds = seconds
        self._renewed: OrderedDict[int, float] = OrderedDict()
        """When the cookies of devices were renewed, in the clock's seconds."""

    def token_of(self, request: Request | Upgrade, fields: Fields, upgrade: bool = False) -> str:
        """The token of the request: from Authorization, the field, or the cookie. A page of another site may use the
        cookie neither to change something nor for an `upgrade` (`NotYours`). An upgrade by the cookie must have an
        Origin, which browsers always send: nothing else keeps a page of another site from reading the messages. A page
        of a listed site has only Authorization for its requests."""
        bearer = header(request, "authorization")
        if bearer[:7].lower() == "bearer ":
            return bearer[7:].strip()
        if not upgrade and self.sites.of(request):
            return ""
        if "token" in fields:
            return fields.text("token", 200)
        cookie: bytes | None = request.getCookie(COOKIE)
        if cookie is None:
            return ""
        if upgrade and request.getHeader(b"origin") is None:
            raise NotYours("by the cookie only a page of this site enters, and no Origin says that it is one")
        if upgrade or request.method not in (b"GET", b"HEAD"):
            self.check_site(request, upgrade)
        return cookie.decode("ascii", "replace")

    def check_site(self, request: Request | Upgrade, upgrade: bool = False) -> None:
        """`NotYours` when the headers of a browser say that a page of another site sends the request. To be called for
        everything that uses, sets or removes the cookie. Programs send no such headers."""
        # Browsers don't agree about Sec-Fetch-Site of an upgrade; its Origin they always send.
        fetched = "" if upgrade else header(request, "sec-fetch-site").strip().lower()
        if fetched not in ("", "same-origin", "none") or not self._is_own(request, bool(fetched)):
            raise NotYours("asked by a page of another site")

    def check_login_site(self, request: Request) -> None:
        """`NotYours` for a page of another site that isn't listed. To be called for everything that sets or removes the
        cookie; for a listed site's page nothing does."""
        if not self.sites.of(request):
            self.check_site(request)

    def _is_own(self, request: Request | Upgrade, fetched: bool) -> bool:
        origins = lines(request, b"origin")
        if origins:
            return len(origins) == 1 and self.peers.is_own(request, header(request, "origin"))
        page = header(request, "referer")
        # A browser that sends neither is old. It sends a Referer unless the page forbids it.
        asked_by = "" if fetched else "/".join(page.split("/")[:3])
        return not asked_by.lower().startswith(("http:", "https:")) or self.peers.is_own(request, asked_by)

    async def caller(
        self,
        request: Request,
        fields: Fields | None = None,
        size: int = ANSWER_BYTES,
        own: tuple[str, ...] = CALLER_FIELDS,
    ) -> LoggedIn:
        """The user who sends the request, once the quota has `size` bytes for the answer (see `Backlogs`).
        `NotLoggedIn`; `OtherUser` or `NotYours` when the request names another user, where it names one in the fields
        `own`; `TooMany`."""
        if fields is None:
            fields = read_fields(request)
        token = self.token_of(request, fields)
        who = await self._tokens.check(token)
        check_named(request, who.userid)
        check_own(fields, who.userid, *own)
        self._renew(request, token, who.deviceid)
        self.limits.user(who.userid)
        channel = request.channel
        if self._backlogs is not None and isinstance(channel, RequestChannel) and channel.answering is None:
            channel.hold_quota(await self._backlogs.answer(who.userid, channel.cut, size))
        return who

    def change_quota(self, request: Request, size: int) -> None:
        """The answer needs `size` bytes of the quota instead."""
        answering = getattr(request.channel, "answering", None)
        if answering is not None:
            answering.change(size)

    async def caller_id(self, request: Request) -> int:
        """The id of the user who sends the request."""
        return (await self.caller(request)).userid

    def begin_login(self, request: Request) -> Asker:
        """Who wants to log in or to register. `NotYours` for a page of another site that isn't listed, `TooMany` for
        too many attempts from one address."""
        self.check_login_site(request)
        asker = self.peers.of(request)
        self.limits.address(asker.counted)
        return asker

    def begin_return(self, request: Request) -> Asker:
        """Who comes back from a provider of log-ins, by a link of another site: the caller knows in another way that
        this browser began it here. `TooMany` as by `begin_login`."""
        asker = self.peers.of(request)
        self.limits.address(asker.counted)
        return asker

    def device_of(self, request: Request, asker: Asker) -> dict[str, Any]:
        """What is stored of the device that logs in."""
        return {"agent": shown(header(request, "user-agent"))[:150], "address": asker.address}

    def _renew(self, request: Request, token: str, deviceid: int) -> None:
        """Let the browser keep the cookie for as long again as it was first told to, once a day. A GET sets none."""
        if request.method != b"POST" or request.getHeader(b"authorization") is not None:
            return
        now = self._seconds()
        if request.getCookie(COOKIE) != token.encode() or now < self._renewed.get(deviceid, -inf) + RENEW_SECONDS:
            return
        self._renewed[deviceid] = now
        self._renewed.move_to_end(deviceid)
        if len(self._renewed) > RENEWED:
            self._renewed.popitem(last=False)
        self.set_cookie(request, token)

    def set_cookie(self, request: Request, token: str) -> None:
        """Set the cookie with the token; an empty token removes it."""
        self._set(request, COOKIE, token, COOKIE_SECONDS if token else 0)

    def known_by(self, request: Request) -> str:
        """The cookie by which accounts know this browser (see `LoginGuard`), or ""."""
        if self.sites.of(request):
            return ""
        return (request.getCookie(KNOWN_COOKIE) or b"").decode("ascii", "replace")

    def set_known(self, request: Request, cookie: str) -> None:
        """Set that cookie. It opens nothing, and stays when the user logs out."""
        self._set(request, KNOWN_COOKIE, cookie, KNOWN_SECONDS)

    def set_own(self, request: Request, name: bytes, value: str, seconds: int, path: bytes) -> None:
        """Set a cookie for one of our own paths, without the prefix; an empty one removes it."""
        self._set(request, name, value, seconds, path)

    def _set(self, request: Request, name: bytes, value: str, seconds: int, path: bytes = b"/") -> None:
        if self.sites.of(request):
            return
        request.addCookie(
            name,
            value.encode(),
            path=prefix_of(request).encode() + path,
            max_age=b"%d" % seconds,
            httpOnly=True,
            sameSite=b"lax",
            secure=self.peers.of(request).secure,
        )


def check_named(request: Request | Upgrade, userid: int) -> None:
    """`OtherUser` when the header ``Twim-User`` names another user than this one. All pages of a browser share the
    cookie, so it may belong to another user since the page was loaded; the header says for which user the page is."""
    named = request.getHeader(USER)
    if named and named != b"%d" % userid:
        raise OtherUser


def check_own(fields: Fields, userid: int, *names: str) -> None:
    """`NotYours` when one of these fields isn't the id of this user. An empty one counts as missing."""
    for name in names:
        if fields.whole(name, userid) != userid:
            raise NotYours(f"{name} is not yours")
