"""Requests to a real server on this machine: what is sent, what comes back, and what is never connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IReactorPluggableNameResolver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from zope.interface import alsoProvides

from test.cluster.certificates import Authority
from twim.outbound.connecting import RECEIVED_LIMIT
from twim.outbound.requests import BadUrl, NotAnswered, OutboundRequests

SECONDS = 30.0
"""For what answers at once."""
PUBLIC = "93.184.215.14"


class Told(Resource):
    """Keeps the requests, and answers by their path."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[bytes, bytes, bytes, bytes | None]] = []

    def render(self, request: Request) -> bytes | int:
        """Also a redirect, a long answer, and none."""
        body = request.content.read()
        self.requests.append((request.method, request.path, body, request.getHeader(b"x-test")))
        if request.path == b"/elsewhere":
            request.setResponseCode(302)
            request.setHeader(b"location", b"/")
        if request.path == b"/never":
            return NOT_DONE_YET
        if request.path == b"/unfinished":
            request.write(b"some")
            return NOT_DONE_YET
        request.setHeader(b"X-Answer", b"yes")
        return b"x" * 5000 if request.path == b"/long" else b"answered"


class Endless(Protocol):
    """Answers with a head that never ends, or goes away without an answer."""

    def dataReceived(self, data: bytes) -> None:
        """By the request's path."""
        if b"/gone" in data:
            self.transport.loseConnection()
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 10_000 + b"\r\n")
            self.transport.write((b"A: " + b"b" * 10_000 + b"\r\n") * (RECEIVED_LIMIT // 10_000))


class Resolving:
    """The reactor, with names of its own; each resolution takes the next addresses. It keeps where was connected to,
    and connects to `port` of this machine instead."""

    def __init__(self, *answers: tuple[str, ...], port: int = 0) -> None:
        self.answers = list(answers)
        self.port = port
        self.connected: list[str] = []
        self.nameResolver = self
        alsoProvides(self, IReactorPluggableNameResolver)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def resolveHostName(self, receiver: Any, name: str, portNumber: int = 0, *others: Any) -> Any:
        """As Twisted's."""
        receiver.resolutionBegan(self)
        for one in self.answers.pop(0):
            kind = IPv6Address if ":" in one else IPv4Address
            receiver.addressResolved(kind("TCP", one, portNumber))
        receiver.resolutionComplete()

    def connectTCP(self, host: str, port: int, *others: Any, **named: Any) -> Any:
        """To this machine."""
        self.connected.append(host)
        return reactor.connectTCP("127.0.0.1", self.port, *others, **named)


class Requests(TestCase):
    """`OutboundRequests` against a server on 127.0.0.1."""

    async def setUp(self) -> None:
        self.told = Told()
        self.port = await self.listen("tcp:0:interface=127.0.0.1", Site(self.told))
        self.requests = self.made(reactor, private=True)

    def made(self, *given: Any, **named: Any) -> OutboundRequests:
        """Requests whose connections are closed at the end."""
        requests = OutboundRequests(*given, **named)
        self.addCleanup(lambda: Deferred.fromCoroutine(requests.close()))
        return requests

    async def listen(self, endpoint: str, factory: Any) -> int:
        """The port of a server that is stopped at the end."""
        port = await serverFromString(reactor, endpoint).listen(factory)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """At the server."""
        return f"http://{host}:{self.port}{path}"

    async def refused(self, requests: OutboundRequests, url: str, seconds: float = SECONDS) -> str:
        """The text of a request that gets no answer."""
        error = await self.assertFailure(
            Deferred.fromCoroutine(requests.get(url, {}, seconds=seconds, answer_limit=100)), NotAnswered
        )
        return str(error)

    async def test_post(self) -> None:
        """Method, path, query, headers and body arrive, and the answer comes back."""
        answer = await self.requests.post(
            self.url("/a/b?c=d"), b"body", {"X-Test": "1"}, seconds=SECONDS, answer_limit=100
        )
        self.assertEqual(self.told.requests, [(b"POST", b"/a/b", b"body", b"1")])
        self.assertEqual((answer.status, answer.headers["x-answer"], answer.body), (200, "yes", b"answered"))

    async def test_get(self) -> None:
        """A GET has no body; a URL without a path asks for the root."""
        answer = await self.requests.get(self.url(""), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual((answer.body, self.told.requests), (b"answered", [(b"GET", b"/", b"", None)]))

    async def test_kept_connection(self) -> None:
        """With `keep_alive` the next request goes over the same connection, also after a long answer."""
        here = Resolving(("127.0.0.1",), ("127.0.0.1",), ("127.0.0.1",), port=self.port)
        requests = self.made(here, private=True, keep_alive=True)
        for _ in range(3):
            answer = await requests.post(self.url("/long"), b"", {}, seconds=SECONDS, answer_limit=10_000)
            self.assertEqual(len(answer.body), 5000)
        self.assertEqual(len(here.connected), 1)

    async def test_redirect_is_an_answer(self) -> None:
        """A redirect is handed back and not followed."""
        answer = await self.requests.get(self.url("/elsewhere"), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual((answer.status, answer.headers["location"]), (302, "/"))
        self.assertEqual(len(self.told.requests), 1)

    async def test_long_answer_is_cut(self) -> None:
        """No more of a body is kept than was asked for."""
        answer = await self.requests.get(self.url("/long"), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual((answer.status, answer.body), (200, b"x" * 100))

    async def test_too_late(self) -> None:
        """The bound holds for a server that takes the request and doesn't answer, and for half an answer."""
        self.assertEqual(await self.refused(self.requests, self.url("/never"), 0.2), "no answer in time")
        self.assertEqual(await self.refused(self.requests, self.url("/unfinished"), 0.2), "no answer in time")

    async def test_endless_head(self) -> None:
        """A head that never ends is cut."""
        self.port = await self.listen("tcp:0:interface=127.0.0.1", Factory.forProtocol(Endless))
        why = "the connection was closed before the answer"
        self.assertEqual(await self.refused(self.requests, self.url("/")), why)

    async def test_no_answer(self) -> None:
        """A connection that is closed without an answer, and a port where nobody listens."""
        self.port = await self.listen("tcp:0:interface=127.0.0.1", Factory.forProtocol(Endless))
        why = "the connection was closed before the answer"
        self.assertEqual(await self.refused(self.requests, self.url("/gone")), why)
        port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory.forProtocol(Endless))
        self.port = port.getHost().port
        await port.stopListening()
        self.assertEqual(await self.refused(self.requests, self.url("/")), "not reached")

    async def test_ipv6(self) -> None:
        """Addresses of IPv6 are connected to."""
        self.port = await self.listen("tcp6:0:interface=\\:\\:1", Site(self.told))
        answer = await self.requests.get(self.url("/six", "[::1]"), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual(answer.status, 200)

    async def test_private_name_is_not_connected_to(self) -> None:
        """A name that stands for a private address is found out after it was resolved: nothing is connected to."""
        for address in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1"):
            there = Resolving((address,), port=self.port)
            self.assertEqual(await self.refused(self.made(there), self.url("/", "a.example")), "not a public address")
            self.assertEqual((there.connected, self.told.requests), ([], []))

    async def test_public_address_of_several(self) -> None:
        """Of several addresses only the public ones are connected to."""
        there = Resolving(("10.0.0.1", PUBLIC, "::1"), port=self.port)
        answer = await self.made(there).get(self.url("/", "a.example"), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual((answer.status, there.connected), (200, [PUBLIC]))

    async def test_rebinding(self) -> None:
        """A name that stands for a public address first and for a private one later is resolved once for each
        connection, and the address that was looked at is the one connected to."""
        there = Resolving((PUBLIC,), ("127.0.0.1",), port=self.port)
        requests = self.made(there)
        answer = await requests.get(self.url("/", "a.example"), {}, seconds=SECONDS, answer_limit=100)
        self.assertEqual((answer.status, there.connected), (200, [PUBLIC]))
        self.assertEqual(await self.refused(requests, self.url("/", "a.example")), "not a public address")
        self.assertEqual(there.connected, [PUBLIC])

    async def test_no_such_name(self) -> None:
        """A name that nobody knows."""
        self.assertEqual(
            await self.refused(self.made(Resolving(())), self.url("/", "a.example")), "there is no such name"
        )


class Tls(Requests):
    """The same over TLS, which checks the name."""

    async def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        authority = Authority(folder)
        self.file = authority.sign("server", address="127.0.0.1", host="a.example")
        self.trust_root = trustRootFromCertificates([Certificate.loadPEM(authority.file.read_bytes())])
        await super().setUp()

    def made(self, *given: Any, **named: Any) -> OutboundRequests:
        """They trust the tests' own authority."""
        return super().made(*given, **{"trust_root": self.trust_root, **named})

    async def listen(self, endpoint: str, factory: Any) -> int:
        """By TLS where the endpoint is of IPv4."""
        if endpoint.startswith("tcp:"):
            endpoint = f"ssl{endpoint[3:]}:privateKey={self.file}:certKey={self.file}"
        return await super().listen(endpoint, factory)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """By https where the server's certificate can be asked for."""
        return super().url(path, host).replace("http:", "http:" if "[" in host else "https:")

    async def test_other_name(self) -> None:
        """A certificate for another name is not accepted."""
        there = Resolving((PUBLIC,), port=self.port)
        why = await self.refused(self.made(there), self.url("/", "b.example"))
        self.assertEqual((why, self.told.requests), ("its certificate is not accepted", []))

    async def test_unknown_authority(self) -> None:
        """Nor is one by an authority that the system doesn't know."""
        requests = self.made(reactor, private=True, trust_root=None)
        self.assertEqual(await self.refused(requests, self.url("/")), "its certificate is not accepted")


class Urls(TestCase):
    """`check` reads URLs more strictly than anybody who asks for them."""

    def setUp(self) -> None:
        self.requests = OutboundRequests(reactor)

    def test_taken(self) -> None:
        """Names and public addresses, by both schemes."""
        for url in ("https://example.com", "http://example.com:8080/a/b?c=d&e=%20/?", "https://[2606:4700::1]:8/"):
            self.requests.check(url)

    def test_refused(self) -> None:
        """No URL, another scheme, a user, a fragment, what parsers read differently, too long."""
        for url in (
            *("", "example.com", "//example.com", "ftp://example.com/", "file:///etc/passwd", "HTTPS://example.com/"),
            *("http://", "http://a@example.com/", "http://a:b@example.com/", "http://example.com/#a", "http:///a"),
            *(
                "http://example.com\\@127.0.0.1/",
                "http://example.com/ a",
                "http://example.com/\r\nX: 1",
                " http://a.de",
            ),
            *("http://example.com:0/", "http://example.com:65536/", "http://example.com:/", "http://exämple.com/"),
            *("http://[::1]a/", "http://example.com/é", "http://example.com\n", f"http://example.com/{'a' * 2048}"),
        ):
            self.assertRaises(BadUrl, self.requests.check, url)

    def test_not_public(self) -> None:
        """Addresses that plainly aren't public, unless `private`."""
        for host in (
            "127.1",
            "0x7f.1",
            "localhost",
            "[::1]",
            "169.254.169.254",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
        ):
            self.assertRaises(BadUrl, self.requests.check, f"http://{host}/")
            OutboundRequests(reactor, private=True).check(f"http://{host}/")

    def test_schemes(self) -> None:
        """Who asks may take https alone."""
        self.requests.check("https://example.com/", ("https",))
        self.assertRaises(BadUrl, self.requests.check, "http://example.com/", ("https",))

    async def test_bad_url_is_not_asked(self) -> None:
        """A request looks at its URL by itself."""
        asked = Deferred.fromCoroutine(self.requests.get("http://127.1/", {}, seconds=SECONDS, answer_limit=1))
        await self.assertFailure(asked, BadUrl)
