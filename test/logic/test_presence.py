"""Presence on a test's clock: friends are told at once who came, and only after the grace period who has gone."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from test.access.running_node import RunningNode
from twim.hub.hub import Hub
from twim.hub.outbox import Outboxes
from twim.hub.session import Session
from twim.logic.presence import GRACE_SECONDS, Presence
from twim.logic.routing import Routing
from twim.storage.interface import Circle


class FakeSocket:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def send(self, data: bytes) -> None:
        self.written += data

    def waits(self, above: int) -> int:
        return above

    def shut(self, code: int, reason: str) -> None:
        pass

    def told(self) -> list[bytes]:
        """The presence frames since the last call."""
        written, self.written = self.written, b""
        return [b"{" + one.partition(b"}")[0] for one in written.split(b"{")[1:]]


def frame(userid: int, online: int) -> bytes:
    return b'{"cmd":7,"userid":%d,"online":%d' % (userid, online)


class GraceTests(SynchronousTestCase):
    """1 and 2 are friends, 3 is a stranger to 1."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.hub = Hub()
        self.outboxes = Outboxes(self.clock)
        self.presence = Presence(self.hub, Routing(self.hub, self.outboxes, self.clock), self.clock)
        self.friends: dict[int, set[int]] = {1: {2}, 2: {1, 3}, 3: {2}}
        self.sockets = {2: FakeSocket(), 3: FakeSocket()}
        for userid, socket in self.sockets.items():
            self.come(userid, socket)
            self.sockets[2].told()

    def come(self, userid: int, socket: Any = None) -> Session:
        """Open one more device, as `Admission` does."""
        first = userid not in self.hub.users
        present = self.hub.enter(userid, Circle(self.friends[userid], set()))
        session = Session(present, 1, socket or FakeSocket(), self.outboxes)
        session.release({})
        self.hub.add(present, session)
        if first:
            self.presence.came(present)
        return session

    def go(self, session: Session) -> None:
        """Disconnect the device."""
        if self.hub.remove(session):
            self.presence.went(session.user)

    def test_told_at_once_and_after_the_grace(self) -> None:
        """Coming is told at once, going only after the grace period; a stranger is told nothing."""
        session = self.come(1)
        self.assertEqual(self.sockets[2].told(), [frame(1, 1)])
        self.go(session)
        self.clock.advance(GRACE_SECONDS - 0.01)
        self.assertEqual(self.sockets[2].told(), [])
        self.assertTrue(self.presence.online(1))
        self.clock.advance(0.02)
        self.assertEqual(self.sockets[2].told(), [frame(1, 0)])
        self.assertFalse(self.presence.online(1))
        self.assertEqual(self.sockets[3].told(), [])

    def test_back_within_the_grace(self) -> None:
        """A phone that changes its network within the grace period is told to nobody, however often."""
        session = self.come(1)
        self.sockets[2].told()
        for _ in range(5):
            self.go(session)
            self.clock.advance(GRACE_SECONDS - 0.01)
            session = self.come(1)
        self.clock.advance(10 * GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [])
        self.go(session)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [frame(1, 0)])

    def test_several_devices(self) -> None:
        """Only the first device that comes and the last that goes count."""
        first, second = self.come(1), self.come(1)
        self.assertEqual(self.sockets[2].told(), [frame(1, 1)])
        self.go(first)
        self.clock.advance(2 * GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [])
        self.go(second)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [frame(1, 0)])

    def test_both_leave(self) -> None:
        """A user who isn't connected is told nothing."""
        session = self.come(1)
        other = self.hub.users[2].sessions[0]
        self.go(other)
        self.go(session)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_friends_made_meanwhile(self) -> None:
        """When the grace period ends, the friends of that moment are told."""
        session = self.come(1)
        self.sockets[2].told()
        self.go(session)
        self.hub.parted(1, 2)
        self.hub.befriended(1, 3)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [])
        self.assertEqual(self.sockets[3].told(), [frame(1, 0)])

    def test_stop(self) -> None:
        """No timer is left."""
        self.go(self.come(1))
        self.presence.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LivingPresenceTests(RunningNode):
    """Presence on a running node with a clock of the test's own."""

    async def test_gone_and_back(self) -> None:
        """The presence frames and the list of friends agree."""
        clock = Clock()
        self.patch(self.node.presence, "_clock", clock)
        one, two = await self.friends()
        friend, device = await two.device(), await one.device()
        self.assertEqual((await friend.hear(cmd=7))["online"], 1)
        await device.leave()
        while one.id in self.node.hub.users:
            await friend.quiet()
        clock.advance(GRACE_SECONDS - 1)
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 1)
        device = await one.device()
        clock.advance(GRACE_SECONDS)
        await friend.quiet()
        self.assertEqual([f["online"] for f in friend.heard if f["cmd"] == 7], [1])
        await device.leave()
        while one.id in self.node.hub.users:
            await friend.quiet()
        clock.advance(GRACE_SECONDS)
        self.assertEqual(await friend.hear(cmd=7), {"cmd": 7, "userid": one.id, "online": 0})
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 0)
        await friend.leave()
        while two.id in self.node.hub.users:
            await one.get("/user/sessions")
