"""JSON documents of the servers that the operator named: key sets, and what a provider says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseDone
from twisted.web.http_headers import Headers

SECONDS: Final = 10.0
"""Until the whole answer must be there: somebody waits for it in front of a page."""
ANSWER_BYTES: Final = 256 * 1024


class Unreachable(Exception):
    """There is no usable answer. The text is for the log. `status` is that of an answer that refuses, or 0."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


class Fetching:
    """Asks over HTTP. Certificates are those that the system trusts, redirects aren't followed."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._client = HTTPClient(Agent(reactor, BrowserLikePolicyForHTTPS(), connectTimeout=SECONDS))

    async def get(self, url: str, token: str = "") -> dict[str, Any]:
        """The object at `url`, asked for with a bearer token if there is one. `Unreachable`."""
        return await self._within(url, self._ask("GET", url, {"Authorization": f"Bearer {token}"} if token else {}))

    async def post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """The object that answers a form. `Unreachable`."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._within(url, self._ask("POST", url, {**headers, **form}, urlencode(fields).encode()))

    async def _within(self, url: str, asking: Any) -> dict[str, Any]:
        try:
            return await Deferred.fromCoroutine(asking).addTimeout(SECONDS, self._reactor)
        except Unreachable:
            raise
        except Exception as error:  # whatever a network, a TLS library or a server may do
            why = str(error) or type(error).__name__
            raise Unreachable(f"{urlsplit(url).netloc} can't be asked: {why}") from error

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        asked = Headers({name: [value] for name, value in {"Accept": "application/json", **headers}.items()})
        response = await self._client.request(
            method, url, headers=asked, data=body, allow_redirects=False, unbuffered=True
        )
        read = _Body()
        response.deliverBody(read)
        found = await read.done
        where = urlsplit(url).netloc
        if response.code != 200:
            raise Unreachable(f"{where} answers {response.code}", response.code)
        try:
            document = json.loads(found)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Unreachable(f"{where} answers no JSON object")
        return document


class _Body(Protocol):
    """Reads a body, and cuts off a larger one."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._cut())
        self._read = bytearray()

    def _cut(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Twisted's hook."""
        self._read += data
        if len(self._read) > ANSWER_BYTES:
            self._read.clear()
            self._cut()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted's hook."""
        if self.done.called:
            return
        if reason.check(ResponseDone):
            self.done.callback(bytes(self._read))
        else:
            self.done.errback(reason)
