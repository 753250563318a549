"""Previews by a real server on this machine: what is asked for, how often, and whom nobody ever asks."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from test.access.running_node import until
from test.outbound.test_requests import PUBLIC, Resolving
from twim.errors import NotFound, TooMany
from twim.limits.limits import Limits
from twim.limits.rates import parse_rate
from twim.limits.table import DEFAULT_RATES, PREVIEWS
from twim.logic.link_previews import BYTES, KEPT_SECONDS, WAITING_FOR_HOST, LinkPreviews
from twim.logic.page_meta import NONE, Preview
from twim.outbound.requests import OutboundRequests

reactor: Any = _reactor
PAGE = b"<title>A page</title>"


class Web(Resource):
    """Pages by their paths. `held` are the requests that wait or have waited."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.held: list[Request] = []

    def render_GET(self, request: Request) -> bytes | int:
        """Also redirects, a picture, a long page and one that waits."""
        path = request.path.decode()
        self.asked.append(path)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        if path.startswith("/to"):
            request.setResponseCode(302)
            request.setHeader(b"location", request.args.get(b"to", [request.uri])[0])
        elif path == "/picture":
            request.setHeader(b"content-type", b"image/png")
        elif path == "/missing":
            request.setResponseCode(404)
        elif path == "/long":
            return PAGE + b"x" * BYTES * 4
        elif path == "/late":
            return b"<i>" + b"x" * BYTES + PAGE
        elif path.startswith("/held"):
            self.held.append(request)
            return NOT_DONE_YET
        return PAGE


class LinkPreviewTests(TestCase):
    """`LinkPreviews` against that server, time passing by a clock of its own."""

    async def setUp(self) -> None:
        self.web = Web()
        port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Site(self.web))
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        self.clock = Clock()
        self.previews = self.made(OutboundRequests(reactor, True))

    def made(self, requests: OutboundRequests | None, rate: str = PREVIEWS.default) -> LinkPreviews:
        rates = {**DEFAULT_RATES, PREVIEWS: parse_rate(rate)}
        return LinkPreviews(requests, Limits(True, self.clock.seconds, rates), self.clock.seconds)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def begun(self, path: str) -> Deferred[Preview]:
        return Deferred.fromCoroutine(self.previews.of(1, self.url(path)))

    async def test_a_page_is_asked_once(self) -> None:
        """What was found is kept for everybody, also that there was nothing, and asked for again later."""
        for _ in range(2):
            self.assertEqual(await self.previews.of(1, self.url("/page#part")), Preview("A page"))
            self.assertEqual(await self.previews.of(2, self.url("/missing")), NONE)
        self.assertEqual(self.web.asked, ["/page", "/missing"])
        self.clock.advance(KEPT_SECONDS)
        await self.previews.of(1, self.url("/page"))
        self.assertEqual(len(self.web.asked), 3)

    async def test_what_is_no_page(self) -> None:
        """A picture, what isn't there, no URL and what nobody listens to have no preview."""
        for path in ("/picture", "/missing"):
            self.assertEqual(await self.previews.of(1, self.url(path)), NONE)
        for url in ("ftp://a.example/", "none", "http://", "http://[::::]/", f"http://a@127.0.0.1:{self.port}/"):
            self.assertEqual(await self.previews.of(1, url), NONE)
        self.assertEqual(await self.previews.of(1, "http://127.0.0.1:1/"), NONE)
        self.assertEqual(self.web.asked, ["/picture", "/missing"])

    async def test_bounds_of_a_page(self) -> None:
        """Only the beginning of a long page is read."""
        self.assertEqual(await self.previews.of(1, self.url("/long")), Preview("A page"))
        self.assertEqual(await self.previews.of(1, self.url("/late")), NONE)

    async def test_redirects(self) -> None:
        """Three are followed, a fourth isn't, nor one to nowhere."""
        for url in ("/to?to=/page", "/to?to=%2Fto%3Fto%3D%2Fpage", "/to?to=%2Fto%3Fto%3D%252Fto%253Fto%253D%252Fpage"):
            self.assertEqual(await self.previews.of(1, self.url(url)), Preview("A page"))
        self.web.asked.clear()
        self.assertEqual(await self.previews.of(1, self.url("/to-itself")), NONE)
        self.assertEqual(len(self.web.asked), 4)
        for nowhere in ("javascript:1", "http://[", "//"):
            self.assertEqual(await self.previews.of(1, self.url(f"/to?to={nowhere}")), NONE)

    async def test_private_addresses(self) -> None:
        """Neither an address of this machine, nor a name for one, nor a redirect to one is ever connected to."""
        names = Resolving(("10.0.0.5",), (PUBLIC,), ("10.0.0.5",), (PUBLIC,), port=self.port)
        previews = self.made(OutboundRequests(names, False))
        for host in ("127.0.0.1", "localhost", "0x7f.1", "[::1]", "inner.example"):
            self.assertEqual(await previews.of(1, self.url("/page", host)), NONE)
        self.assertEqual((names.connected, self.web.asked), ([], []))
        self.assertEqual(await previews.of(1, self.url("/to?to=http://inner.example/page", "a.example")), NONE)
        self.assertEqual(await previews.of(1, self.url("/to?to=http://127.1/page", "a.example")), NONE)
        self.assertEqual((names.connected, self.web.asked), ([PUBLIC, PUBLIC], ["/to", "/to"]))

    async def test_one_at_a_time(self) -> None:
        """A host is asked for one page after the other; of too many that would have to wait nothing is shown."""
        asked = [self.begun(f"/held{at}") for at in range(1 + WAITING_FOR_HOST)]
        self.assertEqual(await self.begun("/held-too-many"), NONE)
        for at in range(len(asked)):
            await until(lambda count=at: len(self.web.held) > count)
            self.assertEqual(len(self.web.held), at + 1)
            self.web.held[at].write(PAGE)
            self.web.held[at].finish()
        found = await DeferredList(asked)
        self.assertEqual(found, [(True, Preview("A page"))] * len(asked))
        self.assertEqual(self.previews._lanes, {})

    async def test_off_and_too_often(self) -> None:
        """Where there are none, that is said; beyond the limit of a user the request is refused."""
        await self.assertFailure(Deferred.fromCoroutine(self.made(None).of(1, self.url("/page"))), NotFound)
        previews = self.made(OutboundRequests(reactor, True), "1/d")
        await previews.of(1, self.url("/page"))
        await self.assertFailure(Deferred.fromCoroutine(previews.of(1, self.url("/page"))), TooMany)
        await previews.of(2, self.url("/page"))
