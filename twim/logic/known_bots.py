"""The bots as this node knows them, so that a message is looked at without a query.

All bots are in memory. A node that changes them tells the others on the bus; one that wasn't told reads them within
`POLL_SECONDS`. Where it matters that one is still there, the database is asked (`BotStore.present`).
"""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.logic.routing import Routing
from twim.storage.bots import Bot, BotStore

POLL_SECONDS: Final = 30.0


class KnownBots:
    """Knows who is a bot, and which commands there are."""

    log = Logger()

    def __init__(self, store: BotStore, routing: Routing, clock: IReactorTime) -> None:
        self._store = store
        self._routing = routing
        self._reading = self._learned = 0
        self._polling = LoopingCall(self._poll)
        self._polling.clock = clock
        self.by_id: dict[int, Bot] = {}
        self.by_word: dict[str, list[Bot]] = {}

    def start(self) -> None:
        """Read them, and go on reading from time to time."""
        self._polling.start(POLL_SECONDS)

    def stop(self) -> None:
        """Read them no more."""
        if self._polling.running:
            self._polling.stop()

    async def read(self) -> None:
        """Learn what the database has."""
        self._reading += 1
        this = self._reading
        bots = await self._store.bots()
        # Of two readings under way the one that began later knows more.
        if this > self._learned:
            self._learned = this
            self.by_id = {one.userid: one for one in bots}
            self.by_word = {}
            for one in bots:
                for command in one.commands:
                    self.by_word.setdefault(command.word, []).append(one)

    async def changed(self) -> None:
        """Bots were changed here: learn it, and tell the other nodes."""
        self._routing.other_nodes.settings_changed()
        await self.read()

    def heard(self) -> None:
        """Another node says that something changed, or may have."""
        self._poll()

    def _poll(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.read()).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        self.log.warn("the bots can't be read now: {why}", why=failure.getErrorMessage())
