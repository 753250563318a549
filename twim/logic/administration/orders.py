"""Carries out the orders that the command leaves in the database: see `storage.orders`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Failed, Malformed, Refusal
from twim.logic.administration.acts import ACTS, Actor
from twim.logic.administration.administration import Administration
from twim.storage.orders import DONE, FAILED, Order, OrderStore

LOOK_SECONDS: Final = 0.5  # between two looks for orders, each a query by an index
AT_ONCE: Final = 4  # orders that a node carries out at once, so that a long deletion keeps no other waiting
BEAT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 15.0
"""After so long without a beat a node is gone, and nobody knows what became of the order that it had taken."""
FORGET_SECONDS: Final = 600.0  # between two looks for outcomes that nobody came to read
TRIES: Final = 5  # to write down an outcome, while the database can't be used
STOP_SECONDS: Final = 5.0  # for which a stop waits for what is being carried out

_SECRET: Final = tuple(name for name, act in ACTS.items() if act.secret)


class Orders:
    """Looks for orders on one node, and carries them out."""

    log = Logger()

    def __init__(
        self,
        store: OrderStore,
        administration: Administration,
        node: str,
        clock: IReactorTime,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._administration = administration
        self._node = node
        self._clock = clock
        self._now_ms = now_ms
        self._looking = self._call(self._look)
        self._forgetting = self._call(self._forget)
        self._under_way: set[Deferred[None]] = set()
        self._carried = 0

    def _call(self, work: Callable[..., Any], *told: object) -> LoopingCall:
        call = LoopingCall(work, *told)
        call.clock = self._clock
        return call

    def start(self) -> None:
        """Look for orders from now on."""
        self._looking.start(LOOK_SECONDS, now=False)
        self._forgetting.start(FORGET_SECONDS)

    async def stop(self) -> None:
        """Take no more orders, and wait a while for those that are being carried out."""
        for call in (self._looking, self._forgetting):
            if call.running:
                call.stop()
        stopped: Deferred[None] = Deferred()
        patience = self._clock.callLater(STOP_SECONDS, stopped.callback, None)

        def ended(_: object) -> None:
            if patience.active():
                patience.cancel()
                stopped.callback(None)

        DeferredList(list(self._under_way)).addCallback(ended)
        await stopped

    def _look(self) -> Deferred[None]:
        return self._track(Deferred.fromCoroutine(self._take()))

    def _forget(self) -> Deferred[None]:
        return self._track(self._store.forget(self._now_ms(), _SECRET))

    def _track(self, work: Deferred[None]) -> Deferred[None]:
        """Know of some work until it ends, and say so when it fails."""
        self._under_way.add(work)
        work.addErrback(self._failed)
        return work.addCallback(lambda _: self._under_way.discard(work))

    def _failed(self, failure: Failure) -> None:
        # A database that can't be used is told of by the storage itself.
        if not failure.check(Refusal):
            self.log.failure("orders can't be looked for", failure)

    async def _take(self) -> None:
        while self._carried < AT_ONCE and await self._store.waits(self._now_ms()):
            order = await self._store.take(self._node, self._now_ms())
            if order is None:
                return
            self._carried += 1
            self._track(Deferred.fromCoroutine(self._carry_out(order)))

    async def _carry_out(self, order: Order) -> None:
        beating = self._call(self._beat, order.id)
        beating.start(BEAT_SECONDS, now=False)
        try:
            state, outcome = await self._act(order)
        finally:
            beating.stop()
            self._carried -= 1
        await self._end(order, state, msgspec.json.encode(outcome))

    async def _act(self, order: Order) -> tuple[str, dict[str, object]]:
        try:
            told = msgspec.json.decode(order.told, type=dict[str, object])
            return DONE, await self._administration.act(order.act, told, Actor(order.who))
        except msgspec.DecodeError:
            refused: Refusal = Malformed("no JSON object")
        except Refusal as error:
            refused = error
        except Exception:
            self.log.failure("the order {id}, {act}, failed", id=order.id, act=order.act)
            refused = Failed()
        return FAILED, {"code": refused.code, "msg": refused.msg, "status": refused.status}

    def _beat(self, id: int) -> Deferred[None]:
        return self._store.beat(id).addErrback(self._failed)

    async def _end(self, order: Order, state: str, outcome: bytes) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._store.end(order.id, self._node, state, outcome)
                return
            except Refusal:
                if not left:
                    raise
                await deferLater(self._clock, 1.0)
