"""Devices that nobody uses any more are logged out.

A device is used by each request with its token, and for as long as it is connected. Each node notes in memory which
were used, and stores it now and then, where what is stored is older than half a day: so last use is known roughly, and
one write a day keeps a device that is used all the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal
from twim.hub.hub import Hub
from twim.logic.accounts import Tokens
from twim.storage.accounts import AccountStore

IDLE_DAYS: Final = 30
FIRST_SECONDS: Final = 30.0  # after the start, when who was connected before has come back
CHECK_SECONDS: Final = 3600.0
HALF_A_DAY_MS: Final = 12 * 3600 * 1000
DAY_MS: Final = 24 * 3600 * 1000


class IdleDevices:
    """Stores which devices are used, and ends those that weren't for `IDLE_DAYS`. `ended` is called with each one."""

    log = Logger()

    def __init__(
        self,
        tokens: Tokens,
        store: AccountStore,
        hub: Hub,
        ended: Callable[[int, int], None],
        clock: Any,
        now_ms: Callable[[], int],
    ) -> None:
        self._tokens = tokens
        self._store = store
        self._hub = hub
        self._ended = ended
        self._clock = clock
        self._now_ms = now_ms
        self._first: Any = None
        self._calls = LoopingCall(self._check)
        self._calls.clock = clock

    def start(self) -> None:
        """Begin to look."""
        self._first = self._clock.callLater(FIRST_SECONDS, self._begin)

    def stop(self) -> None:
        """Look no more."""
        if self._first is not None and self._first.active():
            self._first.cancel()
        if self._calls.running:
            self._calls.stop()

    def _begin(self) -> None:
        self._calls.start(CHECK_SECONDS)

    def _check(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.check()).addErrback(self._failed)

    async def check(self) -> None:
        """Store what was used since the last time, then end what was idle for too long."""
        now = self._now_ms()
        used = self._tokens.take_used()
        used.update(session.deviceid for user in self._hub.users.values() for session in user.sessions)
        try:
            await self._store.touch(sorted(used), now, now - HALF_A_DAY_MS)
        except Refusal:
            self._tokens.use(used)
            raise
        for userid, deviceid in await self._store.end_idle(now - IDLE_DAYS * DAY_MS, now):
            self._ended(userid, deviceid)

    def _failed(self, failure: Failure) -> None:
        if failure.check(Refusal):
            self.log.warn("which devices are used is stored later: {why}", why=failure.value)
        else:
            self.log.failure("which devices are used was not stored", failure)
