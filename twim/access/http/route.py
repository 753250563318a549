"""What every REST route has in common: how a result is answered, and how a refusal is.

A route is a method that takes the request and its `Fields` and gives the bytes of an answer. `route` makes it a Klein
route; a `Refusal` becomes its envelope and status. A route whose path and method are named exactly needs no map of
paths: `direct_routes` gives it as a resource, which answers as Klein does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from http import HTTPStatus
from math import ceil
from typing import Any, Final, TypeVar

from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from twim.access.http.declared import NOTHING, Answer, Described, Field
from twim.access.http.fields import read_fields
from twim.access.http.streaming import send_pieces
from twim.errors import Failed, Malformed, NotFound, NotLoggedIn, Refusal, TooMany
from twim.internals.http import is_disconnected
from twim.logs.context import begin_request
from twim.wire import envelope

JSON: Final = b"application/json; charset=utf-8"
_log = Logger()


Handler = Callable[..., Awaitable[bytes | AsyncIterator[bytes]]]
"""What a route does. An answer that may be long is given in pieces, which are made as they are read."""


H = TypeVar("H", bound=Callable[..., Any])
_routes: Final[dict[Callable[..., Any], Described]] = {}


def describe(
    path: str,
    *methods: str,
    takes: Sequence[Field[Any]] | None = None,
    gives: Answer = NOTHING,
    who: str = "user",
    body: Any = None,
    scope: str = "",
) -> Callable[[H], H]:
    """Say of a handler what `Described` has of it."""

    def decorate(handler: H) -> H:
        summary = " ".join((handler.__doc__ or "").split())
        name = handler.__name__
        _routes[handler] = Described(path, methods or ("POST",), name, summary, takes, gives, who, body, scope)
        return handler

    return decorate


def described(area: type) -> list[Described]:
    """The routes of an area that say what they are, in the order in which they stand."""
    return [_routes[handler] for handler in vars(area).values() if callable(handler) and handler in _routes]


def route(
    app: Klein,
    path: str,
    *methods: str,
    takes: Sequence[Field[Any]] | None = None,
    gives: Answer = NOTHING,
    who: str = "user",
) -> Callable[[Handler], Handler]:
    """Make a method a route of `app`: it is called with the request and its fields, those in the path among them.
    `takes`, `gives` and `who` describe it (`Described`)."""

    def decorate(handler: Handler) -> Handler:
        describe(path, *methods, takes=takes, gives=gives, who=who)(handler)

        @app.route(path, methods=list(methods or ("POST",)))
        @wraps(handler)
        def answered(area: Any, request: Request, **named: str) -> Coroutine[Any, Any, bytes]:
            return _answer(area, handler, request, named)

        return handler

    return decorate


def direct_routes(prefix: str, area: Any) -> dict[tuple[bytes, bytes], Resource]:
    """The routes of an area below `prefix`, by method and path. HEAD is left to Klein."""
    found: dict[tuple[bytes, bytes], Resource] = {}
    for handler in vars(type(area)).values():
        one = _routes.get(handler) if callable(handler) else None
        if one is not None:
            path = (prefix + one.path).encode()
            found |= {(method.encode(), path): _Route(area, handler) for method in one.methods}
    return found


class _Route(Resource):
    isLeaf = True

    def __init__(self, area: Any, handler: Handler) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._area = area
        self._handler = handler

    def render(self, request: Request) -> Any:
        """Begin to answer; who goes away meanwhile ends it."""
        answering = Deferred.fromCoroutine(_answer(self._area, self._handler, request))
        if not answering.called:
            request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addCallback(self._write, request)
        answering.addErrback(self._failed, request)
        return NOT_DONE_YET

    def _write(self, body: bytes, request: Request) -> None:
        if is_disconnected(request):
            return
        if not request.startedWriting:
            request.setHeader(b"content-length", b"%d" % len(body))
        request.write(body)
        request.finish()

    def _failed(self, failure: Failure, request: Request) -> None:
        if not failure.check(CancelledError):
            _log.failure("the answer to {path} couldn't be written", failure, path=request.path)
            request.loseConnection()


async def _answer(area: Any, handler: Handler, request: Request, named: dict[str, str] | None = None) -> bytes:
    begin_request(request.channel)
    try:
        fields = read_fields(request)
        body = await handler(area, request, fields | named if named else fields)
        sign: Callable[[bytes], bytes] = getattr(request, "sign", bytes)
        if not isinstance(body, bytes):
            return await send_pieces(request, body, lambda: answer(request, b""), sign)
    except CancelledError:
        raise
    except Refusal as refused:
        return refuse(request, refused)
    except Exception:
        return refuse_bug(request, Failure())
    return answer(request, sign(body))


def answer(request: Request, body: bytes) -> bytes:
    """`body` with the headers of an answer."""
    request.setHeader(b"content-type", JSON)
    request.setHeader(b"cache-control", b"no-store")
    request.setHeader(b"x-content-type-options", b"nosniff")
    # twisted.web eats what answers a HEAD, and logs the whole address, in which a token may be.
    return b"" if request.method == b"HEAD" else body


def refuse(request: Request, refused: Refusal) -> bytes:
    """The refusal with its status."""
    # twisted.web knows no words for 426 and 429.
    request.setResponseCode(refused.status, HTTPStatus(refused.status).phrase.encode())
    if isinstance(refused, TooMany):
        request.setHeader(b"retry-after", b"%d" % max(1, ceil(refused.retry_after)))
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
