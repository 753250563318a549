"""When the index of words is written, and how much of the node's time it takes."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from test.storage.rig import OnMySql, OnSqlite, asynchronous
from twim.logic import search_indexing
from twim.logic.search_indexing import LEAST_SHARE, LOOK_SECONDS, REPAIR_SECONDS, SETTLED_SECONDS, SearchIndexer
from twim.storage.search import segments
from twim.wire.commands import RECALL, SINGLE, TEXT
from twim.wire.message import Message

BASE = 4


class Indexed:
    """An indexer whose pauses take no time, but those between two looks."""

    def indexer(self: Any) -> SearchIndexer:
        """One more."""
        self.patch(segments, "BASE", BASE)
        self.clock = Clock()
        made = SearchIndexer(self.storage.database, self.clock, lambda: self.storage.now, lambda: self.cpu)
        self.pauses: list[float] = []

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)

        self.cpu = 0.0
        made._pause = pause  # type: ignore[method-assign]
        return made

    async def say(self: Any, count: int) -> None:
        """Let there be messages."""
        a, b = await self.storage.user(), await self.storage.user()
        said = [Message(userid=a.id, cmd=SINGLE, dstid=b.id, media=TEXT, content="x") for _ in range(count)]
        await self.storage.together(*said)

    async def live(self: Any) -> int:
        """How many segments there are."""
        found: int = len(await self.storage.database.read(segments.live))
        return found


class IndexerTests(Indexed, OnSqlite):
    """On SQLite."""

    @asynchronous
    async def test_steps(self) -> None:
        """Each step does one thing, until there is nothing to do; recalled words go after a while."""
        indexer = self.indexer()
        self.assertFalse(await indexer.step())
        await self.say(2 * BASE)
        self.assertTrue(await indexer.step())
        self.assertTrue(await indexer.step())
        self.assertFalse(await indexer.step())
        self.assertEqual(await self.live(), 2)
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id)
        await self.storage.say(a.id, b.id, "", media=RECALL, ref=1)
        await self.say(BASE)
        while await indexer.step():
            pass
        self.storage.now += int(1000 * REPAIR_SECONDS)
        seen = await indexer._indexing.overview()
        self.assertEqual(seen.changed, {})
        await self.storage.say(a.id, b.id)
        await self.say(BASE)
        while await indexer.step():
            pass
        await self.storage.say(a.id, b.id, "", media=RECALL, ref=3)
        self.assertFalse(await indexer.step())
        self.storage.now += int(1000 * REPAIR_SECONDS)
        self.assertTrue(await indexer.step())
        self.assertFalse(await indexer.step())

    @asynchronous
    async def test_share(self) -> None:
        """The pauses leave it a small part of the CPU time of the node, or of a core where the node does little, and
        more of it while nobody writes."""
        indexer = self.indexer()
        await indexer._pace(0.001)
        self.assertEqual(self.pauses, [0.001 / LEAST_SHARE])
        for busy, share in ((0.5, 0.015), (1.0, 0.03), (0.1, 0.01)):
            self.clock.advance(2)
            self.cpu += 2 * busy
            await indexer._pace(0.001)
            self.assertAlmostEqual(self.pauses[-1], 0.001 / share)
        await indexer.step()
        self.clock.advance(1)
        await indexer.step()
        self.assertTrue(indexer._hurried)
        await self.say(search_indexing.FEW + 1)
        self.clock.advance(1)
        await indexer.step()
        self.assertFalse(indexer._hurried)

    @asynchronous
    async def test_running(self) -> None:
        """It looks again and again until it is stopped, also after a failure."""
        self.patch(segments, "BASE", BASE)
        clock = Clock()
        indexer = SearchIndexer(self.storage.database, clock, lambda: self.storage.now)
        failing = [ValueError("this look fails")]
        step, looked = indexer.step, Deferred()

        async def observed() -> bool:
            if failing:
                raise failing.pop()
            found = await step()
            if not looked.called:
                looked.callback(None)
            return found

        async def unpaced(_: float) -> None:
            pass

        indexer.step = observed  # type: ignore[method-assign]
        indexer._indexing._pace = unpaced
        await self.say(BASE)
        indexer.start()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        clock.advance(LOOK_SECONDS)
        await looked
        await indexer.stop()
        self.assertGreater(await self.live(), 0)
        self.assertEqual(clock.getDelayedCalls(), [])


class SharedTests(Indexed, OnMySql):
    """On a database server, which nodes share."""

    @asynchronous
    async def test_settled(self) -> None:
        """What may still be on its way from another node is waited for."""
        indexer = self.indexer()
        await self.say(2 * BASE)
        self.assertFalse(await indexer.step())
        self.clock.advance(SETTLED_SECONDS - 1)
        self.assertFalse(await indexer.step())
        self.clock.advance(1)
        self.assertTrue(await indexer.step())

    @asynchronous
    async def test_one_of_two(self) -> None:
        """Of two nodes the one that has the lease writes the index."""
        first = self.indexer()
        await self.say(3 * BASE)
        await first.step()
        self.clock.advance(SETTLED_SECONDS)
        second = SearchIndexer(self.storage.database, self.clock, lambda: self.storage.now)
        self.assertFalse(await second.step())
        self.assertTrue(await first.step())
        self.assertFalse(await second.step())
        self.assertEqual(len(second._seen), 0)
