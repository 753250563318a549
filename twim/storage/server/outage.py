"""An outage of the database server: noticed once, and then everything is refused at once until it answers again.

Without this each caller would notice the outage by a time-out of its own, and a message that is sent during an outage
would wait for seconds in a queue before it is refused.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Engine
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

PROBE_SECONDS: Final = 0.5  # how often a server that was lost is looked for


class Outage:
    """Knows whether the server is lost. If it is, tries to reach it until it is back."""

    log = Logger()

    def __init__(self, engine: Engine, threads: ThreadPool, reactor: Any) -> None:
        self._engine = engine
        self._threads = threads
        self._reactor = reactor
        self._probe: IDelayedCall | None = None
        self._stopped = False
        self.is_lost = False

    def begin(self) -> None:
        """The server is lost. Reactor thread only."""
        if not self.is_lost:
            self.is_lost = True
            self.log.error("the database is lost; sends are refused until it is back")
            self._look(0)

    def stop(self) -> None:
        """Don't try to reach it any more."""
        self._stopped = True
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None

    def _look(self, seconds: float) -> None:
        if not self._stopped:
            self._probe = self._reactor.callLater(seconds, self._look_now)

    def _look_now(self) -> None:
        self._probe = None
        looking = deferToThreadPool(self._reactor, self._threads, self._ask)
        looking.addCallbacks(self._found, lambda _: self._look(PROBE_SECONDS))
        looking.addErrback(lambda failure: self.log.failure("looking for the database failed", failure))

    def _ask(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def _found(self, _: None) -> None:
        self.is_lost = False
        self.log.info("the database is back")
