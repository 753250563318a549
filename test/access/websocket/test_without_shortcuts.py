"""The WebSocket of a living node, by plain Twisted and Autobahn: the tests of the shortcuts' ways once more."""

from __future__ import annotations

from typing import ClassVar

from test.access.running_node import RunningNode
from test.access.websocket import test_chat, test_tls

OFF = {"shortcuts": "off"}


class UpgradeWithoutShortcuts(test_chat.UpgradeTests):
    settings: ClassVar[dict[str, str]] = OFF


class WrongWithoutShortcuts(test_chat.WrongTests):
    settings: ClassVar[dict[str, str]] = OFF


class OddFrameWithoutShortcuts(test_chat.OddFrameTests):
    settings: ClassVar[dict[str, str]] = OFF


class SlowWithoutShortcuts(test_chat.SlowTests):
    settings: ClassVar[dict[str, str]] = OFF


class TlsWithoutShortcuts(test_tls.TlsTests):
    settings: ClassVar[dict[str, str]] = OFF


class PlainProtocol(RunningNode):
    """What a connection is."""

    settings: ClassVar[dict[str, str]] = OFF

    async def test_plain(self) -> None:
        """Nothing stands in front of Autobahn's class, and nothing is written past the transport."""
        one = await self.person()
        device = await self.knock(f"/chat?token={one.token}")
        self.assertTrue(device.open)
        (session,) = self.node.hub.sessions_of(one.id)
        kind = type(session.socket)
        self.assertEqual((kind.__name__, kind.__module__), ("ChatProtocol", "twim.access.websocket.protocol"))
        self.assertIsNone(session.socket.send_now)
        self.assertIn("openHandshakeTimeout", vars(session.socket))
