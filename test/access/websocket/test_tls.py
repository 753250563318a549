"""The same node under TLS."""

from __future__ import annotations

from typing import Any

from twisted.internet import ssl
from twisted.internet.endpoints import SSL4ClientEndpoint, connectProtocol

from test.access.http.request_rig import Talk
from test.access.running_node import PASSWD, RunningNode, reactor, until

KEY = ssl.KeyPair.generate(size=2048)
CERTIFICATE = KEY.selfSignedCert(1, commonName="127.0.0.1")


class TlsTests(RunningNode):
    """Cookies and sockets."""

    def listen(self) -> Any:
        context = ssl.CertificateOptions(privateKey=KEY.original, certificate=CERTIFICATE.original)
        return reactor.listenSSL(0, self.node.site, context, interface="127.0.0.1")

    def way_in(self) -> Any:
        return SSL4ClientEndpoint(reactor, "127.0.0.1", self.port, ssl.CertificateOptions())

    async def test_secure_cookie(self) -> None:
        """The cookie is never sent without TLS."""
        answer = await self.post("/user/register", mobile="13900031", passwd=PASSWD)
        cookie = answer.header("set-cookie").lower()
        for part in ("secure", "httponly", "samesite=lax"):
            self.assertIn(part, cookie)

    async def test_own_origin(self) -> None:
        """The page's origin is https and is accepted as ours; the cookie opens a socket."""
        one = await self.person()
        cookie = f"Cookie: token={one.token}"
        answer = await self.ask("POST", "/user/update", cookie, f"Origin: https://{self.host}")
        self.assertEqual(answer.status, 200)
        device = await self.knock("/chat", cookie, f"Origin: https://{self.host}")
        self.assertTrue(device.open)
        self.assert_refused(await self.upgrade_refusal("/chat", cookie, "Origin: https://evil.example"), 403)

    async def test_page_in_the_clear(self) -> None:
        """A page that came without TLS, which anybody on the way can write, isn't accepted as ours."""
        one = await self.person()
        cookie, origin = f"Cookie: token={one.token}", f"Origin: http://{self.host}"
        self.assert_refused(await self.ask("POST", "/user/update", cookie, origin), 403)
        self.assert_refused(await self.upgrade_refusal("/chat", cookie, origin), 403)

    async def test_no_request(self) -> None:
        """What is no request is refused in the envelope here too, and the connection ends as TLS does."""
        for request in (b"GET / FOO\r\n\r\n", b"GET /" + b"a" * 20_000, b"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n"):
            asking: Talk = await connectProtocol(self.way_in(), Talk())
            asking.transport.write(request)
            await asking.until(b"}")
            self.assertIn(b'{"code":-1,', asking.received)
            asking.transport.loseConnection()
            await asking.closed
            self.assertTrue(asking.clean)

    async def test_messages(self) -> None:
        """Small and large messages, many at once, in order."""
        one, two = await self.friends()
        sender, peer = await one.device(), await two.device()
        for number in range(200):
            sender.say(cmd=10, dstid=two.id, media=1, content="界" * (number * 40), id=number + 1)
        await until(lambda: len(peer.messages()) == 200)
        self.assertEqual([len(m.get("content", "")) for m in peer.messages()], [n * 40 for n in range(200)])
        for number in range(200):
            await sender.hear(cmd=1, id=number + 1)

    async def test_slow_reader(self) -> None:
        """The outbox is bounded here too."""
        one, two = await self.friends()
        slow, sender = await two.device(), await one.device()
        slow.transport.pauseProducing()
        for _ in range(2_000):
            if two.id not in self.node.hub.users:
                break
            await sender.tell(10, two.id, "界" * 8_000)
        slow.transport.resumeProducing()
        self.assertEqual(await slow.closed(), 1013)

    async def test_closed_by_the_server(self) -> None:
        """A socket whose token ends is closed with its code."""
        one = await self.person()
        device = await one.device()
        await one.post("/user/logout")
        self.assertEqual(await device.closed(), 4401)
