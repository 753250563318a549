"""``/user/enter`` and ``/user/oidc``: log-in by a token of a host, and at a provider."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote

from klein import Klein
from twisted.logger import Logger
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import REDIRECTED, Field, data, text
from twim.access.http.fields import Fields, read_query
from twim.access.http.names import clean_name, shown
from twim.access.http.pages import CHAT_PAGE, LOGIN_PAGE
from twim.access.http.peers import lines, read_host
from twim.access.http.prefix import prefix_of, redirect
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.errors import Malformed, NotFound, NotLoggedIn, NotYours, Refusal, TooMany, Unavailable
from twim.identity.fetching import Unreachable
from twim.identity.pending import PENDING_SECONDS, Pending, PendingLogins, Unknown, external_id
from twim.identity.provider import Provider
from twim.identity.tokens import BadToken, TokenVerifier, read_host_claims
from twim.logic.external_logins import AVATAR, NICKNAME, NICKNAME_CHARS, ExternalLogins, is_host_name
from twim.logic.files import Files
from twim.logic.signup import CLOSED, CODE_CHARS, NEEDS_INVITE
from twim.storage.accounts import DISABLED, WAITING
from twim.wire import envelope

ENTER: Final = "/user/enter"
RETURN: Final = "/user/oidc"
PATHS: Final = (ENTER.encode(), RETURN.encode())
BAD_TOKEN: Final = "the token is not valid"
STATE_COOKIE: Final = b"oidc"
TARGET: Final = re.compile(
    r"#1[01]:[1-9][0-9]{0,15}((-[1-9][0-9]{0,15})?:[1-9][0-9]{0,15})?|#user=[0-9]{1,16}|/admin/[a-z]{1,20}\.shtml"
)
"""Where a log-in may lead: a conversation, a message or a card of the chat page, or an administrators' page. Nothing
else, so that no link leads to another site by way of ours."""
TARGET_CHARS: Final = 60
CODE: Final = 4_096  # characters of what a provider gives a browser
PICTURE: Final = re.compile(r"https://[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]{1,142}")
JWT: Final = Field("jwt", lambda fields: fields.raw("jwt"), {"type": "string"}, True)
TO: Final = text("to", TARGET_CHARS)
INVITE: Final = text("invite", CODE_CHARS)
RETURNED: Final = tuple(text(one, CODE) for one in ("code", "state", "iss", "error"))
_REASONS: Final = {DISABLED: "disabled", WAITING: "waiting", CLOSED: "closed", NEEDS_INVITE: "invite"}


class Sources(NamedTuple):
    """What the server was told of by ``--login``."""

    tokens: TokenVerifier | None
    provider: Provider | None
    pending: PendingLogins


class Entry:
    """The routes of log-ins that somebody else vouches for."""

    app = Klein()
    _log = Logger()

    def __init__(self, authenticator: Authenticator, sources: Sources, logins: ExternalLogins, files: Files) -> None:
        self._authenticator = authenticator
        self._sources = sources
        self._logins = logins
        self._files = files

    @route(app, "/enter", takes=(JWT,), gives=data(answers.Login), who="anybody")
    async def enter(self, request: Request, fields: Fields) -> bytes:
        """Log in by a host's token."""
        tokens = self._sources.tokens
        if tokens is None:
            raise NotFound("tokens of a host are not taken here")
        asker = self._authenticator.begin_login(request)
        if "jwt" not in fields:
            raise Malformed("jwt: missing")
        try:
            claims = read_host_claims(await tokens.verify(fields[JWT]))
            if not is_host_name(claims.sub):
                raise BadToken("sub can't be an external id")
        except BadToken as bad:
            self._log.info("a host's token is not valid: {why}", why=str(bad))
            raise NotLoggedIn(BAD_TOKEN) from None
        except Unreachable as error:
            self._log.error("tokens can't be verified: {why}", why=str(error))
            raise Unavailable("the keys of tokens can't be fetched") from None
        profile = self._profile(claims.name, claims.picture)
        device = self._authenticator.device_of(request, asker)
        entered = await self._logins.by_host(claims.sub, profile, claims.groups, device)
        self._authenticator.set_cookie(request, entered.token)
        return envelope.ok(entered.user.own() | {"token": entered.token})

    def _profile(self, name: object, picture: object) -> dict[str, str]:
        """The columns of a user that follow from what is said of its name and picture. What can't be one is left out;
        an empty picture is none."""
        profile = {}
        if nickname := _nickname(name):
            profile[NICKNAME] = nickname
        if picture == "" or (isinstance(picture, str) and PICTURE.fullmatch(picture)):
            profile[AVATAR] = self._files.urls.plain(picture)[0]
        return profile

    @route(app, "/oidc", takes=(TO, INVITE), gives=data(answers.Provider), who="anybody")
    async def leave(self, request: Request, fields: Fields) -> bytes:
        """Where the browser has to go to log in at the provider. `to` says where it wants to be then."""
        provider = self._provider()
        self._authenticator.begin_login(request)
        # A page of a listed site has no cookies here, without which nobody comes back.
        self._authenticator.check_site(request)
        to, invite = fields[TO], fields[INVITE]
        if to and not TARGET.fullmatch(to):
            raise Malformed("to: no page of ours")
        pending, cookie = self._sources.pending.begin(self._origin(request) + prefix_of(request) + RETURN, to, invite)
        try:
            address = await provider.address(pending)
        except Unreachable as error:
            self._log.error("the provider can't be asked: {why}", why=str(error))
            raise Unavailable("the provider can't be asked") from None
        self._set_pending(request, cookie)
        return envelope.ok({"url": address})

    def _set_pending(self, request: Request, cookie: str) -> None:
        self._authenticator.set_own(request, STATE_COOKIE, cookie, PENDING_SECONDS if cookie else 0, RETURN.encode())

    @route(app, "/oidc", "GET", takes=RETURNED, gives=REDIRECTED, who="anybody")
    async def come_back(self, request: Request, fields: Fields) -> bytes:
        """The provider sends the browser back: to the chat, or to the log-in page, which says why not."""
        self._provider()
        said = (request.getCookie(STATE_COOKIE) or b"").decode("ascii", "replace")
        request.setHeader(b"referrer-policy", b"no-referrer")
        try:
            pending = self._sources.pending.finish(said, _given(request, "state"))
            self._set_pending(request, "")
            where = await self._came_back(request, pending)
        except Unknown as unknown:
            self._log.info("a log-in at the provider is not known here: {why}", why=str(unknown))
            where = _failed("again")
        except BadToken as bad:
            self._log.warn("what the provider says is not believed: {why}", why=str(bad))
            where = _failed("failed")
        except Unreachable as error:
            self._log.error("the provider can't be asked: {why}", why=str(error))
            where = _failed("unavailable")
        except (NotYours, TooMany, Unavailable, Malformed) as refused:
            where = _failed(_reason(refused))
        redirect(request, where)
        return b""

    async def _came_back(self, request: Request, pending: Pending) -> str:
        # Its cookie shows that this browser left from a page of ours, which no header of a return can.
        asker = self._authenticator.begin_return(request)
        if error := _given(request, "error"):
            self._log.info("the provider refuses: {why}", why=shown(error)[:100])
            return _failed("cancelled" if error == "access_denied" else "failed")
        claims = await self._provider().claims(_given(request, "code"), _given(request, "iss"), pending)
        profile = self._profile(claims.get("name") or claims.get("preferred_username"), claims.get("picture"))
        device = self._authenticator.device_of(request, asker)
        user, token, group = await self._logins.by_provider(external_id(claims), profile, pending.invite, device)
        if not token:
            return _failed("waiting")
        self._authenticator.set_cookie(request, token)
        self._log.info("{userid} has logged in at the provider", userid=user.id)
        if group is not None:
            return f"{CHAT_PAGE}#11:{group.id}"
        if pending.invite:
            return f"/i/{quote(pending.invite, safe='')}"
        return pending.to if pending.to.startswith("/") else CHAT_PAGE + pending.to

    def _provider(self) -> Provider:
        if self._sources.provider is None:
            raise NotFound("there is no provider of log-ins here")
        return self._sources.provider

    def _origin(self, request: Request) -> str:
        """What the browser calls this site. A provider sends people back only to where it was told to."""
        said = lines(request, b"origin")
        if said:  # our own, which has been checked
            return said[0].decode("ascii").lower()
        host = (request.getHeader(b"host") or b"").decode("ascii", "replace")
        if read_host(host) is None:
            raise Malformed("which host?")
        return f"{'https' if self._authenticator.peers.of(request).secure else 'http'}://{host.lower()}"


def _given(request: Request, name: str) -> str:
    fields = read_query(request)
    return fields.text(name, CODE) if name in fields else ""


def _nickname(name: object) -> str:
    if not isinstance(name, str):
        return ""
    try:
        return clean_name("name", shown(name).strip()[:NICKNAME_CHARS], NICKNAME_CHARS)
    except Malformed:
        return ""


def _reason(refused: Refusal) -> str:
    if isinstance(refused, TooMany | Unavailable):
        return "unavailable"
    return _REASONS.get(refused.msg, "failed")


def _failed(reason: str) -> str:
    return f"{LOGIN_PAGE}?failed={reason}"
