"""A connection of HTTP/2 over TLS (RFC 9113): its streams, what comes in for them, and the bounds of the connection.

The h2 package implements the protocol; only its public interface is used. twisted.web's own HTTP/2 isn't used: it keeps
whatever is written to a stream, and continues as long as the client's windows are open, which a client can open to
2 GiB each. Here an answer waits only as far as the bounds of `http2_stream`, of `http2_sending` and below allow.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from twim.access.http.channel import STALL_SECONDS
from twim.access.http.http2_sending import Sender
from twim.access.http.http2_stream import Head, Stream
from twim.errors import TooMany
from twim.limits.buckets import RateLimit
from twim.limits.rates import Rate

STREAMS: Final = 100
"""The most requests under way on one connection. RFC 9113, section 6.5.2, recommends at least 100."""

STREAM_WINDOW: Final = 256 * 1024
"""The most bytes of one request's body that may arrive before the server takes any of them."""

CONNECTION_WINDOW: Final = 1024 * 1024
"""The same bound for all bodies of a connection together, in bytes."""

RESETS: Final = Rate(20, 1, 200)
"""How many streams may be reset in a second on average, and how many at once. Each reset stream has cost the server a
request (CVE-2023-44487)."""

HEADER_TABLE_BYTES: Final = 4096
"""The most bytes of headers that are remembered so that they can be sent shorter (RFC 7541, section 4.2), even if the
client allows more."""

REFUSED_SECONDS: Final = 2
"""How long the body of a refused request is read and dropped before its stream is reset. Some clients (curl 7.88, for
example) lose an answer that is followed by a reset at once."""

CHECK_SECONDS: Final = 10
CLOSE_SECONDS: Final = 15
"""How often a connection is checked, and how long it may take to close."""


class Http2Connection(Protocol):
    """Reads the frames of one connection, gives them to its streams, and ends the streams and itself."""

    transport: Any

    def __init__(self, factory: Any, clock: IReactorTime, idle_seconds: float) -> None:
        self.factory = factory
        self.clock = clock
        self.secure = False
        self._idle_seconds = idle_seconds
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        bounds: dict[SettingCodes, int] = {
            SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        }
        self._h2.local_settings = Settings(client=False, initial_values=bounds)
        self._streams: dict[int, Stream] = {}
        self._sender = Sender(self._h2, self)
        self._refused: dict[int, IDelayedCall] = {}
        self._resets = RateLimit(RESETS, clock.seconds)
        self._idle_since = clock.seconds()
        self._closing_since: float | None = None
        self._checking: IDelayedCall | None = None
        self._on: dict[type[Event], Callable[[Any], None]] = {
            RequestReceived: self._request_received,
            DataReceived: self._data_received,
            StreamEnded: self._stream_ended,
            StreamReset: self._stream_reset,
            WindowUpdated: self._window_updated,
            RemoteSettingsChanged: self._settings_changed,
            ConnectionTerminated: self._client_leaves,
        }

    # What the transport calls

    def connectionMade(self) -> None:
        self.secure = ISSLTransport.providedBy(self.transport)
        self._sender.transport = self.transport
        self.transport.registerProducer(self, True)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(CONNECTION_WINDOW - self._h2.inbound_flow_control_window)
        self._sender.flush()
        self._checking = self.clock.callLater(CHECK_SECONDS, self._check)

    def dataReceived(self, data: bytes) -> None:
        if self._closing_since is not None:
            return
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            # h2 has a GOAWAY frame ready that says what was wrong.
            self._close(Failure())
            return
        for event in events:
            react = self._on.get(type(event))
            if react is not None and self._closing_since is None:
                react(event)
        self._sender.flush()
        self._sender.send()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._checking is not None:
            self._checking.cancel()
            self._checking = None
        self._closing_since = self.clock.seconds()
        self._lose_streams(reason)

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._sender.pause(self._streams.values())

    def resumeProducing(self) -> None:
        """The transport takes bytes again."""
        self._sender.resume()

    def stopProducing(self) -> None:
        """The transport is gone. `connectionLost` follows."""
        self._sender.paused = True

    # Events of h2

    def _request_received(self, event: RequestReceived) -> None:
        stream = self._streams[event.stream_id] = Stream(event.stream_id, self)
        head: Any = event.headers
        stream.head_received([(bytes(name), bytes(value)) for name, value in head], event.stream_ended is not None)

    def _data_received(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        count = event.flow_controlled_length or 0
        if stream is None:
            self._h2.acknowledge_received_data(count, event.stream_id)
        else:
            stream.body_received(event.data or b"", count)

    def _stream_ended(self, event: StreamEnded) -> None:
        stream = self._streams.get(event.stream_id)
        self._body_over(event.stream_id)
        if stream is not None:
            stream.end_received()

    def _stream_reset(self, event: StreamReset) -> None:
        stream = self._streams.get(event.stream_id)
        self._body_over(event.stream_id)
        if stream is not None:
            self._forget(stream)
            stream.lost(Failure(ConnectionLost(f"the stream was reset: {event.error_code}")))
        self._count_reset()

    def _count_reset(self) -> None:
        try:
            self._resets.take(None)
        except TooMany:
            self._h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._close(Failure(ConnectionLost("too many streams were reset")))

    def _window_updated(self, event: WindowUpdated) -> None:
        for stream in [self._streams.get(event.stream_id)] if event.stream_id else [*self._streams.values()]:
            if stream is not None:
                self._sender.put_in_line(stream)

    def _settings_changed(self, event: RemoteSettingsChanged) -> None:
        if SettingCodes.HEADER_TABLE_SIZE in event.changed_settings:
            size = event.changed_settings[SettingCodes.HEADER_TABLE_SIZE].new_value
            self._h2.encoder.header_table_size = min(size, HEADER_TABLE_BYTES)
        for stream in self._streams.values():  # Their windows may have grown.
            self._sender.put_in_line(stream)

    def _client_leaves(self, event: ConnectionTerminated) -> None:
        # h2 sends nothing more after it has received a GOAWAY frame.
        self._close(Failure(ConnectionLost("the client left")))

    # What a stream asks

    def getPeer(self) -> Any:
        return self.transport.getPeer()

    def getHost(self) -> Any:
        return self.transport.getHost()

    def send_head(self, stream: Stream, head: Head) -> None:
        if self.is_open(stream):
            self._h2.send_headers(stream.number, head)
            self._sender.flush()

    def send_later(self, stream: Stream, added: int) -> None:
        self._sender.add(stream, added)

    def acknowledge(self, stream: Stream, count: int) -> None:
        if count and self._closing_since is None:
            self._h2.acknowledge_received_data(count, stream.number)
            self._sender.flush()

    def reset(self, stream: Stream, code: ErrorCodes) -> None:
        if self._streams.get(stream.number) is stream and self._closing_since is None:
            if self.is_open(stream):
                self._h2.reset_stream(stream.number, code)
            self._forget(stream)
            stream.lost(Failure(ConnectionLost("the stream was reset by the server")))
            self._sender.flush()

    def begin(self, stream: Stream) -> None:
        self._sender.begin(stream)

    # What the sender asks

    def is_open(self, stream: Stream) -> bool:
        # h2 has read further than the events that were handled so far: its client may have reset the stream already.
        found = self._h2.streams.get(stream.number)
        is_ours = self._closing_since is None and self._streams.get(stream.number) is stream
        return is_ours and found is not None and not found.closed

    def answer_sent(self, stream: Stream) -> None:
        self._forget(stream)
        if not stream.received:
            self._refused[stream.number] = self.clock.callLater(REFUSED_SECONDS, self._stop_body, stream.number)
            self._count_reset()

    # The end of bodies, streams and the connection

    def _stop_body(self, number: int) -> None:
        """Tell the client that it need not send the rest of a body (RFC 9113, section 8.1)."""
        del self._refused[number]
        found = self._h2.streams.get(number)
        if found is not None and not found.closed:
            self._h2.reset_stream(number, ErrorCodes.NO_ERROR)
            self._sender.flush()

    def _body_over(self, number: int) -> None:
        stopping = self._refused.pop(number, None)
        if stopping is not None:
            stopping.cancel()

    def _forget(self, stream: Stream) -> None:
        del self._streams[stream.number]
        self._sender.drop(stream)
        self.acknowledge(stream, stream.ended())
        if not self._streams:
            self._idle_since = self.clock.seconds()

    def _lose_streams(self, why: Failure) -> None:
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.ended()
            stream.lost(why)
        self._sender.drop_all()
        for number in [*self._refused]:
            self._body_over(number)

    def _close(self, why: Failure) -> None:
        """Send the frames that h2 still has ready, and close the connection."""
        if self._closing_since is not None:
            return
        self._sender.flush()
        self._closing_since = self.clock.seconds()
        self._lose_streams(why)
        # TLS sends no end of its own (close_notify) while a producer is registered, which might still write.
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def _check(self) -> None:
        """Close the connection if it is idle for too long, and reset streams whose client neither reads nor sends."""
        self._checking = self.clock.callLater(CHECK_SECONDS, self._check)
        now = self.clock.seconds()
        if self._closing_since is not None:
            if now >= self._closing_since + CLOSE_SECONDS:
                self.transport.abortConnection()
            return
        for stream in [*self._streams.values()]:
            if stream.is_stalled(now - STALL_SECONDS, now - self._idle_seconds):
                self.reset(stream, ErrorCodes.CANCEL)
        if not self._streams and now >= self._idle_since + self._idle_seconds:
            self._h2.close_connection()
            self._close(Failure(ConnectionLost("the connection was idle")))
