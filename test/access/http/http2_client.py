"""A client of the h2 package, and an HTTP/2 connection of the server, joined in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived
from h2.settings import SettingCodes
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from twim.access.http.http2_connection import Http2Connection
from twim.access.http.request import BoundedRequest, BoundedRequests
from twim.errors import NotLoggedIn

IDLE = 60.0
HUGE = 2**31 - 1
PIECE = 64 * 1024


class Pieces:
    """A producer that writes a piece whenever it may."""

    def __init__(self, request: Any, pull: bool = False) -> None:
        self.request = request
        self.pull = pull
        self.written = 0
        self.paused = self.stopped = False

    def resumeProducing(self) -> None:
        self.paused = False
        while not (self.paused or self.stopped):
            self.written += PIECE
            self.request.write(bytes(PIECE))
            if self.pull:
                return

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.stopped = True


class Answers(Resource):
    """`/large` answers without an end, and so does `/pull`, with a pull producer. `/whole` writes a large answer at
    once, and `/wait` doesn't answer. Any other path is answered with itself."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.producers: list[Pieces] = []
        self.requests: list[Request] = []

    def render(self, request: Request) -> bytes | int:
        self.requests.append(request)
        if request.path in (b"/large", b"/pull"):
            pull = request.path == b"/pull"
            self.producers.append(Pieces(request, pull))
            request.registerProducer(self.producers[-1], not pull)
            if not pull:
                self.producers[-1].resumeProducing()
            return NOT_DONE_YET
        if request.path == b"/wait":
            return NOT_DONE_YET
        return bytes(500_000) if request.path == b"/whole" else request.path


class HeldBody:
    """Receives the body of a request and only counts its bytes."""

    def __init__(self) -> None:
        self.taken = 0
        self.ended = self.lost = False

    def take(self, data: bytes) -> None:
        self.taken += len(data)

    def end(self) -> None:
        self.ended = True

    def lose(self) -> None:
        self.lost = True


class Http2Case(SynchronousTestCase):
    """A client and a connection. `exchange` carries the bytes between them."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.held: list[tuple[BoundedRequest, HeldBody]] = []
        requests = BoundedRequests({b"/upload": self.receive, b"/refused": self.refuse}, self.clock)
        self.answers = Answers()
        self.site: Any = Site(self.answers, reactor=self.clock)
        self.site.requestFactory = requests.request
        self.site.log = lambda request: None
        self.connection = Http2Connection(self.site, self.clock, IDLE)
        self.transport = StringTransport()
        self.transport.abortConnection = self.abort  # type: ignore[method-assign]
        self.aborted = False
        self.connection.makeConnection(self.transport)
        self.client = H2Connection(H2Configuration(header_encoding=None))
        self.client.initiate_connection()
        self.events: list[Any] = []
        self.next_stream = -1
        self.exchange()

    def abort(self) -> None:
        self.aborted = True

    def receive(self, request: BoundedRequest, length: int | None) -> HeldBody:
        held = HeldBody()
        self.held.append((request, held))
        request.pause_body()
        return held

    def refuse(self, request: BoundedRequest, length: int | None) -> HeldBody:
        raise NotLoggedIn

    def exchange(self, acknowledge: bool = True) -> None:
        """Carry bytes both ways until there are none. With `acknowledge` the client opens its windows as it reads."""
        for _ in range(10_000):
            sent, said = self.client.data_to_send(), self.transport.value()
            self.transport.clear()
            if not sent and not said:
                return
            if said:
                events = self.client.receive_data(said)
                self.events += events
                for event in events:
                    if acknowledge and isinstance(event, DataReceived):
                        self.client.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            if sent:
                self.connection.dataReceived(sent)
        self.fail("no end")

    def ask(self, path: str, method: str = "GET", *more: tuple[str, str], ends: bool = True) -> int:
        self.next_stream += 2
        head = [(":method", method), (":path", path), (":scheme", "https"), (":authority", "x"), *more]
        self.client.send_headers(self.next_stream, head, end_stream=ends)
        return self.next_stream

    def found(self, kind: type[Any], stream: int) -> Iterator[Any]:
        return (event for event in self.events if isinstance(event, kind) and event.stream_id == stream)

    def status(self, stream: int) -> int:
        return int(dict(next(self.found(ResponseReceived, stream)).headers)[b":status"])

    def body(self, stream: int) -> bytes:
        return b"".join(event.data for event in self.found(DataReceived, stream))

    def open_windows(self) -> None:
        """Open the windows of the client as far as they go, as a client does that wants everything at once."""
        self.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: HUGE})
        self.client.increment_flow_control_window(HUGE - 65_535)

    def waiting(self) -> int:
        return self.connection._sender.waiting
