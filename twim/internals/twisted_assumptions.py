"""What the shortcuts past Twisted assume of it, compared with the installed version."""

# mypy: allow-untyped-calls

from __future__ import annotations

import select
from collections.abc import Iterator
from typing import Any, cast

from OpenSSL.SSL import WantReadError
from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IReactorFDSet
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.http import HTTPChannel, Request
from zope.interface import implementer

from twim.internals.transport import bytes_waiting, is_unwritten


class _Recorder:
    """Stands for a reactor, an epoll, a producer or a protocol; notes how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def note(*given: Any) -> list[Any]:
            self.calls.append((name, given))
            return []

        return note

    def names(self) -> list[str]:
        """What was called, in order."""
        return [name for name, _ in self.calls]


class _Written(FileDescriptor):
    """A transport that leads nowhere."""

    connected = 1

    def writeSomeData(self, data: bytes) -> int:
        return len(data)


@implementer(IOpenSSLClientConnectionCreator)
class _Handshake:
    """A connection of OpenSSL's, without its cost: its handshake waits for the peer."""

    def clientConnectionForTLS(self, protocol: object) -> Any:
        return self

    def set_connect_state(self) -> None:
        pass

    def set_app_data(self, data: object) -> None:
        pass

    def do_handshake(self) -> None:
        raise WantReadError

    def bio_read(self, size: int) -> bytes:
        raise WantReadError

    def send(self, data: bytes) -> int:
        raise WantReadError


def of_epoll() -> Iterator[str]:
    """The reactor asks `_poller.poll` for events with a time-out and a number."""
    if not hasattr(select, "epoll"):
        return
    from twisted.internet.epollreactor import EPollReactor

    asked: Any = _Recorder()
    reactor: Any = type("Stub", (), {"_poller": asked, "_selectables": {}, "_doReadOrWrite": None})()
    EPollReactor.doPoll(reactor, 0)
    if asked.calls != [("poll", (0, 0))]:
        yield "the reactor does not ask _poller.poll(timeout, maxevents) for events"


def of_writes() -> Iterator[str]:
    """A transport asks a pull producer for more whenever its buffer has been written."""
    transport = _Written(cast(IReactorFDSet, _Recorder()))
    producer: Any = _Recorder()
    transport.registerProducer(producer, False)
    del producer.calls[:]
    if is_unwritten(transport):
        yield "a new transport holds bytes already"
    transport.write(b"abc")
    if not is_unwritten(transport):
        yield "_tempDataBuffer and dataBuffer do not have what was written"
    transport.doWrite()
    if producer.names() != ["resumeProducing"] or is_unwritten(transport):
        yield "a pull producer is not asked for more when everything has been written"
    if transport.disconnecting:
        yield "a transport that is not closed is disconnecting"
    transport.loseConnection()
    if not transport.disconnecting:
        yield "a closed transport is not disconnecting"


def of_upgrade() -> Iterator[str]:
    """A connection gives what it reads to the protocol that it has at that time."""
    protocol: Any = _Recorder()
    connection: Any = Connection.__new__(Connection)
    connection.protocol = protocol
    connection._dataReceived(b"abc")
    if protocol.calls != [("dataReceived", (b"abc",))]:
        yield "a connection does not give what it reads to its protocol"


def of_waiting() -> Iterator[str]:
    """The bytes that a transport holds can be counted."""
    transport = _Written(cast(IReactorFDSet, _Recorder()))
    transport.write(b"abc")
    if bytes_waiting(transport) != 3:
        yield "a transport does not tell how much it holds"
    clock = Clock()
    tls: Any = TLSMemoryBIOFactory(_Handshake(), True, Factory.forProtocol(Protocol), clock).buildProtocol(None)
    tls.makeConnection(transport)
    before = bytes_waiting(tls)
    tls.write(b"abc")
    if bytes_waiting(tls) != before + 3:
        yield "TLS does not tell how much it collects for a record"
    clock.advance(1)
    if bytes_waiting(tls) != before + 3:
        yield "TLS does not tell how much it holds until the handshake is done"


def of_http() -> Iterator[str]:
    """`HTTPChannel` and `Request` have what `twim.internals.http` uses and overrides."""
    channel = HTTPChannel()
    for name in ("_receivedHeaderCount", "_receivedHeaderSize", "_handlingRequest", "_waitingForTransport", "_buffer"):
        if not hasattr(channel, name):
            yield f"HTTPChannel has no {name}"
    for owner, name in (
        (HTTPChannel, "_respondToBadRequestAndDisconnect"),
        (HTTPChannel, "_maybeChooseTransferDecoder"),
        (Request, "_disconnected"),
    ):
        if not hasattr(owner, name):
            yield f"{owner.__name__} has no {name}"
