"""What every REST route has in common: who is asking, how a result is answered, how a refusal is.

A route is a method that takes the request's `Fields` (and the `Caller` when one must be logged in) and gives the
bytes of an answer. `route` makes it a Klein route; a `Refusal` becomes its envelope and status.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from klein import Klein
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from twim.access.fields import Fields, header, read_fields
from twim.access.ratelimit import Limits
from twim.access.upgrade import Upgrade
from twim.errors import Failed, Malformed, NotFound, NotLoggedIn, NotYours, Refusal, TooMany
from twim.logic.accounts import LoggedIn, Tokens
from twim.wire import envelope

COOKIE: Final = b"token"
COOKIE_SECONDS: Final = 30 * 24 * 3600
JSON: Final = b"application/json; charset=utf-8"
_log = Logger()


class Door:
    """Knows who is asking."""

    def __init__(self, tokens: Tokens, limits: Limits, proxies: frozenset[str] = frozenset()) -> None:
        self._tokens = tokens
        self.limits = limits
        self._proxies = proxies

    def token_of(self, request: Request | Upgrade, fields: Fields, upgrade: bool = False) -> str:
        """The token by which the request asks: Authorization, the field, or the cookie, which a page of another
        site may use neither to change something nor for an `upgrade` (`NotYours`). For an upgrade the page must be
        known, which browsers always tell: nothing else keeps a page of another site from reading what comes."""
        bearer = header(request, "authorization")
        if bearer[:7].lower() == "bearer ":
            return bearer[7:].strip()
        if "token" in fields:
            return fields.text("token", 200)
        cookie: bytes | None = request.getCookie(COOKIE)
        if cookie is None:
            return ""
        if upgrade and request.getHeader(b"origin") is None:
            raise NotYours("by the cookie only a page of this site enters, and no Origin says that it is one")
        if (upgrade or request.method != b"GET") and not self.same_site(request):
            raise NotYours("asked by a page of another site")
        return cookie.decode("ascii", "replace")

    def same_site(self, request: Request | Upgrade) -> bool:
        """Whether the page that asks is ours, as far as its browser tells (RFC 6454, section 7)."""
        if request.getHeader(b"origin") is None:
            return True
        try:
            asked_by = urlsplit(header(request, "origin")).netloc
        except ValueError:
            return False
        return bool(asked_by) and asked_by.lower() == header(request, "host").lower()

    async def caller(self, request: Request, fields: Fields | None = None) -> LoggedIn:
        """Who is asking. `NotLoggedIn`; `NotYours` when the request says it is somebody else."""
        if fields is None:
            fields = read_fields(request)
        who = await self._tokens.check(self.token_of(request, fields))
        check_own(fields, who.userid, "userid", "ownerid")
        self.limits.user(who.userid)
        return who

    async def caller_id(self, request: Request) -> int:
        """The id of who is asking."""
        return (await self.caller(request)).userid

    def address_of(self, request: Request) -> str:
        """Where the request comes from; what a proxy says of it counts only from one that is trusted."""
        peer: str = getattr(request.getClientAddress(), "host", "") or ""
        if peer in self._proxies or (not peer and "unix" in self._proxies):
            forwarded = header(request, "x-forwarded-for")
            return forwarded.rpartition(",")[2].strip()[:64] or peer
        return peer

    def device_of(self, request: Request) -> dict[str, Any]:
        """What is stored of the device that logs in."""
        return {"agent": header(request, "user-agent")[:150], "address": self.address_of(request)}

    def is_secure(self, request: Request) -> bool:
        """Whether the browser came by TLS, to us or to a trusted proxy."""
        peer = getattr(request.getClientAddress(), "host", "")
        forwarded = header(request, "x-forwarded-proto") == "https"
        return bool(request.isSecure() or (forwarded and peer in self._proxies))

    def set_cookie(self, request: Request, token: str) -> None:
        """Give the browser its token, or with an empty one take it away."""
        request.addCookie(
            COOKIE,
            token.encode(),
            path=b"/",
            max_age=b"%d" % (COOKIE_SECONDS if token else 0),
            httpOnly=True,
            sameSite=b"lax",
            secure=self.is_secure(request),
        )


def check_own(fields: Fields, userid: int, *names: str) -> None:
    """`NotYours` when one of these fields isn't the id of this user. An empty one is as good as none."""
    for name in names:
        if fields.whole(name, userid) != userid:
            raise NotYours(f"{name} is not yours")


Handler = Callable[..., Awaitable[bytes]]


def route(app: Klein, path: str, *methods: str) -> Callable[[Handler], Handler]:
    """Make a method a route of `app`: it is called with the request and its fields."""

    def decorate(handler: Handler) -> Handler:
        @app.route(path, methods=list(methods or ("POST",)))
        @wraps(handler)
        def answered(area: Any, request: Request) -> Coroutine[Any, Any, bytes]:
            return _answer(area, handler, request)

        return handler

    return decorate


async def _answer(area: Any, handler: Handler, request: Request) -> bytes:
    try:
        body = await handler(area, request, read_fields(request))
    except CancelledError:
        raise
    except Refusal as refused:
        return refuse(request, refused)
    except Exception:
        return refuse_bug(request, Failure())
    return answer(request, body)


def answer(request: Request, body: bytes) -> bytes:
    """`body` with the headers of an answer."""
    request.setHeader(b"content-type", JSON)
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"x-content-type-options", b"nosniff")
    return body


def refuse(request: Request, refused: Refusal) -> bytes:
    """The refusal with its status."""
    # twisted.web knows no words for 426 and 429.
    request.setResponseCode(refused.status, HTTPStatus(refused.status).phrase.encode())
    if isinstance(refused, TooMany):
        request.setHeader(b"retry-after", b"%d" % refused.retry_after)
    if isinstance(refused, NotLoggedIn):
        request.setHeader(b"www-authenticate", b"Bearer")
    return answer(request, envelope.refusal(refused))


def refuse_bug(request: Request, failure: Failure) -> bytes:
    """What is our bug: logged, and not told."""
    _log.failure("{method} {path} failed", failure, method=request.method, path=request.path)
    return refuse(request, Failed())


def refuse_http(request: Request, error: HTTPException) -> bytes:
    """What Klein's routing refuses (404, 405), in the envelope. A path that only lacks a slash, or has one too
    many, is none of ours: redirecting a POST would lose its body."""
    status = 404 if isinstance(error, RequestRedirect) else error.code or 500
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        request.setHeader(b"allow", ", ".join(sorted(error.valid_methods)).encode())
    if status == 404:
        return refuse(request, NotFound("no such path"))
    return refuse(request, Malformed("method not allowed" if status == 405 else "refused", status=status))


def answer_refusals(app: Klein) -> None:
    """Let whatever goes wrong in `app` be answered in the envelope."""
    app.handle_errors(Refusal)(lambda _, request, failure: refuse(request, failure.value))
    app.handle_errors(HTTPException)(lambda _, request, failure: refuse_http(request, failure.value))
    app.handle_errors(Exception)(lambda _, request, failure: refuse_bug(request, failure))
