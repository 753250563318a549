"""Presence by a clock: friends hear at once who came, and only after the grace who is gone."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from test.access.living import Living
from twim.access.roster import Roster
from twim.access.session import Session
from twim.logic.presence import GRACE_SECONDS, Presence
from twim.logic.routing import Routing


class FakeSocket:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def send(self, data: bytes) -> None:
        self.written += data

    def shut(self, code: int, reason: str) -> None:
        pass

    def told(self) -> list[bytes]:
        """The presence frames since the last time."""
        written, self.written = self.written, b""
        return [b"{" + one.partition(b"}")[0] for one in written.split(b"{")[1:]]


def frame(userid: int, online: int) -> bytes:
    return b'{"cmd":7,"userid":%d,"online":%d' % (userid, online)


class GraceTests(SynchronousTestCase):
    """1 and 2 are friends, 3 is a stranger to 1."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.roster = Roster()
        self.dirty: list[Session] = []
        self.presence = Presence(self.roster, Routing(self.roster, self.dirty, self.clock), self.clock)
        self.friends: dict[int, set[int]] = {1: {2}, 2: {1, 3}, 3: {2}}
        self.sockets = {2: FakeSocket(), 3: FakeSocket()}
        for userid, socket in self.sockets.items():
            self.come(userid, socket)
            self.sockets[2].told()

    def come(self, userid: int, socket: Any = None) -> Session:
        """One more device, as the lobby lets it in."""
        first = userid not in self.roster.users
        present = self.roster.enter(userid, self.friends[userid], set())
        session = Session(present, 1, socket or FakeSocket(), self.dirty)
        session.release({})
        self.roster.add(present, session)
        if first:
            self.presence.came(present)
        return session

    def go(self, session: Session) -> None:
        """The device is gone."""
        if self.roster.remove(session.user, session):
            self.presence.went(session.user)

    def test_told_at_once_and_after_the_grace(self) -> None:
        """Coming is told at once, going only when the grace is over; a stranger hears nothing."""
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
        """A phone that changes its network is told to nobody, however often."""
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
        """Only the first that comes and the last that goes count."""
        first, second = self.come(1), self.come(1)
        self.assertEqual(self.sockets[2].told(), [frame(1, 1)])
        self.go(first)
        self.clock.advance(2 * GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [])
        self.go(second)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [frame(1, 0)])

    def test_both_leave(self) -> None:
        """Nobody is told who isn't here."""
        session = self.come(1)
        other = self.roster.users[2].sessions[0]
        self.go(other)
        self.go(session)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_friends_made_meanwhile(self) -> None:
        """Who became a friend, or ceased to be one, before the grace was over counts as it is then."""
        session = self.come(1)
        self.sockets[2].told()
        self.go(session)
        self.roster.parted(1, 2)
        self.roster.befriended(1, 3)
        self.clock.advance(GRACE_SECONDS)
        self.assertEqual(self.sockets[2].told(), [])
        self.assertEqual(self.sockets[3].told(), [frame(1, 0)])

    def test_stop(self) -> None:
        """Nothing is left on the clock."""
        self.go(self.come(1))
        self.presence.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class LivingPresenceTests(Living):
    """The same on a living node, its presence on a clock of ours."""

    async def test_gone_and_back(self) -> None:
        """The friend's frames and its list agree."""
        clock = Clock()
        self.patch(self.node.presence, "_clock", clock)
        one, two = await self.friends()
        friend, device = await two.device(), await one.device()
        self.assertEqual((await friend.hear(cmd=7))["online"], 1)
        await device.leave()
        while one.id in self.node.roster.users:
            await friend.quiet()
        clock.advance(GRACE_SECONDS - 1)
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 1)
        device = await one.device()
        clock.advance(GRACE_SECONDS)
        await friend.quiet()
        self.assertEqual([f["online"] for f in friend.heard if f["cmd"] == 7], [1])
        await device.leave()
        while one.id in self.node.roster.users:
            await friend.quiet()
        clock.advance(GRACE_SECONDS)
        self.assertEqual(await friend.hear(cmd=7), {"cmd": 7, "userid": one.id, "online": 0})
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 0)
        await friend.leave()
        while two.id in self.node.roster.users:
            await one.get("/user/sessions")
