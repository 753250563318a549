"""Who has a lease, on two nodes with a clock, over a real store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from twim.errors import Unavailable
from twim.logic.leases import BEAT_SECONDS, HOLD_SECONDS, TAKE_SECONDS, Lease
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.leases import LeaseStore
from twim.storage.opening import open_database


class LeaseTests(TestCase):
    """Nodes `a` and `b`, each with a clock of its own."""

    def setUp(self) -> None:
        url = parse_url(f"sqlite:///{Path(self.mktemp()).absolute()}.db")
        self.database = Database(url, reactor)
        open_database(self.database)
        self.database.start()
        self.addCleanup(self.database.stop)
        self.store = LeaseStore(self.database)
        self.events: list[tuple[object, ...]] = []
        self.clocks = {"a": Clock(), "b": Clock()}

    def lease(self, node: str, alone: bool = False) -> Lease:
        store: Any = self.store
        lease = Lease(
            *(store, "x", node, alone, self.clocks[node]),
            lambda fence: self.events.append((node, fence)),
            lambda: self.events.append((node, "lost")),
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(lease.stop()))
        return lease

    async def turn(self, lease: Lease, times: int = 1) -> None:
        """Let so many beats or looks go by on its node."""
        for _ in range(times):
            self.clocks[lease._node].advance(BEAT_SECONDS)
            await lease._turned

    async def begun(self, node: str, alone: bool = False) -> Lease:
        lease = self.lease(node, alone)
        lease.start()
        await lease._turned
        return lease

    async def test_one_holds(self) -> None:
        """The first one has it as long as it lives, whatever the other's clock says."""
        a, b = await self.begun("a"), await self.begun("b")
        self.assertEqual((a.fence, b.fence, self.events), (1, None, [("a", 1)]))
        for _ in range(10):
            await self.turn(a)
            await self.turn(b, 3)
        self.assertEqual((a.fence, b.fence, self.events), (1, None, [("a", 1)]))

    async def test_holder_dies(self) -> None:
        """Another one takes it once there was no beat for long enough, with the next fence."""
        a, b = await self.begun("a"), await self.begun("b")
        turns = int(TAKE_SECONDS // BEAT_SECONDS)
        await self.turn(b, turns)
        self.assertIsNone(b.fence)
        await self.turn(b)
        self.assertEqual(b.fence, 2)
        await self.turn(a)
        self.assertEqual((a.fence, self.events[1:]), (None, [("b", 2), ("a", "lost")]))
        await self.turn(a)
        self.assertIsNone(a.fence)

    async def test_holder_stops_before(self) -> None:
        """A holder that can't show that it lives has stopped by itself before another one may take the lease."""
        self.assertLess(HOLD_SECONDS, TAKE_SECONDS)
        a = await self.begun("a")
        self.patch(self.store, "beat", lambda *given: fail(Unavailable()))
        await self.turn(a, int(HOLD_SECONDS // BEAT_SECONDS) - 1)
        self.assertEqual((a.fence, len(self.events)), (1, 1))
        self.clocks["a"].advance(BEAT_SECONDS)
        self.assertIsNone(a.fence)
        await a._turned
        self.assertEqual(self.events[1:], [("a", "lost")])

    async def test_given_back(self) -> None:
        """After a stop another one has it at its next look."""
        a, b = await self.begun("a"), await self.begun("b")
        await a.stop()
        self.assertEqual((a.fence, self.events[1:]), (None, [("a", "lost")]))
        await self.turn(b)
        self.assertEqual(b.fence, 2)
        a.start()
        await a._turned
        self.assertIsNone(a.fence)

    async def test_alone(self) -> None:
        """Who alone uses the database waits for nobody."""
        await self.begun("a")
        self.assertEqual((await self.begun("b", alone=True)).fence, 2)

    async def test_lost(self) -> None:
        """What is refused by its fence ends it; an earlier fence says nothing of the one it has now."""
        a = await self.begun("a")
        a.lose(0)
        self.assertEqual(a.fence, 1)
        a.lose(1)
        self.assertEqual((a.fence, self.events[1:]), (None, [("a", "lost")]))
