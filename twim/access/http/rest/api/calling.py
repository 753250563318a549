"""What every route of ``/api/v1`` has in common: the key that opens it, the JSON that it takes, and how it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, Final, TypeVar

import msgspec
from klein import Klein
from multipart import parse_options_header  # type: ignore[import-untyped]
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from twim.access.http.declared import NOTHING, Field, whole
from twim.access.http.declared import Answer as Given
from twim.access.http.fields import Fields, header, read_query
from twim.access.http.request import SMALL_BODY, BoundedRequest
from twim.access.http.rest.api.repeating import Repeating
from twim.access.http.route import answer, describe, refuse, refuse_bug
from twim.errors import Malformed, NotLoggedIn, Refusal, WrongType
from twim.logic.api_keys import ApiKeys, check_scope
from twim.logic.bots import KEY_PREFIX as BOT_PREFIX
from twim.logs.context import begin_request
from twim.storage.api_keys import ApiKey

PREFIX: Final = b"/api/v1/"
LARGE_BODY: Final = 4 * 1024 * 1024
"""Bytes of a body that a program may send which has a key; others may send as little as everybody."""
REPEAT: Final = "idempotency-key"
PAGE: Final = 100
MOST: Final = 200
LIMIT: Final = whole("limit", PAGE, least=1, most=MOST)
_log = Logger()

T = TypeVar("T")


class Call:
    """One request: the key that opened it, its query, what its path names, and the bot whose key it is, or 0."""

    def __init__(self, request: Request, key: ApiKey, named: dict[str, str], bot: int = 0) -> None:
        self._request = request
        self.key = key
        self.bot = bot
        self.query: Fields = read_query(request)
        self.named = named

    def body(self, type: type[T]) -> T:
        """The JSON body. `Malformed` for what isn't of this type, `WrongType` for what isn't JSON."""
        media, _ = parse_options_header(header(self._request, "content-type"))
        if media.lower() != "application/json":
            raise WrongType("JSON, please")
        try:
            return msgspec.json.decode(self.bytes(), type=type)
        except msgspec.ValidationError as error:
            raise Malformed(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("the body is not JSON") from None

    def bytes(self) -> bytes:
        """The body as it came."""
        content: Any = self._request.content
        content.seek(0)
        found: bytes = content.read()
        return found

    def page(self) -> int:
        """How many rows are wanted."""
        return self.query[LIMIT]


class Area:
    """Some of the routes; what they need of keys and of kept answers. `bots` gives the id of the bot that has a key."""

    def __init__(
        self, keys: ApiKeys, repeating: Repeating, bots: Callable[[str], Awaitable[int]] | None = None
    ) -> None:
        self.keys = keys
        self.repeating = repeating
        self._bots = bots

    async def opened_by(self, key: str, scope: str, reads: bool) -> tuple[ApiKey, int]:
        """The key, which has the scope, and the bot whose own it is, or 0. `NotLoggedIn`, `NotYours`."""
        if self._bots is not None and key.startswith(BOT_PREFIX):
            bot = await self._bots(key)
            return ApiKey(bot_marks(bot), "", "", 0), bot
        found = await self.keys.check(key)
        check_scope(found, scope, reads)
        return found, 0


def bot_marks(userid: int) -> int:
    """By which id the answers to a bot are kept: none of a key, nor of a hook."""
    return -2 * userid


def hook_marks(id: int) -> int:
    """By which id the answers to who uses a hook are kept."""
    return -2 * id - 1


Handler = Callable[[Any, Call], Awaitable[bytes]]


def api_route(
    app: Klein,
    path: str,
    method: str,
    scope: str,
    *,
    reads: bool = False,
    secret: bool = False,
    takes: Sequence[Field[Any]] | None = (),
    gives: Given = NOTHING,
    body: Any = None,
) -> Callable[[Handler], Handler]:
    """Make a method a route that a key with this scope opens; what only `reads` opens to the scope `read` as well. The
    answer of a `secret` one is never kept. `takes`, `gives` and the type of the `body` describe it (`Described`)."""

    def decorate(handler: Handler) -> Handler:
        describe(path, method, takes=takes, gives=gives, who="key", body=body, scope=scope)(handler)

        @app.route(path, methods=[method])
        @wraps(handler)
        def answered(area: Area, request: Request, **named: str) -> Coroutine[Any, Any, bytes]:
            async def work() -> bytes:
                key, bot = await area.opened_by(bearer(request), scope, reads)
                call = Call(request, key, named, bot)
                name = header(request, REPEAT) if method == "POST" else ""
                if not name:
                    return await handler(area, call)
                asked = request.path + b"\0" + call.bytes()
                return await area.repeating.answer(key.id, name, asked, secret, lambda: handler(area, call))

            return answered_call(request, work())

        return handler

    return decorate


def bearer(request: Request) -> str:
    """The key of a request: from Authorization, and from nowhere else. `NotLoggedIn`."""
    said = header(request, "authorization")
    if said[:7].lower() != "bearer ":
        raise NotLoggedIn("a key, please")
    return said[7:].strip()


def body_limit(keys: ApiKeys) -> Callable[[BoundedRequest], int]:
    """How many bytes of a body are taken."""

    def limit(request: BoundedRequest) -> int:
        if not request.path.startswith(PREFIX):
            return SMALL_BODY
        try:
            return LARGE_BODY if keys.known(bearer(request)) is not None else SMALL_BODY
        except NotLoggedIn:
            return SMALL_BODY

    return limit


async def answered_call(request: Request, work: Coroutine[Any, Any, bytes]) -> bytes:
    """What the work gives, as the answer to the request; a refusal as programs are told it."""
    begin_request(request.channel)
    try:
        body = await _to_its_end(work)
    except CancelledError:
        raise
    except Refusal as refused:
        return refuse(request, with_status(refused))
    except Exception:
        return refuse_bug(request, Failure())
    sign: Callable[[bytes], bytes] = getattr(request, "sign", bytes)
    return answer(request, sign(body))


def with_status(refused: Refusal) -> Refusal:
    """Programs look at the status first: what a rule forbids is 409 here, where others get 200."""
    if refused.status == 200:
        refused.status = 409
    return refused


def _to_its_end(work: Coroutine[Any, Any, bytes]) -> Deferred[bytes]:
    """Who asked may go away meanwhile: what was begun is done all the same."""
    answered: Deferred[bytes] = Deferred()

    def failed(failure: Failure) -> None:
        if answered.called and not failure.check(Refusal):
            _log.failure("a request failed whose program had gone", failure)
        answered.errback(failure)

    Deferred.fromCoroutine(work).addCallbacks(answered.callback, failed)
    return answered
