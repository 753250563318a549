"""What is offered when TLS is negotiated, and what comes of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.access.http import http2
from twim.access.http.channel import Channel
from twim.access.http.http2_connection import Http2Connection
from twim.access.websocket.connection import ConnectionFactory


class Negotiated:
    """The least of a transport whose client agreed upon a protocol."""

    def __init__(self, protocol: bytes | None) -> None:
        self.negotiatedProtocol = protocol


class OfferTests(SynchronousTestCase):
    """HTTP/2 is there when its package is."""

    def factory(self) -> ConnectionFactory:
        nothing: Any = None
        upgrade: Any = SimpleNamespace(shortcuts=frozenset())
        return ConnectionFactory(nothing, nothing, nothing, upgrade, Clock())

    def test_installed(self) -> None:
        """Both are offered, the better one first, and a connection has what was agreed upon."""
        factory = self.factory()
        self.assertEqual(factory.acceptableProtocols(), [b"h2", b"http/1.1"])
        self.assertIsInstance(factory.build_protocol(Negotiated(b"h2")), Http2Connection)
        for transport in (Negotiated(b"http/1.1"), Negotiated(None), object()):
            channel = factory.build_protocol(transport)
            self.assertIsInstance(getattr(channel, "_channel", channel), Channel)

    def test_not_installed(self) -> None:
        """Without the package everything is HTTP/1.1."""
        self.patch(http2, "find_spec", lambda name: None)
        factory = self.factory()
        self.assertEqual(factory.acceptableProtocols(), [b"http/1.1"])
        self.assertIsInstance(factory.build_protocol(Negotiated(b"h2")), Channel)
