"""Documents of other servers: what is taken, and what isn't."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from twim.identity import fetching
from twim.identity.fetching import ANSWER_BYTES, Fetching, Unreachable

reactor: Any = _reactor


class _Served(Resource):
    isLeaf = True
    body = b'{"a": 1}'
    status = 200
    asked: Any = None

    def render(self, request: Any) -> Any:
        """Twisted's hook."""
        self.asked = (request.method, request.content.read(), request.getHeader("authorization"))
        request.setResponseCode(self.status)
        request.setHeader(b"location", b"/there")
        if self.body is None:
            request.write(b"{")
            return NOT_DONE_YET
        return self.body


class FetchingTests(TestCase):
    """From a server of this test."""

    timeout = 60

    def setUp(self) -> None:
        self.served = _Served()
        self.port = reactor.listenTCP(0, Site(self.served), interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.url = f"http://127.0.0.1:{self.port.getHost().port}/keys"
        self.fetching = Fetching(reactor)

    async def refused(self, why: str) -> None:
        try:
            await self.fetching.get(self.url)
        except Unreachable as error:
            self.assertIn(why, str(error))
        else:
            self.fail(f"not refused: {why}")

    async def test_taken(self) -> None:
        """An object, asked for with or without a token, and after a form."""
        self.assertEqual(await self.fetching.get(self.url), {"a": 1})
        await self.fetching.get(self.url, "t")
        self.assertEqual(self.served.asked, (b"GET", b"", "Bearer t"))
        await self.fetching.post(self.url, {"a": "b c"}, {"Authorization": "Basic x"})
        self.assertEqual(self.served.asked, (b"POST", b"a=b+c", "Basic x"))

    async def test_refused(self) -> None:
        """Another status, a redirect, what is no object, and what is too much."""
        for status in (204, 302, 404, 500):
            self.served.status = status
            await self.refused(f"answers {status}")
        self.served.status = 200
        for body in (b"", b"[1]", b"<html>", b"\xff", b"[" * 100_000):
            self.served.body = body
            await self.refused("no JSON object")
        self.served.body = b'{"a": "' + b"x" * ANSWER_BYTES + b'"}'
        await self.refused("")

    async def test_slow(self) -> None:
        """Who doesn't finish the answer isn't waited for."""
        self.patch(fetching, "SECONDS", 0.3)
        self.served.body = None  # type: ignore[assignment]
        await self.refused("can't be asked")

    async def test_gone(self) -> None:
        """Nobody is there."""
        await self.port.stopListening()
        await self.refused("can't be asked")
