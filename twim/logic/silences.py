"""Who may not post in a group although a member: muted, or its rules are so. Kept in memory for who is connected.

After a change the members here are read from the storage, one group at a time, so that what is known is never older
than the last change that was heard of.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.hub.hub import Hub
from twim.storage.relations import RelationStore

RETRY_SECONDS: Final = 1.0  # after the storage couldn't be read


class Silences:
    """Reads anew who is silenced in groups that changed. `left` is told of who is known as a member and is none."""

    log = Logger()

    def __init__(self, store: RelationStore, hub: Hub, left: Callable[[int, int], None], clock: IReactorTime) -> None:
        self._store = store
        self._hub = hub
        self._left = left
        self._clock = clock
        self._waiting: OrderedDict[int, list[Deferred[None]]] = OrderedDict()
        self._reading = False

    def read(self, group: int) -> Deferred[None]:
        """Fires when what is known of the group here is as of now."""
        done: Deferred[None] = Deferred()
        self._waiting.setdefault(group, []).append(done)
        self._next()
        return done

    def _next(self) -> None:
        if self._reading or not self._waiting:
            return
        group, waiting = self._waiting.popitem(last=False)
        self._reading = True
        reading = Deferred.fromCoroutine(self._read(group))
        reading.addCallbacks(self._done, self._failed, (waiting,), {}, (group, waiting), {})

    async def _read(self, group: int) -> None:
        here = list(self._hub.members.get(group, {}))
        then = self._hub.changes
        members, until = await self._store.silenced_in(group, here) if here else (set[int](), dict[int, int]())
        # Somebody may have joined since, which this reading knows nothing of.
        outsiders = [userid for userid in here if userid not in members] if self._hub.changes == then else []
        self._hub.silenced(group, until)
        for userid in outsiders:
            self._left(userid, group)

    def _done(self, _: None, waiting: list[Deferred[None]]) -> None:
        self._reading = False
        for one in waiting:
            one.callback(None)
        self._next()

    def _failed(self, failure: Failure, group: int, waiting: list[Deferred[None]]) -> None:
        self.log.warn("who may post in a group can't be read now: {why}", why=failure.getErrorMessage())
        self._clock.callLater(RETRY_SECONDS, self._again, group, waiting)

    def _again(self, group: int, waiting: list[Deferred[None]]) -> None:
        self._reading = False
        self._waiting.setdefault(group, []).extend(waiting)
        self._next()
