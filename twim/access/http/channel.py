"""HTTP on one connection: the next request begins when the answer to the last one has been read.

twisted.web reads on, and begins the requests that it has read, while earlier answers wait for a client that doesn't
read them: each pipelined request then costs a whole answer.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from twim.access.http.bad_request import RefusingChannel
from twim.access.http.request_channel import RequestChannel
from twim.internals.http import network_producer, request_line
from twim.internals.transport import pause_until_written

STALL_SECONDS: Final = 120
"""How long a client may read nothing of an answer. A slow connection takes some seconds for one buffer."""


class Channel(RefusingChannel, RequestChannel):
    """One connection of a site, by HTTP/1.1."""

    transport: Any
    _read_next: Any = None
    drains_refused_bodies: ClassVar[bool] = True

    def request_line(self) -> tuple[bytes, bytes, bytes]:
        return request_line(self)

    def pause_body(self) -> None:
        self.transport.pauseProducing()

    def resume_body(self) -> None:
        self.transport.resumeProducing()

    def send_continue(self) -> None:
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse_rest(self) -> None:
        self.persistent = False

    def cut(self) -> None:
        """End the connection, whatever waits in it."""
        self.transport.abortConnection()

    def requestDone(self, request: Any) -> None:
        """The whole answer was written. The client must read what the transport still holds before the next begins."""
        if self.persistent and pause_until_written(self.transport):
            self._read_next = request
        else:
            self._next(request)

    def _next(self, request: Any) -> None:
        if self.persistent:
            self.release_quota()
        super().requestDone(request)
        if not self.persistent:
            # Nothing else would end the connection if the client never reads the last bytes.
            self.setTimeout(STALL_SECONDS)

    def pauseProducing(self) -> None:
        """The transport's buffer is full. It says so with each write, but the producer must be told only once."""
        if self.waits_for_transport:
            return
        super().pauseProducing()
        if self.is_answering:
            self.setTimeout(STALL_SECONDS)
        self.note_stuck(True)

    def resumeProducing(self) -> None:
        """The transport is empty."""
        if self.is_answering:
            self.setTimeout(None)
        self.note_stuck(False)
        super().resumeProducing()
        request, self._read_next = self._read_next, None
        if request is not None:
            self._next(request)

    def rawDataReceived(self, data: bytes) -> None:
        super().rawDataReceived(data)
        if self.is_answering and self.waits_for_transport:
            # Requests that come before the last one is answered would be kept without bound: twisted.web assumes that
            # it has stopped reading.
            network_producer(self).pauseProducing()

    def timeoutConnection(self) -> None:
        """The client has sent no request, or read nothing, for too long."""
        if self.waits_for_transport:
            self.transport.abortConnection()
        else:
            super().timeoutConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._gone = True
        self.release_quota()
        super().connectionLost(reason)
