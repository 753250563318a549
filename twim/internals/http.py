"""The private parts of twisted.web's HTTP/1.1 that this server needs, each under a public name.

Everything here relies on Twisted 26.10: https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/web/http.py
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from twisted.web.http import HTTPChannel
from twisted.web.server import Request


def request_line(channel: Any) -> tuple[bytes, bytes, bytes]:
    """Method, target and version of the request whose headers have just been read.

    `HTTPChannel` gives them to the request only after the body: `lineReceived` sets `_command`, `_path` and
    `_version`, `allContentReceived` passes them on.
    """
    return channel._command, channel._path, channel._version


def is_disconnected(request: Any) -> bool:
    """Whether the connection of a request is gone, as `Request.connectionLost` notes in `_disconnected`."""
    gone: bool = request._disconnected
    return gone


def network_producer(transport: Any) -> Any:
    """What twisted.web pauses and resumes when it stops reading: `HTTPChannel.connectionMade` keeps the transport, or
    what stands for it, in `_networkProducer`. For anything but a channel it is the transport itself."""
    return getattr(transport, "_networkProducer", transport)


class CookieOrder:
    """Reads a request's cookies as browsers order them."""

    requestHeaders: Any
    received_cookies: dict[bytes, bytes]

    def parseCookies(self) -> None:
        """Of two cookies with one name the first counts: browsers send the one of the longer path first (RFC 6265,
        section 5.4), and the other is of another server on this site. twisted.web calls this."""
        for line in self.requestHeaders.getRawHeaders(b"cookie", []):
            for one in line.split(b";"):
                name, equals, value = one.lstrip().partition(b"=")
                if equals:
                    self.received_cookies.setdefault(name, value)


class ExtensibleRequest(CookieOrder, Request):
    """A request whose answer to ``OPTIONS *`` can be replaced, and whose cookies are read as browsers order them."""

    def answer_star(self) -> None:
        """Write and finish the answer to ``OPTIONS *``."""
        raise NotImplementedError

    def _handleStar(self) -> None:
        # Called by `Request.process`.
        self.answer_star()


class ExtensibleChannel(HTTPChannel):
    """A connection of twisted.web whose refusals can be replaced, and whose state can be asked for."""

    transport: Any
    _networkProducer: Any

    def bad_request(self, head_too_large: bool) -> None:
        """Refuse what is no request, or (`head_too_large`) one with too many or too long headers."""
        raise NotImplementedError

    def accepts_length(self, digits: bytes) -> bool:
        """Whether a ``Content-Length`` is taken. If not, this method has refused the request."""
        return True

    @property
    def is_answering(self) -> bool:
        """Whether a request has been read whose answer isn't finished."""
        answering: bool = self._handlingRequest
        return answering

    @property
    def waits_for_transport(self) -> bool:
        """Whether the transport has asked to pause, because its buffer is full."""
        waiting: bool = self._waitingForTransport
        return waiting

    def drop_unparsed(self) -> None:
        """Forget the bytes that were read and not yet parsed (`LineReceiver._buffer`)."""
        self._buffer = b""

    def _respondToBadRequestAndDisconnect(self) -> None:
        many = self._receivedHeaderCount > self.maxHeaders
        self.bad_request(many or self._receivedHeaderSize > self.totalHeadersSize)

    def _maybeChooseTransferDecoder(self, header: bytes, data: bytes) -> bool:
        if header == b"Content-Length" and not self.accepts_length(data):
            return False
        chosen: bool = super()._maybeChooseTransferDecoder(header, data)
        return chosen
