"""What a connection has from the socket it was accepted on."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint, connectProtocol
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from test.access.running_node import RunningNode, reactor, until
from twim.config import read_config
from twim.internals import sockets as listening
from twim.internals.sockets import prepare, watch
from twim.service import NodeService

WATCHED = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 30,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 10,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 30_000,
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,
}


def options_of(one: Any) -> dict[tuple[int, int], int]:
    """What of `WATCHED` a socket has."""
    return {(level, option): one.getsockopt(level, option) for level, option in WATCHED}


class Accepting(Factory):
    """Keeps the transport of each connection."""

    def __init__(self) -> None:
        self.accepted: list[Any] = []

    def buildProtocol(self, addr: object) -> Protocol:
        made = Protocol()
        made.connectionMade = lambda: self.accepted.append(made.transport)  # type: ignore[method-assign]
        return made


class ListeningTests(TestCase):
    """`prepare`."""

    timeout = 60

    async def accept(self, port: Any, way_in: IStreamClientEndpoint, factory: Accepting) -> Any:
        """The transport of a connection as the server has it."""
        self.addCleanup(port.stopListening)
        client = await connectProtocol(way_in, Protocol())
        self.addCleanup(client.transport.abortConnection)
        await until(lambda: factory.accepted)
        self.addCleanup(factory.accepted[0].abortConnection)
        return factory.accepted[0]

    async def test_inherited(self) -> None:
        """A connection has all options of its listening socket, over IPv4 and over IPv6."""
        for interface, kind in (("127.0.0.1", TCP4ClientEndpoint), ("::1", TCP6ClientEndpoint)):
            factory = Accepting()
            port = reactor.listenTCP(0, factory, interface=interface)
            prepare(port)
            transport = await self.accept(port, kind(reactor, interface, port.getHost().port), factory)
            self.assertEqual(options_of(transport.getHandle()), WATCHED)

    async def test_unix(self) -> None:
        """A Unix socket, which has no such options, works as before."""
        where = str(Path(self.mktemp()).absolute())
        factory = Accepting()
        port = reactor.listenUNIX(where, factory)
        prepare(port)
        transport = await self.accept(port, UNIXClientEndpoint(reactor, where), factory)
        watch(transport.getHandle())
        self.assertTrue(transport.connected)

    def test_not_a_port(self) -> None:
        """What has no socket of its own is left alone."""
        prepare(object())

    def test_backlog(self) -> None:
        """More may wait than Twisted lets, and as many as the operator says."""
        asked = []

        class Socket:
            def setsockopt(self, *option: int) -> None: ...

            def listen(self, backlog: int) -> None:
                asked.append(backlog)

        for given in (50, None, 5_000):
            prepare(type("Port", (), {"socket": Socket(), "backlog": given})())
        self.assertEqual(asked, [listening.BACKLOG, listening.BACKLOG, 5_000])

    def test_service(self) -> None:
        """The server prepares what it listens on."""
        service = NodeService(read_config({"data": self.mktemp()}, {}), reactor)
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        service._listens(port, "tcp:0")
        self.assertEqual(options_of(port.socket), WATCHED)


class WatchedTests(RunningNode):
    """A device's connection."""

    async def check(self) -> None:
        one = await self.person()
        await one.device()
        (session,) = self.node.hub.users[one.id].sessions
        handle = session.socket.transport.getHandle()  # type: ignore[union-attr]
        self.assertEqual(options_of(handle), WATCHED)

    def test_unprepared(self) -> Deferred[None]:
        """Whoever listens without `prepare` gets the same options, one connection at a time."""
        self.assertEqual(self.listening.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0)
        return Deferred.fromCoroutine(self.check())

    def test_prepared(self) -> Deferred[None]:
        """With it no option is set again."""
        prepare(self.listening)
        self.patch(listening, "_set_options", lambda one: self.fail("set again"))
        return Deferred.fromCoroutine(self.check())
