"""What the store of attempts promises on every database."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import gatherResults

from test.storage.rig import Storage, asynchronous
from twim.storage.attempts import KNOWN, AttemptStore, Count, Delay, Quota, key_of

NOW = 1_700_000_000_000


class AnyAttempts:
    """Counts of attempts, and the browsers and addresses that an account is known by."""

    storage: Storage

    def store(self) -> AttemptStore:
        return AttemptStore(self.storage.database)

    @asynchronous
    async def test_quota(self: Any) -> None:
        """A quota allows so many at once, then one each time one has expired; a refusal isn't counted."""
        store = self.store()
        quota = [Count(key_of("a"), Quota(leak=1 / 60, most=3))]
        self.assertEqual([await store.take(quota, NOW) for _ in range(5)], [0, 0, 0, 60_000, 60_000])
        self.assertEqual(await store.wait(quota, NOW + 30_000), 30_000)
        self.assertEqual([await store.take(quota, NOW + 60_000) for _ in range(2)], [0, 60_000])
        self.assertEqual(await store.take([Count(key_of("b"), quota[0].bound)], NOW), 0)

    @asynchronous
    async def test_delay(self: Any) -> None:
        """After the free attempts each one doubles the next wait, up to the longest."""
        store = self.store()
        delay = [Count(key_of("a"), Delay(leak=1e-9, free=2, step=1, longest=5.0))]
        now, waits = NOW, []
        for _ in range(7):
            wait = await store.take(delay, now)
            if wait:
                waits.append(wait)
                now += wait
                self.assertEqual(await store.take(delay, now), 0)
        self.assertEqual(waits, [1000, 2000, 4000, 5000, 5000])

    @asynchronous
    async def test_all_or_nothing(self: Any) -> None:
        """If one of several counts requires a wait, none of them rises."""
        store = self.store()
        one, other = (Count(key_of(name), Quota(leak=1 / 60, most=most)) for name, most in (("a", 1), ("b", 2)))
        self.assertEqual(await store.take([one, other], NOW), 0)
        self.assertGreater(await store.take([one, other], NOW), 0)
        self.assertEqual(await store.take([other], NOW), 0)

    @asynchronous
    async def test_at_once(self: Any) -> None:
        """Of many attempts at the same moment exactly as many pass as are allowed."""
        store = self.store()
        quota = [Count(key_of("a"), Quota(leak=1 / 60, most=5))]
        waits = await gatherResults([store.take(quota, NOW) for _ in range(20)], consumeErrors=True)
        self.assertEqual(waits.count(0), 5)

    @asynchronous
    async def test_forgiven(self: Any) -> None:
        """A success is subtracted from some counts and clears others."""
        store = self.store()
        own, others = (Count(key_of(name), Quota(leak=1e-9, most=3)) for name in "ab")
        for _ in range(2):
            await store.take([own, others], NOW)
        await store.forgive([others], [own], NOW)
        self.assertEqual([await store.take([own], NOW) == 0 for _ in range(4)], [True, True, True, False])
        self.assertEqual([await store.take([others], NOW) == 0 for _ in range(3)], [True, True, False])

    @asynchronous
    async def test_known(self: Any) -> None:
        """An account is known by what it was last used from, and other accounts aren't."""
        store = self.store()
        ann = await self.storage.user(mobile="13800000001")
        await self.storage.user(mobile="13800000002")
        hashes = [key_of(number) for number in range(KNOWN + 3)]
        await store.know(ann.id, hashes[:2])
        await store.know(ann.id, hashes[:2])
        self.assertEqual(await store.known("13800000001", hashes[1:3]), {hashes[1]})
        for mobile in ("13800000002", "13800000003"):
            self.assertEqual(await store.known(mobile, hashes), set())
        for one in hashes[2:]:
            await store.know(ann.id, [one])
        self.assertEqual(len(await store.known("13800000001", hashes)), KNOWN)
