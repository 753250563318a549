"""What the streams of one HTTP/2 connection have to send, and how they share its transport.

The streams that can send something stand in line. Each sends one frame and then stands at the end of the line again, so
that a large answer doesn't hold up the small ones. When the transport is full, the line waits. While too much of the
connection's answers waits, no further request is given to its resource.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Protocol

from h2.connection import H2Connection

from twim.access.http.http2_stream import Stream
from twim.hub.backlog import CONNECTION_BYTES

FRAME_BYTES: Final = 16 * 1024
"""The most bytes of an answer in one frame, even if the client takes larger frames: small frames let the streams share
the connection."""

CONTROL_BYTES: Final = 64 * 1024
"""The most bytes of frames without data (answers to pings, for example) that are written while the transport is full.
Beyond this bound the connection is aborted."""


class StreamOwner(Protocol):
    """What the sender asks the connection about its streams."""

    def is_open(self, stream: Stream) -> bool:
        """Whether frames of this stream may still be sent."""

    def answer_sent(self, stream: Stream) -> None:
        """The last frame of the stream's answer has been given to the transport."""


class Sender:
    """Gives the frames of all streams to the transport of one connection, one frame of each stream in turn."""

    transport: Any

    def __init__(self, h2: H2Connection, owner: StreamOwner) -> None:
        self.paused = False
        """Whether the transport is full."""
        self.waiting = 0
        """Bytes of all answers that have not been given to the transport."""
        self._h2 = h2
        self._owner = owner
        self._in_line: deque[Stream] = deque()
        self._not_begun: deque[Stream] = deque()
        self._control_bytes = 0
        self._sending = False

    # Requests that begin

    def begin(self, stream: Stream) -> None:
        """Give the stream's request to its resource, at once or when few enough bytes wait to be sent."""
        if self.waiting < CONNECTION_BYTES and not self._not_begun:
            stream.begin()
        else:
            self._not_begun.append(stream)

    # Answers

    def add(self, stream: Stream, added: int) -> None:
        """The stream has `added` bytes more to send, or its answer has become complete."""
        self.waiting += added
        if self._owner.is_open(stream):
            self.put_in_line(stream)
            if self.paused and stream.waiting:
                stream.note_stuck(True)
            self.send()

    def put_in_line(self, stream: Stream) -> None:
        """Put the stream at the end of the line, unless it is in line already or has nothing to send."""
        if not stream.in_line and (stream.waiting or stream.answered):
            stream.in_line = True
            self._in_line.append(stream)

    def send(self) -> None:
        """Give the transport as much as it takes. Then begin the requests that waited, as far as there is room."""
        if self._sending:
            return
        self._sending = True
        try:
            while self._in_line and not self.paused:
                stream = self._in_line.popleft()
                stream.in_line = False
                if self._owner.is_open(stream):
                    self._send_frame(stream)
        finally:
            self._sending = False
        while self._not_begun and self.waiting < CONNECTION_BYTES:
            self._not_begun.popleft().begin()

    def _send_frame(self, stream: Stream) -> None:
        most = min(FRAME_BYTES, self._h2.max_outbound_frame_size, self._h2.local_flow_control_window(stream.number))
        if stream.waiting and most <= 0:
            # The stream is put in line again when its client opens the window.
            stream.note_stuck(True)
            return
        data = stream.take(most)
        self.waiting -= len(data)
        is_last = stream.answered and not stream.waiting
        if data or is_last:
            self._h2.send_data(stream.number, data, end_stream=is_last)
            self.transport.write(self._h2.data_to_send())
        if is_last:
            self._owner.answer_sent(stream)
        else:
            self.put_in_line(stream)
            stream.sent()

    def flush(self) -> None:
        """Write all frames that h2 has ready. Abort the connection if too many wait for a client that doesn't read."""
        data = self._h2.data_to_send()
        if not data:
            return
        if self.paused:
            self._control_bytes += len(data)
            if self._control_bytes > CONTROL_BYTES:
                self.transport.abortConnection()
                return
        self.transport.write(data)

    # The transport

    def pause(self, streams: Iterable[Stream]) -> None:
        """The transport is full: of these streams, those with something to send are stuck."""
        self.paused = True
        for stream in streams:
            if stream.waiting:
                stream.note_stuck(True)

    def resume(self) -> None:
        """The transport takes bytes again."""
        self.paused = False
        self._control_bytes = 0
        self.send()

    # The end of streams

    def drop(self, stream: Stream) -> None:
        """The rest of this stream's answer will not be sent."""
        self.waiting -= stream.waiting

    def drop_all(self) -> None:
        """Nothing more will be sent on this connection."""
        self.waiting = 0
        self._in_line.clear()
        self._not_begun.clear()
