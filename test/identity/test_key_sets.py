"""A key set that changes, or whose server is gone."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from test.identity.signing import in_set
from twim.identity.fetching import Unreachable
from twim.identity.key_sets import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, KeySet


class KeySetTests(SynchronousTestCase):
    """The set at a URL whose server is this test."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.fetched = 0
        self.served: Any = {"keys": [in_set("EdDSA", "a"), in_set("ES256", "e")]}
        self.slow: Deferred[None] | None = None
        self.set = KeySet("https://idp.example/keys", self.get, self.clock.seconds)

    async def get(self, url: str) -> dict[str, Any]:
        self.fetched += 1
        if self.slow is not None:
            await self.slow
        if self.served is None:
            raise Unreachable("gone")
        return dict(self.served)

    def asked(self, kid: str | None = "a", algorithm: str = "EdDSA") -> Deferred[list[Any]]:
        return Deferred.fromCoroutine(self.set.find(kid, algorithm))

    def found(self, kid: str | None = "a", algorithm: str = "EdDSA") -> int:
        return len(self.successResultOf(self.asked(kid, algorithm)))

    def test_kept(self) -> None:
        """Keys are fetched once, and again when they aren't fresh."""
        self.assertEqual([self.found() for _ in range(3)], [1, 1, 1])
        self.assertEqual(self.fetched, 1)
        self.clock.advance(FRESH_SECONDS + 1)
        self.served = {"keys": [in_set("EdDSA", "b", 1)]}
        self.assertEqual((self.found("b"), self.found("a")), (1, 0))

    def test_at_once(self) -> None:
        """Many who come at once wait for one fetch, and one who goes away doesn't end it."""
        self.slow = Deferred()
        asked = [self.asked() for _ in range(4)]
        asked[0].addErrback(lambda _: None)
        asked[0].cancel()
        self.slow.callback(None)
        for one in asked[1:]:
            self.assertEqual(len(self.successResultOf(one)), 1)
        self.assertEqual(self.fetched, 1)

    def test_rotation(self) -> None:
        """A token that names an unknown key makes the set be fetched again, a few times at once and then seldom."""
        self.found()
        self.served = {"keys": [in_set("EdDSA", "b", 1)]}
        self.assertEqual(self.found("b"), 1)
        self.assertEqual([self.found(f"x{number}") for number in range(20)], [0] * 20)
        self.assertEqual(self.fetched, 6)
        self.served = {"keys": [in_set("EdDSA", "c", 2)]}
        self.assertEqual(self.found("c"), 0)
        self.clock.advance(60)
        self.assertEqual(self.found("c"), 1)
        self.assertEqual(self.fetched, 7)

    def test_other_algorithms(self) -> None:
        """A key is for its own algorithm, and one that no set can have asks for nothing."""
        self.assertEqual(self.found("a", "ES256"), 0)
        fetched = self.fetched
        for algorithm in ("none", "HS256", "PS256"):
            self.assertEqual(self.found("new", algorithm), 0)
        self.assertEqual(self.fetched, fetched)

    def test_without_name(self) -> None:
        """A token that names no key is verified by the only one for its algorithm, and by none of two."""
        self.assertEqual(self.found(None), 1)
        self.served["keys"].append(in_set("EdDSA", "b", 1))
        self.clock.advance(FRESH_SECONDS + 1)
        self.assertEqual(self.found(None), 0)

    def test_unreachable(self) -> None:
        """Without keys tokens can't be verified, and the server isn't asked at each; with some that were fetched within
        a day they can."""
        good, self.served = self.served, None
        for _ in range(3):
            self.failureResultOf(self.asked(), Unreachable)
        self.assertEqual(self.fetched, 1)
        self.served = good
        self.clock.advance(PAUSE_SECONDS + 1)
        self.assertEqual(self.found(), 1)
        self.served = None
        self.clock.advance(FRESH_SECONDS + 1)
        self.assertEqual([self.found() for _ in range(3)], [1, 1, 1])
        self.assertEqual(self.fetched, 3)
        self.failureResultOf(self.asked("unknown"), Unreachable)
        self.clock.advance(STALE_SECONDS)
        self.failureResultOf(self.asked(), Unreachable)

    def test_no_set(self) -> None:
        """An answer that is no key set is as good as none."""
        self.served = {"error": "sorry"}
        self.failureResultOf(self.asked(), Unreachable)
