"""Clears the spool at the start, and removes files to which nothing refers once a day."""

from __future__ import annotations

import time
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from twim.storage.files.interface import FileStore
from twim.storage.files.sweep import Forget, Referenced, sweep
from twim.storage.files.threads import FileThreads

FIRST_SECONDS: Final = 600.0  # after the start, when nobody waits for anything
EVERY_SECONDS: Final = 86_400.0


class Upkeep:
    """Does both. If several nodes share a store, each of them sweeps; the second one finds nothing."""

    log = Logger()

    def __init__(
        self, store: FileStore, referenced: Referenced, forget: Forget, threads: FileThreads, clock: IReactorTime
    ) -> None:
        self._forget = forget
        self._store = store
        self._referenced = referenced
        self._threads = threads
        self._clock = clock
        self._call: IDelayedCall | None = None

    def start(self) -> None:
        """Clear the spool and plan the first sweep."""
        clearing = Deferred.fromCoroutine(self._threads.run(self._store.spool.clear))
        clearing.addErrback(lambda failure: self.log.failure("the spool can't be cleared", failure))
        self._call = self._clock.callLater(FIRST_SECONDS, self._sweep)

    def stop(self) -> None:
        """Plan nothing more."""
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _sweep(self) -> None:
        self._call = self._clock.callLater(EVERY_SECONDS, self._sweep)
        sweeping = Deferred.fromCoroutine(sweep(self._store, self._referenced, self._forget, time.time()))
        sweeping.addErrback(lambda failure: self.log.failure("orphaned files can't be swept", failure))
