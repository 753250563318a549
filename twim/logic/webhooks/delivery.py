"""Delivers to one webhook: what is next is read, sent, and sent again until it was taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from twim.errors import Refusal
from twim.logic.webhooks.pacing import Pacing
from twim.outbound.requests import BadUrl, NotAnswered, OutboundRequests
from twim.outbound.signing import SIGNATURE, signature
from twim.storage.leases import LeaseLost
from twim.storage.webhook_events import Event, Waiting, WebhookEvents, body_of
from twim.storage.webhooks import FAILED, FAILING, OK, Webhook, WebhookStore

ANSWER_SECONDS: Final = 10.0
ANSWER_BYTES: Final = 1_000  # nothing is done with them
AT_ONCE: Final = 8  # requests under way to one webhook, each of another conversation
FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 3600.0
GIVE_UP_MS: Final = 3 * 24 * 3600 * 1000
POLL_SECONDS: Final = 1.0  # how often it is looked for what nobody on this node told of
READ_SECONDS: Final = 0.05  # between two readings of a log that grows all the time
GAP_SECONDS: Final = 0.02  # how soon it is looked again for a message that is being stored
STORE_SECONDS: Final = 1.0  # how often it is written down how far it has come
TROUBLE_SECONDS: Final = 1.0  # before the storage is asked again that failed


@dataclass(frozen=True)
class Means:
    """What every delivery needs. `sign` signs the addresses of files in JSON, `is_online` says whether a user is
    connected, `may_send` whether this node still has the lease; `lost` is told the fence that is out of date; `pacing`
    says how fast they may send."""

    store: WebhookStore
    requests: OutboundRequests
    clock: IReactorTime
    now_ms: Callable[[], int]
    is_online: Callable[[int], bool]
    sign: Callable[[bytes], bytes]
    may_send: Callable[[], bool]
    lost: Callable[[int], object]
    pacing: Pacing


class Delivery:
    """To one webhook, while this node has the lease with the fence `fence`."""

    log = Logger()

    def __init__(self, hook: Webhook, events: WebhookEvents, fence: int, means: Means) -> None:
        self._hook = hook
        self._events = events
        self._fence = fence
        self._means = means
        self._at, self._happened = hook.log, hook.happened
        self._stored = (hook.log, hook.happened)
        self._stored_at = means.clock.seconds()
        self._done: set[str] = set()
        self._since = hook.since
        self._state, self._failure = hook.state, hook.failure
        self._attempts = 0
        self._pause: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._is_idle = False
        self._woken = False
        self._stopped = False
        self._running: Deferred[None] | None = None

    def start(self) -> None:
        """Deliver from now on."""
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda failure: self.log.failure("delivering to a webhook has ended", failure))

    async def stop(self) -> None:
        """Deliver no more. What is under way may be delivered again."""
        self._stopped = True
        self._resume()
        if self._running is not None:
            await self._running

    def wake(self) -> None:
        """There is something new."""
        self._woken = True
        if self._is_idle:
            self._resume()

    def retry(self, hook: Webhook) -> None:
        """Somebody wants it to be tried again now."""
        self._hook = hook
        self._attempts, self._since = 0, 0
        self._state, self._failure = OK, ""
        self._resume()

    @property
    def retries(self) -> int:
        """How often somebody has wanted that."""
        return self._hook.retries

    async def _run(self) -> None:
        while not self._stopped:
            try:
                await self._step()
            except LeaseLost:
                self._means.lost(self._fence)
                return
            except Refusal as error:
                self.log.debug("a webhook waits for the storage: {why}", why=error.msg)
                await self._sleep(TROUBLE_SECONDS)
        if self._means.may_send():
            try:
                await self._store_position()
            except Refusal as error:
                self.log.info("how far a webhook has come is not stored: {why}", why=error.msg)

    async def _step(self) -> None:
        if self._state == FAILED:
            await self._sleep(LONGEST_SECONDS)
            return
        self._woken = False
        began = self._means.clock.seconds()
        waiting = await self._events.read(self._at, self._happened)
        left = [event for event in waiting.events if event.id not in self._done]
        if left:
            why = await self._send_all(left)
            if any(event.id not in self._done for event in left):
                if not why:
                    # Interrupted, since this node stops or the lease is over.
                    await self._sleep(TROUBLE_SECONDS)
                    return
                await self._not_delivered(why)
                return
        await self._delivered(waiting)
        if waiting.more:
            return
        if self._woken:
            # Not as often as messages are stored: each reading costs as much as some of them.
            await self._sleep(max(0.0, READ_SECONDS - (self._means.clock.seconds() - began)))
            return
        self._is_idle = not waiting.waits
        await self._sleep(GAP_SECONDS if waiting.waits else POLL_SECONDS)
        self._is_idle = False

    async def _delivered(self, waiting: Waiting) -> None:
        self._at, self._happened = waiting.log, waiting.happened
        self._done.clear()
        self._attempts = 0
        if self._state != OK:
            self._since = 0
            await self._tell(OK, "")
        if self._means.clock.seconds() - self._stored_at >= STORE_SECONDS:
            await self._store_position()

    async def _store_position(self) -> None:
        self._stored_at = self._means.clock.seconds()
        if self._stored != (self._at, self._happened):
            await self._means.store.move(self._fence, self._hook.id, self._at, self._happened)
            self._stored = (self._at, self._happened)

    async def _not_delivered(self, why: str) -> None:
        now = self._means.now_ms()
        # Another try may have been asked for meanwhile.
        self._since = self._since or now
        if now - self._since >= GIVE_UP_MS:
            self.log.warn("webhook {id} has failed: {why}", id=self._hook.id, why=why)
            await self._tell(FAILED, why)
            return
        if (self._state, self._failure) != (FAILING, why):
            self.log.info("webhook {id} fails: {why}", id=self._hook.id, why=why)
            await self._tell(FAILING, why)
        seconds = min(FIRST_SECONDS * 2**self._attempts, LONGEST_SECONDS)
        self._attempts = min(self._attempts + 1, 12)
        await self._sleep(seconds)

    async def _tell(self, state: str, why: str) -> None:
        self._state, self._failure = state, why
        await self._means.store.tell(self._fence, self._hook.id, self._hook.retries, state, self._since, why)

    async def _sleep(self, seconds: float) -> None:
        if self._stopped:
            return
        pause = self._pause = Deferred()
        self._timer = self._means.clock.callLater(seconds, self._resume)
        await pause

    def _resume(self) -> None:
        pause, self._pause = self._pause, None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if pause is not None:
            pause.callback(None)

    # Sending

    async def _send_all(self, events: list[Event]) -> str:
        """Send these, each chain in its order, some chains at once. Gives why some are not delivered, or ""."""
        chains: defaultdict[Hashable, list[Event]] = defaultdict(list)
        for event in events:
            chains[event.chain].append(event)
        round_ = _Round(list(chains.values()))
        # While it fails nobody knocks with more than one request.
        lanes = AT_ONCE if self._state == OK else 1
        await gatherResults([Deferred.fromCoroutine(self._send_chains(round_)) for _ in range(lanes)])
        return round_.why

    async def _send_chains(self, round_: _Round) -> None:
        while round_.chains and not round_.is_over:
            for event in round_.chains.pop(0):
                if self._stopped or not self._means.may_send():
                    round_.is_over = True
                if not round_.is_over and (seconds := self._means.pacing.pause()):
                    await deferLater(self._means.clock, seconds)
                    round_.is_over = self._stopped or not self._means.may_send()
                if round_.is_over:
                    break
                why = await self._send(event)
                if why:
                    round_.why = why
                    # One that is refused keeps only its own conversation waiting; who can't be reached, all.
                    round_.is_over = not why.startswith(STATUS)
                    break
                self._done.add(event.id)

    async def _send(self, event: Event) -> str:
        """Why it is not delivered, or ""."""
        means = self._means
        body = means.sign(_encode(body_of(event, means.is_online)))
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._hook.secret, body, means.now_ms() // 1000),
        }
        try:
            answer = await means.requests.post(
                self._hook.url, body, headers, seconds=ANSWER_SECONDS, answer_limit=ANSWER_BYTES
            )
        except (NotAnswered, BadUrl) as error:
            return str(error)
        return "" if 200 <= answer.status < 300 else f"{STATUS}{answer.status}"


STATUS: Final = "status "
_encode: Final[Any] = msgspec.json.Encoder().encode


class _Round:
    """One attempt at everything that waits: the chains that nobody has begun, and what went wrong."""

    def __init__(self, chains: list[list[Event]]) -> None:
        self.chains = chains
        self.why = ""
        self.is_over = False
