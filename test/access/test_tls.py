"""The same node under TLS."""

from __future__ import annotations

from typing import Any

from twisted.internet import ssl
from twisted.internet.endpoints import SSL4ClientEndpoint

from test.access.living import PASSWD, Living, reactor, until

KEY = ssl.KeyPair.generate(size=2048)
CERTIFICATE = KEY.selfSignedCert(1, commonName="127.0.0.1")


class TlsTests(Living):
    """Cookies and sockets."""

    def listen(self) -> Any:
        context = ssl.CertificateOptions(privateKey=KEY.original, certificate=CERTIFICATE.original)
        return reactor.listenSSL(0, self.node.site, context, interface="127.0.0.1")

    def way_in(self) -> Any:
        return SSL4ClientEndpoint(reactor, "127.0.0.1", self.port, ssl.CertificateOptions())

    async def test_secure_cookie(self) -> None:
        """The cookie is never sent in the clear."""
        answer = await self.post("/user/register", mobile="13900031", passwd=PASSWD)
        cookie = answer.header("set-cookie").lower()
        for part in ("secure", "httponly", "samesite=lax"):
            self.assertIn(part, cookie)

    async def test_own_origin(self) -> None:
        """The page's origin is https now, and still ours; the cookie opens a socket."""
        one = await self.person()
        cookie = f"Cookie: token={one.token}"
        answer = await self.ask("POST", "/user/update", cookie, f"Origin: https://{self.host}")
        self.assertEqual(answer.status, 200)
        device = await self.knock("/chat", cookie, f"Origin: https://{self.host}")
        self.assertTrue(device.open)
        self.assert_refused(await self.upgrade_refusal("/chat", cookie, "Origin: https://evil.example"), 403)

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
            if two.id not in self.node.roster.users:
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
