"""What waits to be pushed: collapsed, bounded, tried again, and never pushed to who is connected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from test.outbound.browser import Browser
from twim.errors import Unavailable
from twim.logic import pushing
from twim.logic.pushing import AGAIN_SECONDS, GATHER_SECONDS, LANES, LONGEST_SECONDS, TRIES, WAITING, Pushing
from twim.outbound.push_service import Fate, Outcome, Subscription
from twim.storage.interface import Conversation, Post
from twim.storage.push_receivers import Receiver, Stored, Wanted
from twim.wire.commands import EDIT, GROUP, SINGLE, TEXT
from twim.wire.message import Message

ANN, BEN, CAT, TEAM = 1, 2, 3, 9
TAKEN = Outcome(Fate.TAKEN)
KEYS = Browser()


class Service:
    """A push service whose answers the test gives, at once or later."""

    def __init__(self) -> None:
        self.pushes: list[tuple[int, bytes, str]] = []
        self.answers: list[Outcome | Deferred[Outcome]] = []

    async def push(self, to: Subscription, payload: bytes, topic: str) -> Outcome:
        self.pushes.append((to.id, payload, topic))
        answer = self.answers.pop(0) if self.answers else TAKEN
        return await answer if isinstance(answer, Deferred) else answer

    def said(self) -> list[str]:
        return [payload.decode().rpartition('"words":"')[2].removesuffix('"}') for _, payload, _ in self.pushes]


class Receivers:
    """Everybody who subscribed has one browser, whose subscription has the user's id, and takes part in everything."""

    def __init__(self, subscribed: set[int]) -> None:
        self.subscribed = subscribed
        self.asked: list[Sequence[Wanted]] = []
        self.failing = False
        self.quiet = ""

    def read(self, wanted: Sequence[Wanted]) -> Deferred[list[Receiver]]:
        self.asked.append(list(wanted))
        if self.failing:
            return fail(Unavailable())
        found = []
        for one in wanted:
            for user in [one.userid] if one.userid else sorted(self.subscribed - {one.sender}):
                endpoint = f"https://push{user % 2}.example/{user}"
                stored = Stored(user, user, endpoint, KEYS.p256dh, KEYS.auth, "")
                found.append(Receiver(one._replace(userid=user), "Ann", "", True, self.quiet, "", [stored]))
        return succeed(found)


class Subscriptions:
    """Who subscribed, and which subscriptions are gone."""

    def __init__(self, users: set[int]) -> None:
        self.users = users
        self.ended: list[int] = []

    def gone(self, subscription_id: int) -> None:
        self.ended.append(subscription_id)


class PushingTests(SynchronousTestCase):
    """`Pushing` over a push service and a storage whose failures the test chooses; Ben and Cat have subscribed."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.connected = {ANN}
        self.service = Service()
        users = {BEN, CAT}
        self.receivers = Receivers(users)
        self.subscriptions = Subscriptions(users)
        self.pushing = self.made()
        self.addCleanup(self.pushing.stop)
        self.seqs: dict[tuple[int, int], int] = {}

    def made(self) -> Pushing:
        parts: Any = (self.subscriptions, self.receivers, self.service)
        return Pushing(*parts, b"key", self.connected.__contains__, self.clock, lambda: 1_700_000_000_000)

    def post(self, dstid: int, words: str, scope: int = SINGLE, sender: int = ANN, media: int = TEXT) -> Post:
        seq = self.seqs[scope, dstid] = self.seqs.get((scope, dstid), 0) + 1
        said = Message(userid=sender, cmd=scope, dstid=dstid, media=media, content=words, seq=seq, at=1)
        return Post(None, said, Conversation(1, scope, 1, 2, seq), b"{}")

    def say(self, dstid: int, words: str, scope: int = SINGLE, **more: Any) -> None:
        self.pushing.take([self.post(dstid, words, scope, **more)])

    def gather(self) -> None:
        self.clock.advance(GATHER_SECONDS)

    def test_nobody(self) -> None:
        """Messages to who has no subscription, to oneself, events, refusals and repeats are looked for nowhere."""
        self.say(4, "a")
        self.say(BEN, "b", sender=BEN)
        self.say(BEN, "c", media=EDIT)
        refused, repeated = self.post(BEN, "d"), self.post(BEN, "e")
        refused.refused, repeated.first = Unavailable(), (SINGLE, BEN, 1, 1)
        self.pushing.take([refused, repeated])
        self.subscriptions.users = set()
        self.say(TEAM, "f", GROUP)
        self.gather()
        self.assertEqual(self.receivers.asked, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_collapsed(self) -> None:
        """Of each conversation the newest message is pushed, in one question for all."""
        for words in ("a", "b"):
            self.say(BEN, words)
            self.say(TEAM, words.upper(), GROUP)
        self.assertEqual(self.service.pushes, [])
        self.gather()
        self.assertEqual(len(self.receivers.asked), 1)
        self.assertEqual(sorted(self.service.said()), ["B", "B", "b"])
        self.assertEqual(self.pushing.pushed, 3)

    def test_connected(self) -> None:
        """Who is connected, or quiet, is not pushed to."""
        self.connected |= {BEN, CAT}
        self.say(BEN, "a")
        self.say(TEAM, "b", GROUP)
        self.gather()
        self.assertEqual(self.service.pushes, [])
        self.connected.remove(CAT)
        self.say(BEN, "c")
        self.say(TEAM, "d", GROUP)
        self.gather()
        self.assertEqual([to for to, _, _ in self.service.pushes], [CAT])
        self.receivers.quiet = "00:00-23:59"
        self.say(TEAM, "e", GROUP)
        self.gather()
        self.assertEqual(len(self.service.pushes), 1)

    def test_fell_asleep(self) -> None:
        """Who seemed to be connected when a message came, and is found to be gone later, is told then, of the newest;
        who has stayed isn't, and neither is looked for again."""
        self.connected |= {BEN, CAT}
        self.say(BEN, "a")
        self.say(TEAM, "b", GROUP)
        self.gather()
        self.clock.advance(AGAIN_SECONDS / 2)
        self.say(BEN, "c")
        self.gather()
        self.connected.remove(BEN)
        self.clock.advance(AGAIN_SECONDS / 2)
        self.gather()
        self.assertEqual(sorted(self.service.said()), ["b", "c"])
        self.assertEqual({to for to, _, _ in self.service.pushes}, {BEN})
        self.clock.advance(AGAIN_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_all_come_back(self) -> None:
        """One who comes back before it is looked again, and stays, is told nothing."""
        self.connected.add(BEN)
        self.say(BEN, "a")
        self.gather()
        self.clock.advance(AGAIN_SECONDS / 2)
        self.say(CAT, "b")
        self.gather()
        self.clock.advance(AGAIN_SECONDS)
        self.gather()
        self.assertEqual(self.service.said(), ["b"])

    def test_one_at_a_time(self) -> None:
        """While a push service is slow, a subscription waits with its newest messages; others don't."""
        slow: Deferred[Outcome] = Deferred()
        self.service.answers = [slow]
        self.say(BEN, "a")
        self.gather()
        for words in ("b", "c"):
            self.say(BEN, words)
            self.gather()
        self.say(CAT, "d")
        self.gather()
        self.assertEqual(self.service.said(), ["a", "d"])
        slow.callback(TAKEN)
        self.assertEqual(self.service.said(), ["a", "d", "c"])

    def test_came_back(self) -> None:
        """Who connects while a push waits is not told any more."""
        slow: Deferred[Outcome] = Deferred()
        self.service.answers = [slow]
        self.say(BEN, "a")
        self.gather()
        self.say(BEN, "b")
        self.gather()
        self.connected.add(BEN)
        slow.callback(TAKEN)
        self.assertEqual(self.service.said(), ["a"])

    def test_gone(self) -> None:
        """A subscription that isn't there any more is dropped with all that waits for it."""
        slow: Deferred[Outcome] = Deferred()
        self.service.answers = [slow]
        self.say(BEN, "a")
        self.gather()
        self.say(BEN, "b")
        self.gather()
        slow.callback(Outcome(Fate.GONE))
        self.assertEqual((self.subscriptions.ended, self.service.said()), ([BEN], ["a"]))

    def test_refused(self) -> None:
        """What is refused for good is not tried again."""
        self.service.answers = [Outcome(Fate.REFUSED, why="status 400")]
        self.say(BEN, "a")
        self.gather()
        self.clock.advance(LONGEST_SECONDS)
        self.assertEqual((self.service.said(), self.pushing.dropped), (["a"], 1))

    def test_later(self) -> None:
        """A push service that has too much is left alone as long as it says; then all is looked at again, for this
        subscription alone."""
        self.service.answers = [Outcome(Fate.LATER, 60.0)]
        self.say(BEN, "a")
        self.gather()
        self.say(4, "unheard")
        self.subscriptions.users.add(4)  # of the same push service
        self.say(4, "b")
        self.gather()
        self.clock.advance(58)
        self.assertEqual(self.service.said(), ["a"])
        self.clock.advance(3)
        self.gather()
        self.assertEqual(sorted(self.service.said()), ["a", "a", "b"])
        self.assertEqual({one.only for one in self.receivers.asked[-1]}, {BEN, 4})

    def test_longer_each_time(self) -> None:
        """One that goes on failing is tried less often, and a push is given up after some tries."""
        self.service.answers = [Outcome(Fate.LATER, 30.0)] * 9
        self.say(BEN, "a")
        self.gather()
        for seconds in (30, 60, 120):
            tried = len(self.service.pushes)
            self.clock.advance(seconds - GATHER_SECONDS)
            self.gather()
            self.assertEqual(len(self.service.pushes), tried)
            self.gather()
            self.assertEqual(len(self.service.pushes), tried + 1)
        self.assertEqual((len(self.service.pushes), self.pushing.dropped), (TRIES, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_newer_wins(self) -> None:
        """What is tried again doesn't come after a newer message of its conversation."""
        self.service.answers = [Outcome(Fate.LATER, 30.0)]
        self.say(BEN, "a")
        self.gather()
        self.clock.advance(30 - GATHER_SECONDS / 2)
        self.say(BEN, "b")
        self.clock.advance(GATHER_SECONDS / 2)
        self.gather()
        self.assertEqual(self.service.said(), ["a", "a", "b"])

    def test_storage(self) -> None:
        """While the storage can't be read nothing is pushed, and later messages are."""
        self.receivers.failing = True
        self.say(BEN, "a")
        self.gather()
        self.receivers.failing = False
        self.say(BEN, "b")
        self.gather()
        self.assertEqual(self.service.said(), ["b"])

    def test_bounds(self) -> None:
        """What waits is bounded: conversations, subscriptions, push services."""
        self.patch(pushing, "WAITING", 1)
        self.say(BEN, "a")
        self.say(CAT, "b")
        self.say(BEN, "c")
        self.assertEqual(self.pushing.dropped, 1)
        self.service.answers = [Deferred()]
        self.patch(pushing, "LANES", 1)
        self.gather()
        self.say(CAT, "d")
        self.gather()
        self.assertEqual((self.service.said(), self.pushing.dropped), (["c"], 2))
        self.assertGreater(min(WAITING, LANES), 1_000)

    def test_many_services(self) -> None:
        """Of however many push services fail, few are remembered."""
        self.patch(pushing, "PAUSED", 1)
        self.service.answers = [Outcome(Fate.LATER, 60.0)] * 2
        self.say(BEN, "a")
        self.say(CAT, "b")
        self.gather()
        self.assertEqual(len(self.pushing._pauses), 1)

    def test_stop(self) -> None:
        """After the end nothing is pushed, and no timer is left."""
        slow: Deferred[Outcome] = Deferred()
        self.service.answers = [Outcome(Fate.LATER, 60.0), slow]
        self.say(BEN, "a")
        self.say(CAT, "b")
        self.gather()
        self.say(CAT, "c")
        self.gather()
        self.say(BEN, "d")
        self.pushing.stop()
        slow.callback(Outcome(Fate.LATER, 5.0))
        self.say(BEN, "e")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.service.said(), ["a", "b"])
