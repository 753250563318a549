"""The bodies of HTTP requests and answers, none of which is ever whole in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from twim.errors import Unavailable
from twim.storage.files.gate import Gate
from twim.storage.files.threads import FileThreads

PIECE_BYTES = 1 << 17
"""How many bytes are read from the disk at a time."""

STALL_SECONDS = 30
"""Seconds. A store that sends nothing for so long, although we wait for it, counts as down."""

ANSWER_BYTES = 1 << 22
"""The largest answer, in bytes, that is collected in memory. A list of 1,000 files takes about 400 KiB."""


@implementer(IBodyProducer)
class FileBody(Gate):
    """A file as the body of a request, read in a thread as fast as the connection takes it."""

    def __init__(self, path: Path, size: int, threads: FileThreads) -> None:
        super().__init__()
        self.length = size
        self._path = path
        self._threads = threads

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        Deferred.fromCoroutine(self._produce(consumer)).addBoth(self._end, done)
        return done

    def _end(self, result: Failure | None, done: Deferred[None]) -> None:
        if not self.stopped:  # IBodyProducer: once stopped, it fires no more
            done.callback(result)  # a Failure is an errback

    async def _produce(self, consumer: IConsumer) -> None:
        first = 0
        while first < self.length and await self.passed():
            data = await self._threads.run(_piece, self._path, first)
            if self.stopped:
                return
            if not data:
                raise Unavailable
            consumer.write(data)
            first += len(data)


def _piece(path: Path, first: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        file.seek(first)
        return file.read(PIECE_BYTES)


class _Receiving(Protocol):
    """Takes an answer's body until it is whole, and no later than `STALL_SECONDS` after its last piece."""

    def __init__(self, clock: IReactorTime) -> None:
        self.done: Deferred[None] = Deferred()
        self._clock = clock
        self._stalling: IDelayedCall | None = None

    def connectionMade(self) -> None:
        self.wait(True)

    def dataReceived(self, data: bytes) -> None:
        self.wait(True)
        self.take(data)

    def take(self, data: bytes) -> None:
        raise NotImplementedError

    def wait(self, waiting: bool) -> None:
        """Whether it is the store that we wait for."""
        if self._stalling is not None and self._stalling.active():
            self._stalling.cancel()
        self._stalling = self._clock.callLater(STALL_SECONDS, self.end) if waiting else None

    def end(self) -> None:
        """Take nothing more."""
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.wait(False)
        if reason.check(ResponseDone):
            self.done.callback(None)
        else:
            self.done.errback(Unavailable())


class _Collecting(_Receiving):
    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.body = b""

    def take(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > ANSWER_BYTES:
            self.end()


@implementer(IPushProducer)
class _Passing(_Receiving):
    """Passes the body on to a consumer, and its pauses to the store's connection."""

    def __init__(self, clock: IReactorTime, consumer: IConsumer) -> None:
        super().__init__(clock)
        self._consumer = consumer
        self._stopped = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self._consumer.registerProducer(self, True)

    def take(self, data: bytes) -> None:
        if not self._stopped:
            self._consumer.write(data)

    def pauseProducing(self) -> None:
        self.wait(False)
        transport: Any = self.transport
        transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.wait(True)
        transport: Any = self.transport
        transport.resumeProducing()

    def stopProducing(self) -> None:
        self._stopped = True
        self.end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.wait(False)
        if self._stopped:
            self.done.callback(None)
            return
        self._consumer.unregisterProducer()
        super().connectionLost(reason)


async def collect(response: IResponse, clock: IReactorTime) -> bytes:
    """The body of an answer, of at most `ANSWER_BYTES`. `Unavailable` when it breaks off."""
    collecting = _Collecting(clock)
    response.deliverBody(collecting)
    await collecting.done
    return collecting.body


async def pass_on(response: IResponse, consumer: IConsumer, clock: IReactorTime) -> None:
    """Write the body of an answer to `consumer`. `Unavailable` if it breaks off."""
    passing = _Passing(clock, consumer)
    response.deliverBody(passing)
    await passing.done
