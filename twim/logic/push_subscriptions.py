"""Who has asked to be pushed to: known in memory on every node, so that a message of which nobody is to be told costs
no query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Conflict, Malformed, Refusal
from twim.logic.accounts import LoggedIn
from twim.logic.routing import Routing
from twim.outbound.push_sealing import BadKeys, read_receiver
from twim.outbound.requests import BadUrl, OutboundRequests
from twim.storage.push_subscriptions import Browser, PushSubscriptionStore

POLL_SECONDS: Final = 300.0  # how often all are read, for what was not heard
ENDPOINT_CHARS: Final = 1_000  # those of today's push services have fewer than 600
KEY_CHARS: Final = 100  # of the browser's public key, which has 87
AUTH_CHARS: Final = 40  # of its secret, which has 22
SITE_CHARS: Final = 255
UNPROCESSABLE: Final = 422


class PushSubscriptions:
    """Makes and ends them. `users` has whoever has one, and perhaps some who had one until lately."""

    log = Logger()

    def __init__(
        self,
        store: PushSubscriptionStore,
        requests: OutboundRequests,
        routing: Routing,
        is_on: bool,
        clock: IReactorTime,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._requests = requests
        self._routing = routing
        self._is_on = is_on
        self._now_ms = now_ms
        self.users: set[int] = set()
        self._newest = 0
        self._polling = LoopingCall(self._poll)
        self._polling.clock = clock

    def start(self) -> None:
        """Read them, and go on reading from time to time."""
        if self._is_on:
            self._polling.start(POLL_SECONDS)

    def stop(self) -> None:
        """Read them no more."""
        if self._polling.running:
            self._polling.stop()

    async def subscribe(self, who: LoggedIn, browser: Browser) -> None:
        """Push to this browser what is for the user, as long as the device lasts. `Malformed`, with 422 for an address
        that nothing may be sent to; `Conflict` where nothing is pushed."""
        if not self._is_on:
            raise Conflict("this server pushes nothing")
        try:
            read_receiver(browser.p256dh, browser.auth)
        except BadKeys as error:
            raise Malformed(str(error)) from None
        try:
            self._requests.check(browser.endpoint, schemes=("https",))
        except BadUrl as error:
            raise Malformed(f"endpoint: {error}", status=UNPROCESSABLE) from None
        if await self._store.add(who.userid, who.deviceid, browser, self._now_ms()):
            self.users.add(who.userid)
            self._routing.other_nodes.settings_changed()

    async def unsubscribe(self, who: LoggedIn, endpoint: str) -> None:
        """Push no more to this endpoint of the user's, or for "" to any of the device's."""
        await self._store.remove(who.userid, who.deviceid, endpoint)

    def gone(self, subscription_id: int) -> None:
        """The push service says that there is no such subscription any more."""
        self._store.drop(subscription_id).addErrback(self._failed)

    def device_ended(self, userid: int, deviceid: int) -> None:
        """A device ended: nothing is pushed to it from then on, whether this is removed or not."""
        if userid in self.users:
            self._store.device_ended(deviceid).addErrback(self._failed)

    def heard(self) -> None:
        """Another node says that something changed, or may have."""
        if self._is_on:
            Deferred.fromCoroutine(self._read_new()).addErrback(self._failed)

    async def _read_new(self) -> None:
        found = await self._store.subscribed(self._newest)
        self.users |= found.users
        self._newest = max(self._newest, found.newest)

    def _poll(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._read_all()).addErrback(self._failed)

    async def _read_all(self) -> None:
        await self._store.clean()
        before = set(self.users)
        found = await self._store.subscribed()
        self.users = found.users | (self.users - before)  # with those who subscribed meanwhile
        self._newest = found.newest

    def _failed(self, failure: Failure) -> None:
        if failure.check(Refusal):
            self.log.warn("push subscriptions can't be read or changed now: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("push subscriptions can't be read or changed", failure)
