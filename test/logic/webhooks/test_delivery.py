"""When a webhook is tried again, and when not: a delivery with a clock, over scripted events and answers."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import Unavailable
from twim.logic.webhooks import pacing
from twim.logic.webhooks.delivery import AT_ONCE, GIVE_UP_MS, LONGEST_SECONDS, Delivery, Means
from twim.logic.webhooks.pacing import Pacing
from twim.outbound.requests import Answer, NotAnswered
from twim.storage.leases import LeaseLost
from twim.storage.webhook_events import Event, Waiting
from twim.storage.webhooks import Webhook

HOOK = Webhook(3, "http://a.example/", "secret", "message", 0, "ok", 0, "", 0, 10, 0, 0)


class Events:
    """What waits: each a number, of the conversation that `chain_of` gives."""

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self.fails = False

    async def read(self, log: int, happened: int, limit: int = 0) -> Waiting:
        if self.fails:
            raise Unavailable
        left = [one for one in self.waiting if one > log]
        events = [Event(str(one), one % 10, "message", one, {}, {}) for one in left]
        return Waiting(events, max([log, *left]), happened, False, False)


class Requests:
    """Keeps when which event was sent, and answers with `status` (0: not reached), or when the test says so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.sent: list[tuple[float, str]] = []
        self.statuses: dict[str, int] = {}
        self.status = 200
        self.held: list[Deferred[None]] | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str], **bounds: Any) -> Answer:
        its_id = body.decode().partition('"id":"')[2].partition('"')[0]
        self.sent.append((self._clock.seconds(), its_id))
        if self.held is not None:
            waiting: Deferred[None] = Deferred()
            self.held.append(waiting)
            await waiting
        status = self.statuses.get(its_id, self.status)
        if not status:
            raise NotAnswered("not reached")
        return Answer(status, {}, b"")


class Store:
    """Keeps what is written down."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.moved: list[int] = []
        self.is_lost = False

    async def tell(self, fence: int, id: int, retries: int, state: str, since: int, failure: str) -> None:
        self.told.append((state, since, failure))

    async def move(self, fence: int, id: int, log: int, happened: int) -> None:
        if self.is_lost:
            raise LeaseLost("another node")
        self.moved.append(log)


class DeliveryTests(SynchronousTestCase):
    """One webhook, that stands at message 10."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.patch(pacing, "EVENT_SECONDS", 0.0)
        self.events, self.requests, self.store = Events(), Requests(self.clock), Store()
        self.holds = True
        self.lost: list[int] = []
        self.made = self.delivery()

    def delivery(self, hook: Webhook = HOOK) -> Delivery:
        store: Any = self.store
        requests: Any = self.requests
        events: Any = self.events
        means = Means(
            *(store, requests, self.clock, lambda: int(self.clock.seconds() * 1000) + 1),
            *(lambda user: False, bytes, lambda: self.holds, self.lost.append),
            Pacing(self.clock, lambda: 0.0),
        )
        delivery = Delivery(hook, events, 7, means)
        delivery.start()
        self.addCleanup(lambda: self.successResultOf(Deferred.fromCoroutine(delivery.stop())))
        return delivery

    def post(self, *numbers: int) -> None:
        self.events.waiting += numbers
        self.made.wake()

    def times(self, count: int) -> list[float]:
        """When the next `count` requests are sent."""
        self.requests.sent.clear()
        while len(self.requests.sent) < count:
            before = len(self.requests.sent)
            calls = self.clock.getDelayedCalls()
            self.clock.advance(min(one.getTime() for one in calls) - self.clock.seconds())
            assert len(self.requests.sent) <= before + 1
        return [at for at, _ in self.requests.sent]

    def test_at_once(self) -> None:
        """What is new is sent as soon as it is known, without a pause; then it is written down how far that is."""
        self.post(11, 12)
        self.assertEqual(self.requests.sent, [(0, "11"), (0, "12")])
        self.clock.advance(1)
        self.clock.advance(1)
        self.assertEqual((self.store.moved, self.store.told), ([12], []))
        self.clock.pump([1] * 20)
        self.assertEqual((self.store.moved, len(self.requests.sent)), ([12], 2))

    def test_times(self) -> None:
        """It is tried again after 1 s, doubled to an hour, for three days, and then no more."""
        self.requests.status = 0
        self.post(11)
        times = self.times(14)
        pauses = [later - earlier for earlier, later in zip([0.0, *times], times, strict=False)]
        self.assertEqual(pauses, [min(2.0**n, LONGEST_SECONDS) for n in range(14)])
        self.assertEqual(self.store.told, [("failing", 1, "not reached")])
        while self.store.told[-1][0] != "failed":
            self.clock.advance(LONGEST_SECONDS)
        self.assertEqual(self.store.told[-1], ("failed", 1, "not reached"))
        self.assertLess(abs(self.requests.sent[-1][0] * 1000 - GIVE_UP_MS), 2 * LONGEST_SECONDS * 1000)
        count = len(self.requests.sent)
        self.clock.pump([LONGEST_SECONDS] * 100)
        self.assertEqual(len(self.requests.sent), count)

    def test_new_messages_are_no_reason(self) -> None:
        """What is new meanwhile doesn't make it be tried sooner."""
        self.requests.status = 500
        self.post(11)
        self.clock.advance(1)
        self.clock.advance(1)
        self.post(21, 12)
        self.assertEqual(len(self.requests.sent), 2)
        self.clock.advance(1)
        self.assertEqual([one for _, one in self.requests.sent[2:]], ["11", "12"])

    def test_all_right_again(self) -> None:
        """Once all is delivered that waited, the next failure begins again at 1 s."""
        self.requests.status = 0
        self.post(11)
        self.times(5)
        self.requests.status = 200
        self.times(1)
        self.assertEqual(self.store.told[1:], [("ok", 0, "")])
        self.requests.status = 0
        self.post(12)
        began = self.clock.seconds()
        self.assertEqual([at - began for at in self.times(2)], [1, 3])

    def test_restart(self) -> None:
        """A delivery that begins anew begins again at 1 s; the three days go on."""
        self.requests.status = 0
        self.post(11)
        self.times(8)
        self.successResultOf(Deferred.fromCoroutine(self.made.stop()))
        began = self.clock.seconds()
        self.requests.sent.clear()
        self.made = self.delivery(Webhook(3, HOOK.url, "s", "message", 0, "failing", 1, "not reached", 0, 10, 0, 0))
        self.assertEqual(self.requests.sent, [(began, "11")])
        self.assertEqual([at - began for at in self.times(2)], [1, 3])
        self.clock.advance(GIVE_UP_MS / 1000)
        self.assertEqual(self.store.told[-1][0], "failed")

    def test_failed_stays(self) -> None:
        """One that has failed isn't tried by a restart, only when somebody wants it; then at once, for three days."""
        failed = Webhook(3, HOOK.url, "s", "message", 0, "failed", 1, "not reached", 0, 10, 0, 0)
        self.events.waiting = [11]
        self.successResultOf(Deferred.fromCoroutine(self.made.stop()))
        self.requests.sent.clear()
        self.made = self.delivery(failed)
        self.clock.pump([LONGEST_SECONDS] * 100)
        self.assertEqual(self.requests.sent, [])
        self.requests.status = 0
        self.made.retry(Webhook(3, HOOK.url, "s", "message", 0, "ok", 0, "", 1, 10, 0, 0))
        self.assertEqual(len(self.requests.sent), 1)
        self.assertEqual(self.store.told[-1][0], "failing")
        self.assertEqual(self.made.retries, 1)

    def test_one_refused(self) -> None:
        """An event that is refused keeps those behind it in its conversation waiting, and no other; what was taken
        isn't sent again."""
        self.requests.statuses["11"] = 400
        self.post(11, 12, 21)
        self.assertEqual([one for _, one in self.requests.sent], ["11", "12"])
        self.requests.sent.clear()
        del self.requests.statuses["11"]
        self.clock.advance(1)
        self.assertEqual([one for _, one in self.requests.sent], ["11", "21"])

    def test_one_knocks(self) -> None:
        """While the other side isn't there, one request is made at a time."""
        self.requests.status = 0
        self.post(*range(11, 20))
        self.requests.sent.clear()
        self.clock.advance(1)
        self.assertEqual(len(self.requests.sent), 1)

    def test_at_most_some_at_once(self) -> None:
        """Conversations are delivered at once, but only some of them; each in its order."""
        self.requests.held = []
        self.post(*range(11, 31))
        self.assertEqual([one for _, one in self.requests.sent], [str(one) for one in range(11, 11 + AT_ONCE)])
        self.requests.held.pop(0).callback(None)
        self.assertEqual(self.requests.sent[-1][1], "21")
        while self.requests.held:
            self.requests.held.pop(0).callback(None)
        self.assertEqual(sorted(int(one) for _, one in self.requests.sent), list(range(11, 31)))

    def test_storage_is_gone(self) -> None:
        """While the storage can't be read nothing is sent, and nothing is lost."""
        self.events.fails = True
        self.post(11)
        self.clock.pump([1] * 3)
        self.assertEqual(self.requests.sent, [])
        self.events.fails = False
        self.clock.pump([1])
        self.assertEqual([one for _, one in self.requests.sent], ["11"])

    def test_lease_ends(self) -> None:
        """Nothing more is sent from the moment on from which another node may deliver, and that is no failure."""
        self.requests.held = []
        self.post(11, 21)
        self.holds = False
        self.requests.held.pop(0).callback(None)
        self.clock.pump([1] * 5)
        self.assertEqual(([one for _, one in self.requests.sent], self.store.told), (["11"], []))

    def test_other_node_delivers(self) -> None:
        """Who is told that its fence is out of date says so and ends."""
        self.store.is_lost = True
        self.post(11)
        self.clock.pump([1, 1])
        self.assertEqual(self.lost, [7])
        self.post(12)
        self.clock.pump([1] * 5)
        self.assertEqual(len(self.requests.sent), 1)

    def test_stopped(self) -> None:
        """A stop waits for what is under way, begins nothing new, and writes down how far it has come."""
        self.requests.held = []
        self.post(11)
        stopping = Deferred.fromCoroutine(self.made.stop())
        self.assertNoResult(stopping)
        self.requests.held.pop(0).callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.store.moved, [11])
        self.post(12)
        self.assertEqual(len(self.requests.sent), 1)
