"""Whether a commit would succeed now: found out by a small one, when somebody asks and none has succeeded lately."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, insert, update
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.errors import Refusal, Unavailable
from twim.storage.database import Database
from twim.storage.schema import meta

PROBE: Final = "probe"
FRESH_SECONDS: Final = 1.0  # an answer holds this long, however often it is asked for
WAIT_SECONDS: Final = 2.0  # a commit that takes longer doesn't succeed now; who checks health waits little longer
SPARE_BYTES: Final = 1 << 20  # with less on the disk a batch may not fit, though this commit does


class CommitProbe:
    """Tries a commit of one row of `meta`. `stored_at` tells when a message was stored last, by the same clock."""

    def __init__(self, database: Database, clock: Any, stored_at: Callable[[], float | None]) -> None:
        self._database = database
        self._clock = clock
        self._stored_at = stored_at
        self._asked_at: float | None = None
        self._running = False
        self._works = False
        self._waiting: list[Deferred[bool]] = []

    async def works(self) -> bool:
        """Whether a commit would succeed."""
        if self._is_fresh(self._stored_at()):
            return True
        if not self._running and not self._is_fresh(self._asked_at):
            self._begin()
        if not self._running:
            return self._works
        waiter: Deferred[bool] = Deferred()
        self._waiting.append(waiter)
        return await waiter.addTimeout(WAIT_SECONDS, self._clock, lambda *_: False)

    def _is_fresh(self, at: float | None) -> bool:
        return at is not None and self._clock.seconds() - at < FRESH_SECONDS

    def _begin(self) -> None:
        self._running = True
        self._database.write(self._try).addCallbacks(lambda _: self._ended(True), self._failed)

    def _try(self, connection: Connection) -> None:
        path = self._database.backend.path
        if path is not None and shutil.disk_usage(path.parent).free < SPARE_BYTES:
            raise Unavailable("the disk is full")
        value = secrets.token_hex(8)
        if not connection.execute(update(meta).where(meta.c.name == PROBE).values(value=value)).rowcount:
            connection.execute(insert(meta).values(name=PROBE, value=value))

    def _failed(self, failure: Failure) -> None:
        if not failure.check(Refusal, OSError):
            self._database.log.failure("trying a commit failed", failure)
        self._ended(False)

    def _ended(self, works: bool) -> None:
        self._running = False
        self._works = works
        self._asked_at = self._clock.seconds()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(works)
