"""What a node of a cluster was not told, because the bus was away: groups and blocks that changed lately, and devices
that ended, are read from the storage now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.hub.hub import Hub
from twim.logic.relation_changes import RelationChanges
from twim.storage.relations import RelationStore

EVERY_SECONDS: Final = 10.0
DEVICES_EVERY: Final = 2  # readings; that of devices asks for each one that is known
LATELY_SECONDS: Final = 60.0  # what changed so long ago is read: some readings may fail, and clocks differ a little


class Rereading:
    """Reads what changed lately, from `start` until `stop`. `look_for_ended` reads which devices have ended."""

    log = Logger()

    def __init__(
        self,
        store: RelationStore,
        look_for_ended: Callable[[], Awaitable[None]],
        hub: Hub,
        changes: RelationChanges,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._look_for_ended = look_for_ended
        self._readings = 0
        self._hub = hub
        self._changes = changes
        self._clock = clock
        self._call = LoopingCall(self._begin)
        self._call.clock = clock

    def start(self) -> None:
        """Read now and then, from now on."""
        self._call.start(EVERY_SECONDS, now=False).addErrback(
            lambda failure: self.log.failure("what changed lately is no longer read", failure)
        )

    def stop(self) -> None:
        """Read no more."""
        self._call.stop()

    def _begin(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._read()).addErrback(self._failed)

    async def _read(self) -> None:
        self._readings += 1
        if self._readings % DEVICES_EVERY == 0:
            await self._look_for_ended()
        if not self._hub.users:
            return
        since = max(1, int((self._clock.seconds() - LATELY_SECONDS) * 1000))
        for group in await self._store.changed_since(since):
            if group in self._hub.members:
                self._changes.group(group)
        for userid, dstid in await self._store.blocks_since(since):
            self._changes.blocked(userid, dstid, True)

    def _failed(self, failure: Failure) -> None:
        self.log.warn("what changed lately can't be read now: {why}", why=failure.getErrorMessage())
