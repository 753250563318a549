"""``twistd im``'s service: opens the database, composes the node, listens; and undoes it in reverse.

What can't work (a taken port, a folder that can't be written, a broken database) ends the program with one line.
"""

from __future__ import annotations

import gc
import resource
import sys
from contextlib import suppress
from socket import gethostname
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Site

from twim.access.listening import prepare
from twim.config import Config, ConfigError
from twim.errors import Unavailable
from twim.node import Node
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import CannotOpen, lock_file, open_database, open_when_there


def check_ports(config: Config) -> None:
    """`ConfigError` for an endpoint string that is none."""
    from twisted.internet import reactor

    for description in config.port:
        try:
            serverFromString(reactor, description)
        except (ValueError, TypeError, KeyError, IndexError, OSError) as error:
            raise ConfigError(f"--port {description}: {error or 'not an endpoint'}") from None


def raise_open_files() -> int:
    """Allow as many open files as the system lets us, and give the number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def calm_collector() -> None:
    """Tell the cyclic garbage collector what kind of program this is.

    What was loaded until now is never garbage. New objects are looked at 5,000 at a time: a message leaves nothing to
    collect, but a connection and a request do, and 50,000 of those at once kept the reactor for 80 ms, each second
    when a thousand clients reconnect in it. The second look, at what survived, takes 15,000 at a time; the third, at
    everything, 50 ms with 10,000 connections and growing with them, comes only when memory has grown by a quarter, at
    most every 45 million objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 3, 3_000)


class NodeService(Service):
    """Opens the database, composes the node, listens; and undoes it in reverse."""

    log = Logger()

    def __init__(self, config: Config, reactor: Any) -> None:
        self._config = config
        self._reactor = reactor
        self._database = Database(parse_url(config.db), reactor)
        self._ports: list[IListeningPort] = []
        self.node: Node | None = None
        self._lock: int | None = None
        self._opening: Deferred[Any] | None = None

    def startService(self) -> None:
        """Start, or end the program with one line that says why not."""
        super().startService()
        self.log.info("open files: at most {count}", count=raise_open_files())
        try:
            self._config.data.mkdir(parents=True, exist_ok=True)
            self._lock = lock_file(self._database)
            self._database.start()
            self._opened(open_database(self._database))
        except Unavailable:
            # Tried above, so that a wrong password ends the program at once; a server that is down is waited for.
            self._opening = Deferred.fromCoroutine(open_when_there(self._database, self._reactor))
            self._opening.addCallback(self._opened).addErrback(self._not_opened)
        except (OSError, CannotOpen, ConfigError, ValueError) as error:
            self._give_up(self._explained(error))

    def _opened(self, epoch: str) -> None:
        self.node = Node(self._config, self._database, epoch, self._reactor)
        calm_collector()
        started = self.node.start()
        # The reactor isn't kept from anything while it hasn't begun.
        self._reactor.callWhenRunning(self.node.stalls.start)
        started.addErrback(self._no_bus)
        if started.called:
            # At once, so that what can't work ends the program at once.
            raised: list[Failure] = []
            started.addCallback(self._listen_all).addErrback(raised.append)
            if raised:
                raised[0].raiseException()
        else:
            self._opening = started.addCallback(self._listen_all).addErrback(self._not_opened)

    def _no_bus(self, failure: Failure) -> None:
        failure.trap(OSError)
        self._give_up(f"--bus: {failure.value}")

    def _listen_all(self, _: object) -> None:
        assert self.node is not None
        for description in self._config.port:
            self._listen(description, self.node.site)

    def _not_opened(self, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        error = failure.value
        if isinstance(error, (OSError, CannotOpen, ConfigError, ValueError)):
            with suppress(SystemExit):
                self._give_up(self._explained(error))
        elif not failure.check(SystemExit):
            self.log.failure("the node can't start", failure)
        self._reactor.stop()

    def _explained(self, error: Exception) -> str:
        return f"--data {self._config.data}: {error.strerror or error}" if isinstance(error, OSError) else str(error)

    def _listen(self, description: str, site: Site) -> None:
        listening = serverFromString(self._reactor, description).listen(site)
        failed: list[Failure] = []
        listening.addCallbacks(self._listens, failed.append, callbackArgs=(description,))
        if failed:
            error = failed[0].value
            why = error.socketError.strerror if isinstance(error, CannotListenError) else error
            self._give_up(f"--port {description}: {why}")

    def _listens(self, port: IListeningPort, description: str) -> None:
        self._ports.append(port)
        prepare(port)
        where = port.getHost()
        if not isinstance(where, (IPv4Address, IPv6Address)):
            self.log.info("listening on {where}", where=description)
            return
        scheme = "https" if description.startswith("ssl:") else "http"
        host = "127.0.0.1" if where.host in ("0.0.0.0", "::") else where.host
        shown = f"[{host}]" if ":" in host else host
        if self.node is not None:
            there = gethostname() if where.host in ("0.0.0.0", "::") else shown
            self.node.bus.describe(address=f"{there}:{where.port}")
        # A line of its own, to be found among the others.
        self.log.info("ready\n\n    open {url} in a browser\n", url=f"{scheme}://{shown}:{where.port}/")

    def _give_up(self, why: str) -> NoReturn:
        self._database.stop()
        if self.node is not None:
            for pool in (self.node.files, self.node.thumbs, self.node.passwords):
                pool.stop()
            self.node = None
        line = " ".join(why.split())
        self.log.critical("{why}", why=line)
        # sys.stderr is the log by now.
        print(f"twim: {line}", file=sys.__stderr__)
        raise SystemExit(1)

    def stopService(self) -> Deferred[None]:
        """Stop accepting, send everybody elsewhere, end after the last commit."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        await gatherResults([Deferred.fromCoroutine(_stopped(port)) for port in self._ports])
        if self.node is not None:
            await self.node.stop(self._reactor)
        self._database.stop()


async def _stopped(port: IListeningPort) -> None:
    stopping: Any = port.stopListening()
    if stopping is not None:
        await stopping
