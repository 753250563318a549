"""One stream of HTTP/2: a request and its answer. twisted.web's `Request` uses it as its channel.

What waits here is bounded. A client can send no more of a body than the stream's flow-control window allows, and while
the body is paused, the window isn't opened again. A producer of an answer is paused as soon as `STREAM_BYTES` wait,
however large the client's window is.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Final, Protocol

from h2.errors import ErrorCodes
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from twim.access.http.request_channel import RequestChannel
from twim.logs.context import log_id_of

STREAM_BYTES: Final = 64 * 1024
"""How many bytes of an answer may wait in a stream before its producer is paused. The piece that the producer is just
writing comes on top."""

RESUME_BYTES: Final = 16 * 1024
"""The producer continues when no more than so many bytes wait."""

HEAD_BYTES: Final = 16 * 1024
HEAD_LINES: Final = 500
"""The most bytes and lines of a request's headers: the bounds that twisted.web has for HTTP/1.1."""

_OF_CONNECTION: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
"""Headers of HTTP/1.1 that must not be sent over HTTP/2 (RFC 9113, section 8.2.2)."""

Head = list[tuple[bytes, bytes]]


class Connection(Protocol):
    """What a stream asks of its connection."""

    factory: Any
    clock: IReactorTime
    secure: bool

    def getPeer(self) -> IAddress: ...

    def getHost(self) -> IAddress: ...

    def send_head(self, stream: Stream, head: Head) -> None:
        """Send an answer's status and headers."""

    def send_later(self, stream: Stream, added: int) -> None:
        """The stream has `added` bytes more to send, or has become complete."""

    def acknowledge(self, stream: Stream, count: int) -> None:
        """`count` bytes of flow control were used up and are free again: the client may send as many more."""

    def reset(self, stream: Stream, code: ErrorCodes) -> None:
        """End the stream at once."""

    def begin(self, stream: Stream) -> None:
        """The request is complete: give it to its resource as soon as few enough bytes wait to be sent."""


class Stream(RequestChannel):
    """One stream of an `Http2Connection`."""

    transport = None  # twisted.web's Request reads this attribute, but never uses its value.
    drains_refused_bodies: ClassVar[bool] = False

    def __init__(self, number: int, connection: Connection) -> None:
        self.number = number
        self.factory = self.site = connection.factory
        self.waiting = 0
        """How many bytes of the answer have not been given to the transport yet."""
        self.answered = False
        """Whether the whole answer has been written to the stream."""
        self.received = False
        """Whether the whole request has arrived."""
        self.in_line = False
        """Whether the stream stands in the line of its connection's sender. Only the sender changes it."""
        self.last_progress = connection.clock.seconds()
        self._connection = connection
        self.log_id = log_id_of(connection)
        self._head = (b"", b"", b"HTTP/2")
        self._begun = False
        self._answer: deque[memoryview] = deque()
        self._paused_body: deque[tuple[bytes, int]] | None = None
        self._producer: Any = None
        self._producer_paused = False
        self._request = connection.factory.requestFactory(self)

    # What the connection calls

    def head_received(self, head: Head, ended: bool) -> None:
        """The headers of the request have arrived. `ended` says that it has no body."""
        self.received = ended
        said: dict[bytes, bytes] = {}
        headers: Headers = self._request.requestHeaders
        for name, value in head:
            if name.startswith(b":"):
                said[name] = value
            else:
                headers.addRawHeader(name, value)
        if b":authority" in said:
            # It replaces a Host header, if there is one (RFC 9113, section 8.3.1).
            headers.setRawHeaders(b"host", [said[b":authority"]])
        self._head = (said.get(b":method", b""), said.get(b":path", b""), b"HTTP/2")
        self.head_is_too_large = len(head) > HEAD_LINES or sum(len(n) + len(v) for n, v in head) > HEAD_BYTES
        length = headers.getRawHeaders(b"content-length")
        self._request.parseCookies()
        self._request.gotLength(0 if ended else int(length[0]) if length else None)
        if not self.answered and (headers.getRawHeaders(b"expect") or [b""])[0].lower() == b"100-continue":
            self.send_continue()

    def body_received(self, data: bytes, count: int) -> None:
        """A piece of the body has arrived. It used up `count` bytes of flow control."""
        self.last_progress = self._connection.clock.seconds()
        if self._paused_body is not None:
            self._paused_body.append((data, count))
            return
        self._connection.acknowledge(self, count)
        self._give(data)

    def end_received(self) -> None:
        """The whole request has arrived."""
        self.received = True
        if self._paused_body is None:
            self._connection.begin(self)

    def begin(self) -> None:
        """Give the request to its resource."""
        if not self.answered and not self._gone and not self._begun:
            self._begun = True
            self._request.requestReceived(*self._head)

    def take(self, most: int) -> bytes:
        """Take the next bytes of the answer, at most so many, to send them now."""
        if not self._answer:
            return b""
        piece = self._answer.popleft()
        if len(piece) > most:
            self._answer.appendleft(piece[most:])
            piece = piece[:most]
        self.waiting -= len(piece)
        self.last_progress = self._connection.clock.seconds()
        self.note_stuck(False)
        return bytes(piece)

    def sent(self) -> None:
        """The bytes that were taken are in the transport: a paused producer may continue."""
        if self._producer_paused and self.waiting <= RESUME_BYTES:
            self._producer_paused = False
            self._producer.resumeProducing()

    def is_stalled(self, before: float, waits_for_client: float) -> bool:
        """Whether bytes of the answer wait and none was taken since `before`, or a body is awaited and nothing of it
        came since `waits_for_client` (both in seconds of the clock)."""
        if self.waiting:
            return self.last_progress < before
        return not self.received and self._paused_body is None and self.last_progress < waits_for_client

    def ended(self) -> int:
        """The stream is over: what still waits of its answer is dropped. Returns how many bytes of flow control were
        used up by the part of a body that nobody took."""
        self._gone = True
        self._answer.clear()
        self.waiting = 0
        self.release_quota()
        left, self._paused_body = self._paused_body or (), None
        return sum(count for _, count in left)

    def lost(self, why: Failure) -> None:
        """The client is gone, or doesn't want the answer any more."""
        if self.answered:
            return
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        # Code that waited for the producer may have finished the request in the meantime.
        if not self.answered:
            self.answered = True
            self._request.connectionLost(why)

    # What this server calls, as for any RequestChannel

    def request_line(self) -> tuple[bytes, bytes, bytes]:
        return self._head

    def pause_body(self) -> None:
        if self._paused_body is None:
            self._paused_body = deque()

    def resume_body(self) -> None:
        held, self._paused_body = self._paused_body, None
        self.last_progress = self._connection.clock.seconds()
        while held:
            data, count = held.popleft()
            self._connection.acknowledge(self, count)
            self._give(data)
            if self._paused_body is not None:
                # Whoever got the data has paused the body again.
                self._paused_body.extend(held)
                return
        if held is not None and self.received:
            self._connection.begin(self)

    def send_continue(self) -> None:
        self._connection.send_head(self, [(b":status", b"100")])

    def refuse_rest(self) -> None:
        """Does nothing: when the answer has been sent, the connection tells the client to stop sending."""

    def cut(self) -> None:
        self._connection.reset(self, ErrorCodes.CANCEL)

    def _give(self, data: bytes) -> None:
        if data and not self.answered and not self._gone:
            self._request.handleContentChunk(data)

    # What twisted.web's Request calls

    def getPeer(self) -> IAddress:
        return self._connection.getPeer()

    def getHost(self) -> IAddress:
        return self._connection.getHost()

    def isSecure(self) -> bool:
        return self._connection.secure

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        lines = [(name.lower(), value) for name, values in headers.getAllRawHeaders() for value in values]
        kept = [line for line in lines if line[0] not in _OF_CONNECTION]
        self._connection.send_head(self, [(b":status", code), *kept])

    def write(self, data: bytes) -> None:
        if self._gone or not data:
            return
        if not self.waiting:
            self.last_progress = self._connection.clock.seconds()
        self._answer.append(memoryview(data))
        self.waiting += len(data)
        self._connection.send_later(self, len(data))
        if self._producer is not None and not self._producer_paused and self.waiting >= STREAM_BYTES:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self.write(piece)

    def requestDone(self, request: object) -> None:
        self.answered = True
        self._connection.send_later(self, 0)

    def loseConnection(self) -> None:
        """The answer broke off. The stream is reset only later, since the caller may be in the middle of writing it."""
        self._connection.clock.callLater(0, self._connection.reset, self, ErrorCodes.INTERNAL_ERROR)

    abortConnection = loseConnection

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._producer = producer if streaming else _Pulled(producer, self._connection.clock)
        self._producer_paused = False
        if not streaming:
            self._producer.resumeProducing()

    def unregisterProducer(self) -> None:
        producer, self._producer = self._producer, None
        if isinstance(producer, _Pulled):
            producer.pauseProducing()
        self._producer_paused = False


class _Pulled:
    """Makes a push producer of a pull producer, by asking it for more once in each reactor iteration until paused."""

    def __init__(self, producer: Any, clock: IReactorTime) -> None:
        self._producer = producer
        self._clock = clock
        self._next: IDelayedCall | None = None

    def resumeProducing(self) -> None:
        if self._next is None:
            self._next = self._clock.callLater(0, self._ask)

    def pauseProducing(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def stopProducing(self) -> None:
        self.pauseProducing()
        self._producer.stopProducing()

    def _ask(self) -> None:
        self._next = self._clock.callLater(0, self._ask)
        self._producer.resumeProducing()
