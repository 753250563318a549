"""A TCP proxy before the server that fails in the ways in which a network can."""

from __future__ import annotations

from random import Random
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

SMALL_BUFFER = 64 * 1024  # bytes that the kernel buffers for a stalled reader, so that a stall has an effect soon


class Half(Protocol):
    """One side of a connection; what it receives goes to the other side."""

    def __init__(self, proxy: CuttingProxy) -> None:
        self.proxy = proxy
        self.other: Half | None = None
        self.gone = False
        self.early: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        if self.other is None:
            self.early.append(data)
        elif self.proxy.cuts_now():
            # A part of it still arrives, so that the cut is in the middle of a frame.
            self.other.transport.write(data[: self.proxy.random.randrange(len(data) + 1)])
            self.proxy.cut(self)
        else:
            self.other.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone = True
        self.proxy.halves.discard(self)
        if self.other is not None:
            self.other.transport.loseConnection()

    def joined(self, other: Half) -> None:
        self.other = other
        for data in self.early:
            other.transport.write(data)
        self.transport.registerProducer(other.transport, True)
        self.proxy.halves.add(self)


class CuttingProxy:
    """Forwards to `port` of loopback. `cutting` is the probability that the connection is cut after a chunk of data."""

    def __init__(self, reactor: Any, port: int, random: Random) -> None:
        self.random = random
        self.halves: set[Half] = set()
        self.cutting = 0.0
        self.cuts = 0
        self._endpoint = HostnameEndpoint(reactor, "127.0.0.1", port)
        factory = Factory.forProtocol(lambda: _Front(self))
        factory.noisy = False
        self._listening: IListeningPort = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{self._listening.getHost().port}"

    def cuts_now(self) -> bool:
        return self.random.random() < self.cutting

    def cut(self, half: Half) -> None:
        """Reset both sides of a connection, as a network that forgot it does."""
        self.cuts += 1
        for side in (half, half.other):
            if side is not None:
                side.transport.abortConnection()

    def stall(self) -> None:
        """Stop reading from the server on all present connections."""
        for half in self._backs():
            half.transport.pauseProducing()

    def go_on(self) -> None:
        """Read from the server again."""
        for half in self._backs():
            half.transport.resumeProducing()

    async def close(self) -> None:
        for half in list(self.halves):
            half.transport.abortConnection()
        stopped = self._listening.stopListening()
        if stopped is not None:
            await stopped

    def connect(self, front: Half) -> None:
        back = Half(self)
        factory = Factory.forProtocol(lambda: back)
        factory.noisy = False
        dialling = self._endpoint.connect(factory)
        dialling.addCallbacks(lambda _: self._join(front, back), lambda _: front.transport.abortConnection())

    def _join(self, front: Half, back: Half) -> None:
        if front.gone:
            back.transport.abortConnection()
            return
        back.transport.getHandle().setsockopt(SOL_SOCKET, SO_RCVBUF, SMALL_BUFFER)
        front.joined(back)
        back.joined(front)

    def _backs(self) -> list[Half]:
        return [half for half in self.halves if not isinstance(half, _Front)]


class _Front(Half):
    """The client's side of a connection."""

    def connectionMade(self) -> None:
        self.proxy.connect(self)
