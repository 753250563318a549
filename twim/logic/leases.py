"""What only one node does at a time: this node's part in getting a lease, keeping it, and knowing that it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal
from twim.storage.leases import LeaseState, LeaseStore

BEAT_SECONDS: Final = 3.0  # between two beats of the holder, and two looks of the others
HOLD_SECONDS: Final = 9.0  # after the last beat that it began the holder stops by itself
TAKE_SECONDS: Final = 14.0  # without a beat, after which another node takes it: more, since a beat takes its time


class Lease:
    """One lease, as a node has it. `alone`: no other process uses the database, so that nobody has to be waited for.
    `gained` is called with the fence when this node has the lease, `lost` when it has it no longer."""

    log = Logger()

    def __init__(
        self,
        store: LeaseStore,
        name: str,
        node: str,
        alone: bool,
        clock: IReactorTime,
        gained: Callable[[int], object],
        lost: Callable[[], object],
    ) -> None:
        self._store = store
        self._name = name
        self._node = node
        self._alone = alone
        self._clock = clock
        self._gained = gained
        self._lost = lost
        self._fence: int | None = None
        self._good_until = 0.0
        self._seen: LeaseState | None = None
        self._seen_at = 0.0
        self._turning = LoopingCall(self._turn)
        self._turning.clock = clock
        self._turned: Deferred[None] | None = None

    @property
    def fence(self) -> int | None:
        """The fence, while this node has the lease; None from the moment on from which another one may take it."""
        return self._fence if self._clock.seconds() < self._good_until else None

    def start(self) -> None:
        """Try to get it from now on. Harmless when that is so already."""
        if not self._turning.running:
            self._turning.start(BEAT_SECONDS)

    async def stop(self) -> None:
        """Give it back, if this node has it, and try no more."""
        if self._turning.running:
            self._turning.stop()
        if self._turned is not None:
            await self._turned
        if self._fence is not None:
            fence = self._fence
            self._lose()
            try:
                await self._store.give_back(self._name, fence)
            except Refusal as error:
                self.log.info("the lease {name} ends by itself: {why}", name=self._name, why=error.msg)

    def lose(self, fence: int) -> None:
        """Something of this fence was refused: another node has the lease."""
        if self._fence == fence:
            self._lose()

    def _turn(self) -> Deferred[None]:
        turned = self._turned = Deferred.fromCoroutine(self._beat_or_look())
        return turned.addErrback(self._failed)

    async def _beat_or_look(self) -> None:
        began = self._clock.seconds()
        if self._fence is None:
            await self._look(began)
        elif await self._store.beat(self._name, self._fence):
            self._good_until = began + HOLD_SECONDS
        else:
            self._lose()

    async def _look(self, began: float) -> None:
        state = await self._store.look(self._name)
        if state != self._seen:
            self._seen, self._seen_at = state, began
        is_free = state is None or not state.holder or self._alone
        if not is_free and began - self._seen_at < TAKE_SECONDS:
            return
        fence = await self._store.take(self._name, self._node, state)
        if fence is None:
            return
        if not self._turning.running:
            await self._store.give_back(self._name, fence)
            return
        self._fence, self._good_until, self._seen = fence, began + HOLD_SECONDS, None
        self.log.info("this node has the lease {name}, {fence}", name=self._name, fence=fence)
        self._gained(fence)

    def _lose(self) -> None:
        self._fence = None
        self._lost()

    def _failed(self, failure: Failure) -> None:
        if self._fence is not None and self.fence is None:
            self._lose()
        if not failure.check(Refusal):
            self.log.failure("the lease {name} can't be looked after", failure, name=self._name)
