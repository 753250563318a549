"""Which webhooks there are, as every node knows it; and, on the node that has the lease, their deliveries.

Like keys they are in memory: a node that changes them tells the others on the bus, and one that wasn't told reads them
within `POLL_SECONDS`. While there is none, nothing else is done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from typing import Final

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Malformed, Refusal
from twim.logic.leases import Lease
from twim.logic.routing import Routing
from twim.logic.webhooks.delivery import Delivery, Means
from twim.logic.webhooks.pacing import Pacing
from twim.outbound.requests import BadUrl, OutboundRequests
from twim.storage.database import Database
from twim.storage.leases import LeaseStore
from twim.storage.webhook_events import WebhookEvents
from twim.storage.webhooks import LEASE, Webhook, WebhookStore

POLL_SECONDS: Final = 30.0
TIDY_SECONDS: Final = 60.0  # between two times that what was told to all is forgotten
TELL_SECONDS: Final = 0.05  # how soon, and how often, the other nodes are told of new messages
WAITING: Final = 500  # messages that are looked at to count what waits
SECRET_PREFIX: Final = "twh_"
SECRET_BYTES: Final = 24  # 192 random bits


class Webhooks:
    """The webhooks as this node knows them. `sign` signs the addresses of files in JSON, `is_online` says whether a
    user is connected to any node."""

    log = Logger()

    def __init__(
        self,
        database: Database,
        routing: Routing,
        epoch: str,
        node: str,
        requests: OutboundRequests,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        is_online: Callable[[int], bool],
        sign: Callable[[bytes], bytes],
    ) -> None:
        self._database = database
        self._routing = routing
        self._epoch = epoch
        self._store = WebhookStore(database)
        is_alone = database.backend.path is not None
        lease = self._lease = Lease(LeaseStore(database), LEASE, node, is_alone, clock, self._gained, self._lost)
        self._means = Means(
            self._store,
            requests,
            clock,
            now_ms,
            is_online,
            sign,
            lambda: lease.fence is not None,
            lease.lose,
            Pacing(clock),
        )
        self._hooks: dict[int, Webhook] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._reading = self._learned = 0
        self._telling: IDelayedCall | None = None
        self._polling = self._every(self._poll)
        self._tidying = self._every(self._tidy)

    def _every(self, work: Callable[[], object]) -> LoopingCall:
        call = LoopingCall(work)
        call.clock = self._means.clock
        return call

    def start(self) -> None:
        """Read them, and deliver."""
        self._polling.start(POLL_SECONDS)
        self._tidying.start(TIDY_SECONDS, now=False)

    async def stop(self) -> None:
        """Deliver no more; another node may at once."""
        for call in (self._polling, self._tidying):
            if call.running:
                call.stop()
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        await self._end_deliveries()
        await self._lease.stop()
        await self._means.requests.close()

    # What is done with them

    async def create(self, url: str, events: Collection[str], community: int) -> tuple[int, str]:
        """A new webhook. Gives its id and its secret. `Malformed` (422) for an address that isn't public or no URL,
        `Conflict` where there are too many."""
        try:
            self._means.requests.check(url)
        except BadUrl as error:
            raise Malformed(f"url: {error}", status=422) from None
        secret = SECRET_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        made = await self._store.create(url, secret, ",".join(events), community, self._means.now_ms())
        await self._changed()
        return made, secret

    async def rows(self) -> list[dict[str, object]]:
        """All of them, the newest first, with how many events wait for each, as far as these are among the next
        `WAITING` messages."""
        rows = []
        for hook in await self._store.all():
            events = WebhookEvents(self._database, hook, self._epoch, self._means.clock)
            waiting = await events.read(hook.log, hook.happened, WAITING)
            rows.append(hook.public() | {"waiting": len(waiting.events)})
        return rows

    async def delete(self, id: int) -> None:
        """End a webhook. `NotFound`."""
        await self._store.delete(id)
        await self._changed()

    async def retry(self, id: int) -> None:
        """Try again at once. `NotFound`."""
        await self._store.retry(id)
        await self._changed()

    async def _changed(self) -> None:
        self._routing.other_nodes.settings_changed()
        await self.read()

    # What this node knows

    def heard(self) -> None:
        """Another node says that something changed, or may have."""
        Deferred.fromCoroutine(self.read()).addErrback(self._not_read)

    def wake(self) -> None:
        """Messages were stored, here or on another node."""
        for delivery in self._deliveries.values():
            delivery.wake()

    def stored_here(self) -> None:
        """This node has stored messages."""
        if self._deliveries:
            self.wake()
        elif self._hooks and self._telling is None:
            self._telling = self._means.clock.callLater(TELL_SECONDS, self._tell_others)

    def _tell_others(self) -> None:
        self._telling = None
        self._routing.other_nodes.stored()

    async def read(self) -> None:
        """Learn what the database has."""
        self._reading += 1
        this = self._reading
        found = await self._store.all()
        # Of two readings under way the one that began later knows more.
        if this <= self._learned:
            return
        self._learned = this
        self._hooks = {hook.id: hook for hook in found}
        if not self._polling.running:
            return
        if self._hooks:
            self._lease.start()
            self._fit_deliveries()
        else:
            await self._end_deliveries()
            await self._lease.stop()

    def _poll(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.read()).addErrback(self._not_read)

    def _not_read(self, failure: Failure) -> None:
        if failure.check(Refusal):
            self.log.warn("the webhooks can't be read now: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("the webhooks can't be read", failure)

    def _tidy(self) -> Deferred[None] | None:
        fence = self._lease.fence
        if fence is None:
            return None
        return self._store.tidy(fence, self._means.now_ms()).addErrback(self._not_read)

    # The deliveries

    def _gained(self, fence: int) -> None:
        # As they stand now: another node has delivered until a moment ago.
        self.heard()

    def _lost(self) -> None:
        Deferred.fromCoroutine(self._end_deliveries()).addErrback(self._not_read)

    def _fit_deliveries(self) -> None:
        """One delivery for each webhook, where this node has the lease."""
        fence = self._lease.fence
        if fence is None:
            return
        for id, hook in self._hooks.items():
            delivery = self._deliveries.get(id)
            if delivery is None:
                events = WebhookEvents(self._database, hook, self._epoch, self._means.clock)
                delivery = self._deliveries[id] = Delivery(hook, events, fence, self._means)
                delivery.start()
            elif delivery.retries != hook.retries:
                delivery.retry(hook)
        gone = [self._deliveries.pop(id) for id in list(self._deliveries) if id not in self._hooks]
        for delivery in gone:
            Deferred.fromCoroutine(delivery.stop()).addErrback(self._not_read)

    async def _end_deliveries(self) -> None:
        ending, self._deliveries = self._deliveries, {}
        await gatherResults([Deferred.fromCoroutine(one.stop()) for one in ending.values()])
