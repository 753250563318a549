"""Who sends a request, in every form in which proxies write it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.server import Request

from test.access.running_node import FORM, PASSWD, OnUnixSocket, RunningNode
from twim.access.http.peers import Asker, Peers, read_address, read_host
from twim.config import read_config

PROXY = "10.0.0.1"
OUTER = "10.0.0.2"
LOOPBACK = IPv4Address("TCP", "127.0.0.1", 1)


def asked(
    peer: object = PROXY,
    headers: Sequence[tuple[str, str | bytes]] = (),
    secure: bool = False,
    host: str = "chat.example",
) -> Request:
    """A request from this peer with these headers."""
    address = IPv4Address("TCP", peer, 1) if isinstance(peer, str) else peer
    made: Any = type(
        "Asked", (), {"getClientAddress": lambda self: address, "isSecure": lambda self: secure, "getHeader": None}
    )()
    made.requestHeaders = Headers()
    for name, value in [("Host", host), *headers]:
        made.requestHeaders.addRawHeader(name.encode(), value if isinstance(value, bytes) else value.encode())
    return cast(Request, made)


def peers(proxies: str = f"{PROXY} {OUTER} unix") -> Peers:
    """`Peers` of these values of ``--proxies``."""
    return Peers(read_config({"proxies": proxies}, {}).proxies)


class BehindTests(SynchronousTestCase):
    """`Peers.of`: whose address is kept."""

    def address(self, *forwarded: str | bytes, peer: object = PROXY, proxies: str = f"{PROXY} {OUTER} unix") -> str:
        return peers(proxies).of(asked(peer, [("X-Forwarded-For", one) for one in forwarded])).address

    def test_forms(self) -> None:
        """Addresses are read with ports, brackets, quotes, zones and spaces, mapped and in capitals."""
        for said, address in (
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7 ", "203.0.113.7"),
            ("203.0.113.7:51234", "203.0.113.7"),
            ('"203.0.113.7:51234"', "203.0.113.7"),
            ("[2001:db8::1]:51234", "2001:db8::1"),
            ('"[2001:db8::1]:51234"', "2001:db8::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:1", "203.0.113.7"),
            ("::FFFF:cb00:7107", "203.0.113.7"),
            ("fe80::1%eth0", "fe80::1"),
            ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
            ("6.6.6.6,203.0.113.7,", "203.0.113.7"),
            (", ,203.0.113.7, ,", "203.0.113.7"),
        ):
            self.assertEqual(self.address(said), address, said)

    def test_garbage(self) -> None:
        """What isn't an address is never kept; the nearest known address is."""
        for said in (
            "", " ", ",", "unknown", "_hidden", "<b>x</b>", "203.0.113", "203.0.113.7:x", "010.0.0.1", "1.2.3.4.5",
            "[2001:db8::1", "2001:db8::1]", "[203.0.113.7", "for=203.0.113.7", "203.0.113.7;by=x", "localhost",
            "2130706433", "0x7f.1", "127.1", "1.2.3.4:999999", b"\xff", "１.2.3.4", "x" * 9_000, "203.0.113.7 x",
            "fe80::1%<b>x</b>",
        ):  # fmt: skip
            self.assertEqual(self.address(said), PROXY, said)
        self.assertEqual(self.address("203.0.113.7, unknown"), PROXY)
        self.assertEqual(self.address(f"203.0.113.7, <b>x</b>, {OUTER}"), OUTER)
        self.assertEqual(self.address("<b>x</b>, 203.0.113.7"), "203.0.113.7")

    def test_chain(self) -> None:
        """The trusted ones of a chain are passed by, from the last; of the rest nothing is believed. Several lines are
        one list."""
        self.assertEqual(self.address(f"203.0.113.7, {OUTER}"), "203.0.113.7")
        self.assertEqual(self.address("203.0.113.7", OUTER), "203.0.113.7")
        self.assertEqual(self.address("6.6.6.6", "203.0.113.7"), "203.0.113.7")
        self.assertEqual(self.address(f"6.6.6.6, 203.0.113.7, {OUTER}, ::ffff:{OUTER}"), "203.0.113.7")
        self.assertEqual(self.address(f"[::ffff:{OUTER}]:4711, {PROXY}:1"), OUTER)
        self.assertEqual(self.address(*[OUTER] * 5_000), OUTER)

    def test_networks(self) -> None:
        """Proxies are given as networks too, of either family, and a peer may be written as IPv6."""
        for proxies in ("10.0.0.0/8", "::ffff:10.0.0.0/104", "0.0.0.0/0, ::/0", "::ffff:10.0.0.1"):
            mapped = IPv6Address("TCP", "::ffff:10.0.0.1", 1)
            found = self.address("203.0.113.7", peer=mapped, proxies=proxies)
            self.assertEqual(found, "203.0.113.7", proxies)
        for peer in ("2001:db8::9", "2001:DB8:0::9%eth0"):
            address = IPv6Address("TCP", peer, 1)
            self.assertEqual(self.address("203.0.113.7", peer=address, proxies="2001:db8::/32"), "203.0.113.7")

    def test_strangers(self) -> None:
        """Headers of an untrusted peer are ignored; a proxy without headers counts as the client."""
        self.assertEqual(self.address("203.0.113.7", peer="10.0.0.3"), "10.0.0.3")
        self.assertEqual(self.address("203.0.113.7", peer=UNIXAddress(None), proxies=PROXY), "")
        self.assertEqual(self.address("203.0.113.7", peer=UNIXAddress(None)), "203.0.113.7")
        self.assertEqual(self.address(peer=UNIXAddress(None)), "")
        self.assertEqual(self.address(), PROXY)
        for name in ("Forwarded", "X-Real-IP", "X-Forwarded-Host", "Client-IP", "True-Client-IP"):
            self.assertEqual(peers().of(asked(PROXY, [(name, "for=203.0.113.7")])).address, PROXY)

    @given(st.lists(st.text(max_size=30), max_size=4))
    def test_always_an_address(self, said: list[str]) -> None:
        """Whatever is forwarded, the result is an address in one form."""
        raw = [one.encode("utf-8", "replace").translate(None, b"\r\n\0") for one in said]
        found = self.address(*raw)
        self.assertEqual(str(read_address(found)), found)

    def test_counted(self) -> None:
        """Limits count an address of IPv4, and a network of IPv6."""
        self.assertEqual(Asker("203.0.113.7", False, False).counted, "203.0.113.7")
        self.assertEqual(Asker("2001:db8::1:2:3:4", False, False).counted, "2001:db8::/64")
        self.assertEqual(Asker("", False, False).counted, "")


class SchemeTests(SynchronousTestCase):
    """`Peers.of`: by which scheme it came."""

    def test_forms(self) -> None:
        """Every scheme is read in capitals, as a list and in several lines; the first of a chain counts."""
        for said, secure in (
            (["https"], True), (["HTTPS"], True), ([" https "], True), (["https, http"], True), (["https,https"], True),
            (["https", "http"], True), (["wss"], True), (['"https"'], True), (["", "https"], True),
            (["http"], False), (["http, https"], False), (["http", "https"], False), ([], False), ([""], False),
            (["on"], False), (["httpss"], False), (["https:"], False), ([b"\xff"], False), (["ws"], False),
        ):  # fmt: skip
            lines = [("X-Forwarded-Proto", one) for one in said]
            for peer in (PROXY, UNIXAddress(None)):
                self.assertEqual(peers().of(asked(peer, lines)).secure, secure, said)
            self.assertFalse(peers().of(asked("10.0.0.3", lines)).secure)
            self.assertTrue(peers().of(asked("10.0.0.3", lines, secure=True)).secure)

    def test_tls_to_us(self) -> None:
        """TLS to us is TLS, unless a trusted proxy says that the browser's own way was without."""
        self.assertTrue(peers().of(asked(PROXY, secure=True)).secure)
        self.assertFalse(peers().of(asked(PROXY, [("X-Forwarded-Proto", "http")], secure=True)).secure)


class HereTests(SynchronousTestCase):
    """`Peers.of`: whether it is a program on this machine."""

    def test_here(self) -> None:
        """Requests over loopback or a Unix socket that nobody forwarded come from this machine."""
        for peer in ("127.0.0.1", "127.8.9.1", IPv6Address("TCP", "::1", 1), IPv6Address("TCP", "::ffff:127.0.0.1", 1)):
            for proxies in ("", "127.0.0.1 ::1"):
                self.assertTrue(peers(proxies).of(asked(peer)).here, peer)
        self.assertTrue(peers("").of(asked(UNIXAddress(None))).here)

    def test_not_here(self) -> None:
        """Requests from elsewhere, through a proxy's socket, or forwarded in any way don't."""
        self.assertFalse(peers().of(asked("10.0.0.1")).here)
        self.assertFalse(peers("unix").of(asked(UNIXAddress(None))).here)
        for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Via"):
            for value in ("127.0.0.1", "", b"\xff", "http"):
                for proxies in ("", "127.0.0.1 unix"):
                    for peer in (LOOPBACK, UNIXAddress(None)):
                        self.assertFalse(peers(proxies).of(asked(peer, [(name, value)])).here, (name, value))


class UnnamedTests(SynchronousTestCase):
    """Proxies that pass requests on and aren't named."""

    def test_remembered(self) -> None:
        """The last one; but one of our own network stays when strangers write such headers."""
        peers = Peers(frozenset([PROXY]))
        said = [("X-Forwarded-For", "203.0.113.9")]
        for peer, headers, unnamed in (
            (PROXY, said, ""),
            ("8.8.8.8", [], ""),
            ("8.8.8.8", said, "8.8.8.8"),
            (OUTER, [("Via", "1.1 proxy")], OUTER),
            ("8.8.4.4", said, OUTER),
            (UNIXAddress("/im.sock"), said, "unix"),
            (LOOPBACK, said, "127.0.0.1"),
        ):
            peers.of(asked(peer, headers))
            self.assertEqual(peers.unnamed, unnamed, (peer, headers))


class OwnTests(SynchronousTestCase):
    """`Peers.is_own`: whether a page is ours."""

    def own(self, origin: str, host: str, proto: str = "") -> bool:
        lines = [("X-Forwarded-Proto", proto)] if proto else []
        return peers().is_own(asked(PROXY, lines, host=host), origin)

    def test_own(self) -> None:
        """Default ports, capitals and a dot at the end make no difference."""
        for origin, host, proto in (
            ("https://chat.example", "chat.example", "https"),
            ("https://chat.example", "chat.example:443", "https"),
            ("https://chat.example:443", "chat.example", "https"),
            ("HTTPS://Chat.Example", "cHAT.example.", "https"),
            ("https://chat.example.", "chat.example", "https"),
            ("https://chat.example:8443", "chat.example:8443", "https"),
            ("http://chat.example", "chat.example:80", "http"),
            ("http://chat.example:80", "chat.example", ""),
            ("http://[::1]:8080", "[0:0::1]:8080", ""),
            ("http://[::1]", "[::1]:80", ""),
            ("https://chat.example", "chat.example", ""),
            ("https://chat.example", "chat.example:", "https"),
        ):
            self.assertTrue(self.own(origin, host, proto), (origin, host, proto))

    def test_not_own(self) -> None:
        """Another scheme, port or name is another site; and what is no origin is none of ours."""
        for origin, host, proto in (
            ("http://chat.example", "chat.example", "https"),
            ("http://chat.example:443", "chat.example:443", "https"),
            ("http://chat.example", "chat.example:443", "https"),
            ("https://chat.example", "chat.example:80", "https"),
            ("https://chat.example:8443", "chat.example", "https"),
            ("https://evil.example", "chat.example", "https"),
            ("https://chat.example.evil", "chat.example", "https"),
            ("https://chat.example@evil", "evil", "https"),
            ("https://x@chat.example", "chat.example", "https"),
            ("https://chat.example/", "chat.example", "https"),
            ("https://chat.example, https://evil", "chat.example", "https"),
            ("ftp://chat.example", "chat.example", ""),
            ("null", "null", ""),
            ("", "", ""),
            ("http://", "", ""),
            ("http://chat.example:99999", "chat.example:99999", ""),
            ("http://a..b", "a..b", ""),
            ("http://é", "é", ""),
        ):
            self.assertFalse(self.own(origin, host, proto), (origin, host, proto))

    def test_forwarded_host(self) -> None:
        """Nobody's X-Forwarded-Host is read."""
        line = [("X-Forwarded-Host", "evil.example")]
        self.assertFalse(peers().is_own(asked(PROXY, line), "http://evil.example"))
        self.assertTrue(peers().is_own(asked(PROXY, line), "http://chat.example"))


class HostTests(SynchronousTestCase):
    """`read_host`."""

    def test_hosts(self) -> None:
        """Each host is written in one form."""
        for said, found in (
            ("x", ("x", 0)), ("A.b:80", ("a.b", 80)), ("a.", ("a", 0)), ("a_b-c.d", ("a_b-c.d", 0)), ("a:", ("a", 0)),
            ("[::1]:8080", ("[::1]", 8080)), ("127.0.0.1:65535", ("127.0.0.1", 65535)), ("xn--zz", ("xn--zz", 0)),
            ("a" * 63 + ".b", ("a" * 63 + ".b", 0)), (".".join(["a" * 62] * 4), (".".join(["a" * 62] * 4), 0)),
        ):  # fmt: skip
            self.assertEqual(read_host(said), found or None, said)

    def test_none(self) -> None:
        """Values that aren't a host give None."""
        for said in (
            "", ".", "a..b", "example...", "..", "a" * 64, "a." * 130, ".a", "a b", " a", "a/b", "a:80:80", "a:-1",
            "a:x", "a:65536", "a:123456", "[::1", "::1", "[zz]", "[1.2.3.4]", "é", "\xff", "a@b", "a,b", "%41",
            "<b>", "\0", "a\n",
        ):  # fmt: skip
            self.assertIsNone(read_host(said), said)


class NodeTests(RunningNode):
    """A node behind a proxy that it trusts."""

    settings = {"limits": "off", "proxies": "127.0.0.0/8"}  # noqa: RUF012

    async def test_device(self) -> None:
        """A device is shown with the address of who logged in, its cookie is Secure, and only the page that came by
        TLS is ours."""
        one = await self.person()
        proxy = (
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-For: [2001:DB8::1]:51234, 127.0.0.9",
            "X-Forwarded-Proto: HTTPS",
        )
        for origin, status in (("http", 403), ("https", 200)):
            answer = await self.ask(
                "POST",
                "/user/login",
                *proxy,
                f"Origin: {origin}://{self.host}",
                body=f"mobile={one.mobile}&passwd={PASSWD}".encode(),
                media=FORM,
            )
            self.assertEqual(answer.status, status, answer)
            self.assertEqual("secure" in answer.header("set-cookie").lower(), status == 200)
        rows = (await one.post("/user/sessions")).rows
        self.assertIn("2001:db8::1", [row["address"] for row in rows])

    async def test_socket(self) -> None:
        """An upgrade that takes the shortcut is checked in the same way."""
        one = await self.person()
        cookie = f"Cookie: token={one.token}"
        self.assert_refused(
            await self.upgrade_refusal("/chat", cookie, "X-Forwarded-Proto: https", f"Origin: http://{self.host}"), 403
        )
        device = await self.knock("/chat", cookie, "X-Forwarded-Proto: https", f"Origin: https://{self.host}")
        self.assertTrue(device.open)

    async def test_figures(self) -> None:
        """Only who asks without a proxy is a program here."""
        self.assertEqual((await self.ask("GET", "/metrics")).status, 200)
        for line in (b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-For: \xff", b"Forwarded: for=127.0.0.1"):
            self.assert_refused(await self.ask("GET", "/metrics", line), 404)


class UnixTests(OnUnixSocket):
    """A node behind a proxy that comes by a Unix socket and speaks TLS to browsers."""

    settings = {"limits": "off", "proxies": "unix"}  # noqa: RUF012

    async def test_secure(self) -> None:
        """The cookie is Secure, the address is the client's, and by the cookie only a page with TLS enters."""
        said = ("X-Forwarded-For: 203.0.113.7:51234", "X-Forwarded-Proto: https")
        answer = await self.post("/user/register", *said, mobile="13500000001", passwd=PASSWD)
        self.assertIn("secure", answer.header("set-cookie").lower())
        cookie = f"Cookie: token={answer.data['token']}"
        rows = (await self.ask("GET", "/user/sessions", cookie, *said)).rows
        self.assertEqual([row["address"] for row in rows], ["203.0.113.7"])
        for scheme, opened in (("https", True), ("http", False)):
            device = await self.knock("/chat", cookie, *said, f"Origin: {scheme}://{self.host}")
            self.assertEqual(device.open, opened, device.refused)
        self.assert_refused(await self.ask("GET", "/metrics"), 404)
