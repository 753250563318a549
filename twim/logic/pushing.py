"""Tells those who are not connected of messages, by the push services of their browsers.

The node that took a message pushes it: after the commit, never before the message was delivered, and without holding up
another. What waits is collapsed: of each conversation only the newest message is told, and each subscription gets one
push at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal
from twim.logic.push_subscriptions import PushSubscriptions
from twim.logic.push_words import is_quiet, is_told, payload_of, topic_of
from twim.outbound.push_sealing import read_receiver
from twim.outbound.push_service import Fate, Outcome, PushService, Subscription
from twim.outbound.vapid import origin_of
from twim.storage.interface import Post
from twim.storage.push_receivers import PushReceivers, Receiver, Stored, Wanted
from twim.wire.commands import SINGLE
from twim.wire.message import Message

GATHER_SECONDS: Final = 0.5  # for which messages of one conversation become one push
AGAIN_SECONDS: Final = 75.0  # after which it is looked again whether who was connected has gone without having read it
WAITING: Final = 10_000  # conversations of which a message waits; any more are not told
TOGETHER: Final = 500  # of these read at once
LANES: Final = 2_000  # subscriptions to which something is being pushed; any more are not told
AT_ONCE: Final = 32  # requests to push services
RETRIES: Final = 2_000  # pushes that wait for another try
TRIES: Final = 4  # of one push
LONGEST_SECONDS: Final = 3600.0  # the longest pause of a push service that fails
PAUSED: Final = 1_000  # push services whose pause is remembered

Place = tuple[int, int, int, int]
"""Whom it is for (0 for a group's members), the conversation, and the one subscription or 0."""


class _Told(NamedTuple):
    message: Message
    wanted: Wanted
    tries: int = 0
    looked_again: bool = False

    @property
    def place(self) -> Place:
        one = self.wanted
        return one.userid, one.scope, one.dstid, one.only


class _Pause(NamedTuple):
    until: float
    seconds: float


class Pushing:
    """Pushes. `is_connected` says of a user whether a device of theirs is, at any node."""

    log = Logger()

    def __init__(
        self,
        subscriptions: PushSubscriptions,
        receivers: PushReceivers,
        service: PushService,
        topic_key: bytes,
        is_connected: Callable[[int], bool],
        clock: IReactorTime,
        now_ms: Callable[[], int],
    ) -> None:
        self._subscriptions = subscriptions
        self._receivers = receivers
        self._service = service
        self._topic_key = topic_key
        self._is_connected = is_connected
        self._clock = clock
        self._now_ms = now_ms
        self._waiting: dict[Place, _Told] = {}
        self._gathering: IDelayedCall | None = None
        self._reading = False
        self._connected: dict[Place, tuple[float, _Told]] = {}
        """For who seemed to be connected, and when it is looked again, the earliest first: a phone that fell asleep, or
        went to another network, is found to be gone only after a while."""
        self._looking: IDelayedCall | None = None
        self._lanes: dict[int, dict[tuple[int, int], tuple[_Told, Receiver]]] = {}
        self._requests = DeferredSemaphore(AT_ONCE)
        self._retries: set[IDelayedCall] = set()
        self._pauses: dict[str, _Pause] = {}
        self._stopped = False
        self.pushed = 0
        self.dropped = 0
        """Pushes that were given up, for whatever reason."""

    def take(self, posts: Sequence[Post]) -> None:
        """These were stored here, and delivered to who is connected."""
        users = self._subscriptions.users
        if not users or self._stopped:
            return
        for post in posts:
            if not post.is_new:
                continue
            said = post.message
            if not is_told(said):
                continue
            if said.cmd != SINGLE:
                self._put(_Told(said, Wanted(0, said.cmd, said.dstid, said.userid, said.seq)))
            elif said.dstid in users and said.dstid != said.userid:
                self._put(_Told(said, Wanted(said.dstid, SINGLE, said.userid, said.userid, said.seq)))

    def stop(self) -> None:
        """Begin no more pushes. What waits is not told: whoever connects gets it."""
        self._stopped = True
        self._waiting.clear()
        self._lanes.clear()
        self._connected.clear()
        for one in (self._gathering, self._looking):
            if one is not None:
                one.cancel()
        self._gathering = self._looking = None
        for call in self._retries:
            call.cancel()
        self._retries.clear()

    def _put(self, told: _Told) -> None:
        before = self._waiting.get(told.place)
        if before is None and len(self._waiting) >= WAITING:
            self.dropped += 1
            return
        if before is None or before.wanted.seq < told.wanted.seq:
            self._waiting[told.place] = told
        self._gather()

    def _gather(self) -> None:
        if self._waiting and self._gathering is None and not self._reading and not self._stopped:
            self._gathering = self._clock.callLater(GATHER_SECONDS, self._begin)

    def _begin(self) -> None:
        self._gathering = None
        self._reading = True
        Deferred.fromCoroutine(self._read()).addErrback(self._failed).addBoth(self._ended)

    def _ended(self, _: object) -> None:
        self._reading = False
        self._gather()

    def _failed(self, failure: Failure) -> None:
        if failure.check(Refusal):
            self.log.warn("who is to be told of messages can't be read now: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("messages were not pushed", failure)

    async def _read(self) -> None:
        some = {place: self._waiting.pop(place) for place in list(self._waiting)[:TOGETHER]}
        is_connected = self._is_connected
        wanted = []
        for told in some.values():
            if is_connected(told.wanted.userid):
                self._look_later(told)
            else:
                wanted.append(told.wanted)
        if not wanted:
            return
        now = self._now_ms()
        # The newest last: one that is tried again may be older than another of its conversation.
        for to in sorted(await self._receivers.read(wanted), key=lambda found: found.wanted.seq):
            one = to.wanted
            told = some.get((one.userid, one.scope, one.dstid, one.only)) or some[0, one.scope, one.dstid, 0]
            told = told._replace(wanted=one)
            if is_connected(one.userid):
                self._look_later(told)
            elif not is_quiet(to.quiet, to.zone, now):
                for stored in to.subscriptions:
                    self._enter(stored, told, to)

    def _look_later(self, told: _Told) -> None:
        """The user is connected, or seems to be. It is looked once again."""
        if told.looked_again or self._stopped:
            return
        told = told._replace(looked_again=True)
        before = self._connected.get(told.place)
        if before is not None:
            self._connected[told.place] = before[0], told
        elif len(self._connected) < WAITING:
            self._connected[told.place] = self._clock.seconds() + AGAIN_SECONDS, told
        if self._looking is None:
            self._looking = self._clock.callLater(AGAIN_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._looking = None
        now = self._clock.seconds()
        while self._connected:
            place, (due, told) = next(iter(self._connected.items()))
            if due > now:
                self._looking = self._clock.callLater(due - now, self._look_again)
                return
            del self._connected[place]
            if not self._is_connected(told.wanted.userid):
                self._put(told)

    def _enter(self, stored: Stored, told: _Told, to: Receiver) -> None:
        if self._stopped:
            return
        lane = self._lanes.get(stored.id)
        conversation = (told.wanted.scope, told.wanted.dstid)
        if lane is not None:
            lane[conversation] = told, to
        elif len(self._lanes) >= LANES:
            self.dropped += 1
        else:
            self._lanes[stored.id] = {conversation: (told, to)}
            Deferred.fromCoroutine(self._empty(stored)).addErrback(self._broken, stored.id)

    def _broken(self, failure: Failure, subscription_id: int) -> None:
        self._lanes.pop(subscription_id, None)
        self.log.failure("a push failed", failure)

    async def _empty(self, stored: Stored) -> None:
        """Push what waits for a subscription, one after the other."""
        to = Subscription(stored.id, stored.endpoint, read_receiver(stored.p256dh, stored.auth), stored.site)
        while lane := self._lanes.get(stored.id):
            await self._requests.acquire()
            try:
                if self._stopped:
                    return
                # The newest of its conversation by now.
                told, receiver = lane.pop(next(iter(lane)))
                await self._push(to, told, receiver)
            finally:
                self._requests.release()
        self._lanes.pop(stored.id, None)

    async def _push(self, to: Subscription, told: _Told, receiver: Receiver) -> None:
        if self._is_connected(told.wanted.userid):
            return
        service = origin_of(to.endpoint)
        pause = self._pauses.get(service)
        if pause is not None and pause.until > self._clock.seconds():
            self._later(told, to, pause.until - self._clock.seconds())
            return
        topic = topic_of(self._topic_key, receiver)
        outcome = await self._service.push(to, payload_of(told.message, receiver), topic)
        self._learn(service, outcome)
        match outcome.fate:
            case Fate.TAKEN:
                self.pushed += 1
            case Fate.GONE:
                self._lanes.get(to.id, {}).clear()
                self._subscriptions.gone(to.id)
            case Fate.LATER:
                self._later(told, to, self._pauses[service].until - self._clock.seconds())
            case Fate.REFUSED:
                self.dropped += 1
                self.log.warn("{service} refused a push: {why}", service=service, why=outcome.why)

    def _learn(self, service: str, outcome: Outcome) -> None:
        """A push service that has too much, or can't be reached, is left alone, longer each time."""
        now = self._clock.seconds()
        before = self._pauses.get(service)
        if before is not None and before.until > now:
            # Of requests that were under way together the first one tells, but for a longer pause.
            if outcome.fate is Fate.LATER:
                self._pauses[service] = before._replace(until=max(before.until, now + outcome.seconds))
            return
        self._pauses.pop(service, None)
        if outcome.fate is not Fate.LATER:
            return
        if before is None:
            self.log.warn("{service} takes no pushes for a while: {why}", service=service, why=outcome.why)
        seconds = min(max(outcome.seconds, 2 * before.seconds if before else 0), LONGEST_SECONDS)
        self._pauses[service] = _Pause(now + seconds, seconds)
        if len(self._pauses) > PAUSED:
            del self._pauses[next(iter(self._pauses))]

    def _later(self, told: _Told, to: Subscription, seconds: float) -> None:
        """Begin again after a while with this subscription alone: by then the message may have been read, the
        conversation muted, or the device ended."""
        if self._stopped:
            return
        if told.tries + 1 >= TRIES or len(self._retries) >= RETRIES:
            self.dropped += 1
            return
        again = _Told(told.message, told.wanted._replace(only=to.id), told.tries + 1)

        def retry() -> None:
            self._retries.discard(call)
            self._put(again)

        call = self._clock.callLater(seconds, retry)
        self._retries.add(call)
