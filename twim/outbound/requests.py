"""One HTTP request to an address that somebody else chose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from OpenSSL.SSL import Error as TlsError
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, succeed
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import platformTrust
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from twim.outbound.addresses import NotPublic, check_host
from twim.outbound.connecting import PublicEndpoints, PublicReactor

LONGEST_URL: Final = 2048
"""In characters."""
LONGEST_ANSWER: Final = 1024 * 1024
"""In bytes, of a body: what a caller may ask for at most."""
KEPT_SECONDS: Final = 10
"""How long a connection is kept open for the next request: shorter than most servers keep them, so that few requests
meet one that is just being closed."""

# Stricter than URLs are, so that no two parsers can read one differently.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$-;=@-Z_a-z~]*)?(\?[!$-;=?-Z_a-z~]*)?"
)


class BadUrl(ValueError):
    """A URL that is never asked. Its text says why."""


class NotAnswered(Exception):
    """There is no answer: not reached, refused by our rules, cut, or too late. Its text says why, in few words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, redirects and refusals included."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name; the last of each."""
    body: bytes
    """Its first bytes, as many as were asked for at most."""


class OutboundRequests:
    """Makes requests. They go to public addresses only, unless `private`; no redirect is followed."""

    def __init__(
        self,
        reactor: Any,
        private: bool = False,
        *,
        trust_root: Any = None,
        keep_alive: bool = False,
    ) -> None:
        """`trust_root` has the authorities that sign the certificates, the system's unless told. With `keep_alive` a
        connection is used again: a POST that meets one which the other side is closing fails, so it is for those
        who try again."""
        self._reactor = reactor
        self._private = private
        self._pool = HTTPConnectionPool(reactor, persistent=keep_alive)
        self._pool.cachedConnectionTimeout = KEPT_SECONDS
        tls = BrowserLikePolicyForHTTPS(platformTrust() if trust_root is None else trust_root)
        endpoints = PublicEndpoints(PublicReactor(reactor, private), tls)
        self._agent: Any = Agent.usingEndpointFactory(reactor, endpoints, self._pool)

    def check(self, url: str, schemes: Iterable[str] = ("http", "https")) -> None:
        """Raises `BadUrl` for what isn't a URL of one of these schemes, or plainly names no public address."""
        found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
        if found is None:
            raise BadUrl("not a URL")
        if found["scheme"] not in schemes:
            raise BadUrl(f"the URL must begin with {' or '.join(f'{one}://' for one in schemes)}")
        if found["port"] and not 0 < int(found["port"]) < 65536:
            raise BadUrl("not a port")
        if not self._private:
            try:
                check_host(found["host"])
            except NotPublic as error:
                raise BadUrl(str(error)) from None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, answer_limit: int
    ) -> Answer:
        """POST `body`; the whole of it, name, connection and answer, in `seconds`. Raises `BadUrl`, `NotAnswered`."""
        return await self._bounded(b"POST", url, body, headers, seconds, answer_limit)

    async def get(self, url: str, headers: Mapping[str, str], *, seconds: float, answer_limit: int) -> Answer:
        """GET, as `post`."""
        return await self._bounded(b"GET", url, None, headers, seconds, answer_limit)

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._pool.closeCachedConnections()

    async def _bounded(
        self, method: bytes, url: str, body: bytes | None, headers: Mapping[str, str], seconds: float, limit: int
    ) -> Answer:
        self.check(url)
        asking = ensureDeferred(self._ask(method, url, body, headers, min(limit, LONGEST_ANSWER)))
        too_late = self._reactor.callLater(seconds, asking.cancel)
        try:
            return await asking
        except CancelledError:
            if too_late.active():
                raise
            raise NotAnswered("no answer in time") from None
        except Exception as error:
            raise NotAnswered(_why(error) if too_late.active() else "no answer in time") from None
        finally:
            if too_late.active():
                too_late.cancel()

    async def _ask(self, method: bytes, url: str, body: bytes | None, headers: Mapping[str, str], limit: int) -> Answer:
        producer = None if body is None else _Body(body)
        sent = Headers({name: [value] for name, value in {"User-Agent": "twim", **headers}.items()})
        response: IResponse = await self._agent.request(method, url.encode("ascii"), sent, producer)
        found = {
            name.decode("latin-1").lower(): values[-1].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Answer(response.code, found, await _first_bytes(response, limit))


def _first_bytes(response: IResponse, limit: int) -> Deferred[bytes]:
    """The body of an answer, cut where it is too long."""
    collecting = _Collecting(limit)
    response.deliverBody(collecting)
    return collecting.done


class _Collecting(Protocol):
    """Takes a body until there is enough of it."""

    def __init__(self, limit: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._leave())
        self._limit = limit
        self._body = bytearray()

    def dataReceived(self, data: bytes) -> None:
        self._body += data[: self._limit - len(self._body)]
        if len(self._body) == self._limit and not self.done.called:
            self.done.callback(bytes(self._body))
            self._leave()

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008 - as the class above has it
        if not self.done.called:
            self.done.callback(bytes(self._body))

    def _leave(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


@implementer(IBodyProducer)
class _Body:
    """Sends a body at once: it is in memory as it is."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """There is nothing left to pause."""

    def resumeProducing(self) -> None:
        """Nor to resume."""

    def stopProducing(self) -> None:
        """Nor to stop."""


def _why(error: BaseException) -> str:
    """Few words that tell nothing of networks which whoever chose the URL can't see."""
    for one in getattr(error, "reasons", None) or [Failure(error)]:
        if isinstance(one.value, (TlsError, VerificationError)):
            return "its certificate is not accepted"
    if isinstance(error, NotPublic):
        return str(error)
    if isinstance(error, DNSLookupError):
        return "there is no such name"
    if isinstance(error, ConnectError):
        return "not reached"
    return "the connection was closed before the answer"
