"""Which answers carry Strict-Transport-Security."""

from __future__ import annotations

from typing import Any, ClassVar

from test.access.running_node import RunningNode
from test.access.websocket import test_tls

HEADER = "strict-transport-security"


class ByTls(RunningNode):
    """The server speaks TLS itself."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "hsts": "86400"}
    listen: Any = test_tls.TlsTests.listen
    way_in: Any = test_tls.TlsTests.way_in

    async def test_everything(self) -> None:
        """Pages, files, answers and refusals have the header."""
        for path in ("/user/login.shtml", "/asset/icon.svg", "/settings", "/nothing", "/user/find", "/health/live"):
            self.assertEqual((await self.ask("GET", path)).header(HEADER), "max-age=86400", path)


class ByProxy(RunningNode):
    """A trusted proxy speaks TLS."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "proxies": "127.0.0.1"}

    async def test_scheme(self) -> None:
        """A year long, and never in the clear, where it would mean nothing."""
        secure = await self.ask("GET", "/settings", "X-Forwarded-Proto: https")
        self.assertEqual(secure.header(HEADER), "max-age=31536000")
        for line in ("X-Forwarded-Proto: http", "X-Other: https"):
            self.assertEqual((await self.ask("GET", "/settings", line)).header(HEADER), "")


class Untrusted(RunningNode):
    """An untrusted proxy says that it speaks TLS."""

    async def test_scheme(self) -> None:
        """It isn't believed."""
        self.assertEqual((await self.ask("GET", "/settings", "X-Forwarded-Proto: https")).header(HEADER), "")


class SecretPaths(RunningNode):
    """Pages whose address has a secret."""

    async def test_referrer(self) -> None:
        """No Referer is sent from these pages, whatever they answer."""
        for path in ("/i/abc", "/reset/abc", "/hook/abc"):
            self.assertEqual((await self.ask("GET", path)).header("referrer-policy"), "no-referrer", path)
        self.assertEqual((await self.ask("GET", "/user/login.shtml")).header("referrer-policy"), "same-origin")
