"""Acts of administration, carried out by the running server or, where none runs, here.

Whoever runs a server finds the order in the database, and writes what came of it there. On SQLite the lock on the
database tells whether one runs. On a database server, and where the system has no locks, an order that nobody has taken
in `TAKEN_SECONDS` is taken back, which succeeds only if nobody takes it meanwhile: an act is carried out once or not at
all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from twisted.internet.defer import Deferred

from twim.command.account import account_name
from twim.command.place import existing
from twim.command.reactor_thread import ReactorThread
from twim.config import Config
from twim.errors import Refusal
from twim.logic.administration.acts import Actor
from twim.logic.administration.orders import SILENT_SECONDS
from twim.operator.refused import Refused
from twim.storage.backend import InUse
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.orders import FAILED, RUNNING, WAITING, Order, OrderStore
from twim.storage.sqlite.file import LOCKS

if TYPE_CHECKING:
    from twim.command.alone import Alone

T = TypeVar("T")

POLL_SECONDS: Final = 0.1
TAKEN_SECONDS: Final = 3.0  # a running server looks twice a second
BUSY_SECONDS: Final = 20.0  # the same where it is certain that one runs


class Acting:
    """The acts of one call of the command. `Refused` where there is no database."""

    def __init__(self, config: Config, note: Callable[[str], None]) -> None:
        existing(config).stop()
        self._config = config
        self._note = note
        self._actor = Actor(account_name())
        self._reactor_thread = ReactorThread()
        self._database = Database(parse_url(config.db), self._reactor_thread.reactor)
        self._database.start()
        self._orders = OrderStore(self._database)
        self._alone: Alone | None = None
        self._lock: int | None = None
        self._lock_tells = self._database.backend.path is not None and LOCKS

    def act(self, name: str, values: Mapping[str, object]) -> dict[str, Any]:
        """Have an act carried out, and give its result. `Refusal` as the act is refused, `Refused` when nobody answers
        or it can't be told what came of it, `Unavailable`."""
        if self._alone is None and not self._may_be_served():
            self._begin()
        if self._alone is None:
            answer = self._order(name, values)
            if answer is not None:
                return answer
            self._begin()
        assert self._alone is not None
        return self._alone.act(name, values, self._actor)

    def _may_be_served(self) -> bool:
        """Whether a server may run on the database. On SQLite this is certain: where none does, the lock is taken."""
        if not self._lock_tells:
            return True
        if self._lock is None:
            try:
                self._lock = self._database.backend.lock()
            except InUse:
                return True
        return False

    def _begin(self) -> None:
        # Not before it is wanted: it brings all that a server is made of.
        from twim.command.alone import Alone

        self._alone = Alone(self._config, self._database, self._reactor_thread, self._note)

    def _order(self, name: str, values: Mapping[str, object]) -> dict[str, Any] | None:
        """What a server answers; None, and nothing is done, when none takes the order."""
        told = msgspec.json.encode(dict(values))
        id: int = self._run(self._orders.leave, name, told, self._actor.who, time.time_ns() // 1_000_000)
        try:
            order = self._wait(id)
        except KeyboardInterrupt:
            if not self._run(self._orders.take_back, id):
                self._note("the server has begun and goes on")
            raise
        if order is None:
            return None
        answer: dict[str, Any] = msgspec.json.decode(order.outcome)
        if order.state == FAILED:
            raise Refusal(str(answer["msg"]), code=answer["code"], status=answer["status"])
        return answer

    def _wait(self, id: int) -> Order | None:
        began = seen = time.monotonic()
        beat = -1
        while True:
            time.sleep(POLL_SECONDS)
            order: Order | None = self._run(self._orders.look, id)
            if order is None:
                raise Refused("the server didn't take the order in time; nothing was done")
            now = time.monotonic()
            if order.state == WAITING:
                if self._nobody_takes(id, now - began):
                    return None
                seen = now
            elif order.state != RUNNING:
                return self._run(self._orders.collect, id) or order
            elif order.beat != beat:
                beat, seen = order.beat, now
            elif now - seen > SILENT_SECONDS:
                raise Refused("the server ended while it was at it; twim audit shows whether it was done")

    def _nobody_takes(self, id: int, waited: float) -> bool:
        """Whether the order was taken back, since no server runs. `Refused` where one runs and doesn't answer."""
        if waited < TAKEN_SECONDS:
            return False
        runs = self._lock_tells and self._may_be_served()
        if (runs and waited < BUSY_SECONDS) or not self._run(self._orders.take_back, id):
            return False
        if runs:
            raise Refused("what uses the database doesn't answer; nothing was done")
        return True

    def _run(self, what: Callable[..., Deferred[T]], *told: object) -> T:
        async def work() -> T:
            return await what(*told)

        return self._reactor_thread.do(work)

    def close(self) -> None:
        """End what was begun."""
        if self._alone is not None:
            self._alone.stop()
        self._database.stop()
        if self._lock is not None:
            os.close(self._lock)
        self._reactor_thread.stop()
