"""``twistd im``'s service: opens the database, composes the node, listens; and undoes it in reverse.

An error that prevents the start (a taken port, a folder that can't be written, a broken database) ends the program
with one line.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from socket import gethostname
from typing import Any, NoReturn

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Site

from twim.certificates import Certificates
from twim.config import Config, ConfigError
from twim.errors import Unavailable
from twim.identity.opening import check_sources
from twim.identity.sources import BadSource
from twim.internals.certificates import ERRORS, RereadCertificate, is_tls
from twim.internals.selfcheck import usable
from twim.internals.sockets import prepare
from twim.logs.destination import LogDestination
from twim.node import Node
from twim.signals import obey
from twim.storage.backend import CannotOpen
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database, open_when_there
from twim.storage.private import make_folder

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def check_ports(config: Config) -> None:
    """`ConfigError` for an endpoint string that is none."""
    from twisted.internet import reactor

    for description in config.port:
        try:
            if is_tls(description):
                RereadCertificate(reactor, description)
            else:
                serverFromString(reactor, description)
        except ERRORS as error:
            raise ConfigError(f"--port {description}: {error or 'not an endpoint'}") from None


def check_login(config: Config) -> None:
    """`ConfigError` for a file of ``--login`` that can't be used."""
    try:
        check_sources(config.login)
    except BadSource as error:
        raise ConfigError(f"--login {error}") from None


def raise_open_files() -> int:
    """Allow as many open files as the system lets us, and give the number; 0 where there is no such limit."""
    if resource is None:
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def calm_collector() -> None:
    """Adapt the cyclic garbage collector to this server.

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

    def __init__(self, config: Config, reactor: Any, log: LogDestination | None = None) -> None:
        self._config = config
        self._reactor = reactor
        self._destination = log
        self._certificates = Certificates(reactor)
        self._disobey: Callable[[], None] = lambda: None
        self._database = Database(parse_url(config.db), reactor)
        self._ports: list[IListeningPort] = []
        self.node: Node | None = None
        self._lock: int | None = None
        self._opening: Deferred[Any] | None = None

    def startService(self) -> None:
        """Start, or end the program with one line that says why not."""
        super().startService()
        self._disobey = obey(self._reactor, self.read_again)
        self.log.info("open files: at most {count}", count=raise_open_files())
        try:
            make_folder(self._config.data)
            self._lock = self._database.backend.lock()
            self._database.start()
            self._opened(open_database(self._database))
        except Unavailable:
            # Tried above, so that a wrong password ends the program at once; a server that is down is waited for.
            self._opening = Deferred.fromCoroutine(open_when_there(self._database, self._reactor))
            self._opening.addCallback(self._opened).addErrback(self._not_opened)
        except (OSError, CannotOpen, ConfigError, ValueError) as error:
            self._give_up(self._explained(error))

    def _opened(self, epoch: str) -> None:
        config = replace(self._config, shortcuts=usable(self._config.shortcuts))
        self.node = Node(config, self._database, epoch, self._reactor)
        if config.operators:
            self.log.warn(
                "--operators goes with the next release, administrators take their place: twim user role USER admin"
            )
        if self.node.urls.is_checked_elsewhere:
            self.log.warn("--files …&public=…: whoever knows a file's address may read it unless that site checks it")
        beginning = Deferred.fromCoroutine(self._tell_setup(self.node))
        beginning.addErrback(lambda failure: self.log.failure("whether there is an administrator is unknown", failure))
        self.node.metrics.expiries = self._certificates.expiries
        calm_collector()
        started = self.node.start()
        # Not before the reactor runs: until then no timer can fire, which would count as a stall.
        self._reactor.callWhenRunning(self.node.stalls.start)
        started.addErrback(self._no_bus)
        if started.called:
            # Without waiting, so that an error ends the program at once.
            raised: list[Failure] = []
            started.addCallback(self._listen_all).addErrback(raised.append)
            if raised:
                raised[0].raiseException()
        else:
            self._opening = started.addCallback(self._listen_all).addErrback(self._not_opened)

    async def _tell_setup(self, node: Node) -> None:
        """Say how somebody becomes the first administrator, while there is none."""
        start = await node.registrations.start()
        if not start.setup:
            return
        if start.has_users:
            self.log.warn(
                "no administrator yet: twim user role USER admin makes one, as does registering with the setup code"
            )
        self.log.info("setup code: {code}", code=start.setup)

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
        listening = self._endpoint(description).listen(site)
        failed: list[Failure] = []
        listening.addCallbacks(self._listens, failed.append, callbackArgs=(description,))
        if failed:
            error = failed[0].value
            why = error.socketError.strerror if isinstance(error, CannotListenError) else error
            self._give_up(f"--port {description}: {why}")

    def _endpoint(self, description: str) -> IStreamServerEndpoint:
        if not is_tls(description):
            endpoint: IStreamServerEndpoint = serverFromString(self._reactor, description)
            return endpoint
        certificate = RereadCertificate(self._reactor, description)
        self._certificates.add(certificate)
        return certificate.endpoint()

    def read_again(self) -> None:
        """Read the certificates again, and open the log's file again."""
        if self._destination is not None:
            self._destination.open_again()
        self._certificates.read_again()

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
        self.log.info("ready: open {url} in a browser", url=f"{scheme}://{shown}:{where.port}/")

    def _give_up(self, why: str) -> NoReturn:
        self._disobey()
        self._certificates.stop()
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
        """Stop accepting connections, tell all devices to reconnect to another node, and end after the last commit."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        if self.node is not None:
            self.node.readiness.draining = True
        self._certificates.stop()
        await gatherResults([Deferred.fromCoroutine(_stopped(port)) for port in self._ports])
        if self.node is not None:
            await self.node.stop(self._reactor)
        self._database.stop()
        self._disobey()


async def _stopped(port: IListeningPort) -> None:
    stopping: Any = port.stopListening()
    if stopping is not None:
        await stopping
