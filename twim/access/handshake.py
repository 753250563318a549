"""The opening handshake of an ordinary client, past Autobahn (RFC 6455, section 4.2).

The request has been parsed by then. Autobahn would be given it as bytes again, parse it again and keep what it found
for the life of the connection: a third of the cost of a connect, and 2 KiB. What isn't ordinary is still left to it:
it knows every way to refuse.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from twisted.web.http import Request

_ASKED: Final = (b"host", b"upgrade", b"connection", b"sec-websocket-version", b"sec-websocket-key")
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64: the last of the 22 characters holds only two bits.
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
_ORIGIN: Final = re.compile(rb"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?")
_ACCEPTED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


class _Traffic:
    """Where Autobahn counts what it reads and writes. Nobody reads it."""

    incomingOctetsWireLevel = 0
    outgoingOctetsWireLevel = 0
    incomingOctetsWebSocketLevel = 0
    outgoingOctetsWebSocketLevel = 0
    incomingOctetsAppLevel = 0
    outgoingOctetsAppLevel = 0
    incomingWebSocketFrames = 0
    outgoingWebSocketFrames = 0
    incomingWebSocketMessages = 0
    outgoingWebSocketMessages = 0
    preopenIncomingOctetsWireLevel = 0
    preopenOutgoingOctetsWireLevel = 0


class AsOpened(Protocol):
    """What Autobahn sets on every connection, once for all of them: mix it in, and a connection that `open_ordinary`
    opens has only what is its own. Fifty attributes are a dict of 1.5 KiB, and making them is more work than all the
    rest of a handshake. Autobahn's constructor isn't called for such a one.
    """

    STATE_CLOSED: ClassVar[int]
    STATE_CONNECTING: ClassVar[int]
    STATE_OPEN: ClassVar[int]
    state = 0  # none of Autobahn's
    sendData: Callable[..., None]
    # Nobody listens for what happens to it.
    _valid_events: Sequence[str] = ("message",)
    _results: object | None = None
    # For the log, which isn't written.
    peer: str | None = None

    # Only asked how much it holds, unless writes are chopped.
    send_queue: Sequence[object] = ()
    trafficStats = _Traffic()
    # Nobody asks for these when the handshake is done.
    is_open: object | None = None
    _transport_details: object | None = None

    autoPingPending: object | None = None
    autoPingPendingCall: object | None = None
    autoPingPendingSent: int | None = None
    autoPingPendingSeq = 0
    autoPingTimeoutCall: object | None = None
    closeHandshakeTimeoutCall: object | None = None
    closedByMe = False
    current_frame: object | None = None
    data = b""
    droppedByMe = False
    failedByMe = False
    inside_message = False
    localCloseCode: int | None = None
    localCloseReason: object | None = None
    openHandshakeTimeoutCall: object | None = None
    _perMessageCompress: object | None = None
    remoteCloseCode: int | None = None
    remoteCloseReason: str | None = None
    send_state = 0
    trackedTimings: object | None = None
    triggered = False
    wasClean = False
    wasCloseHandshakeTimeout = False
    wasMaxFramePayloadSizeExceeded = False
    wasMaxMessagePayloadSizeExceeded = False
    wasNotCleanReason: str | None = None
    wasOpenHandshakeTimeout = False
    wasServerConnectionDropTimeout = False
    wasServingFlashSocketPolicyFile = False
    websocket_extensions: Sequence[object] = ()
    websocket_extensions_in_use: Sequence[object] = ()
    websocket_protocol_in_use: str | None = None
    websocket_protocols: Sequence[str] = ()
    websocket_version = 13

    is_closed: Any = cached_property(lambda _: Deferred())  # made when it is fired

    def onOpen(self) -> None:
        """The handshake is done."""
        raise NotImplementedError

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone, or the peer closes it."""
        raise NotImplementedError

    def connectionMade(self) -> None:
        if self.state != self.STATE_OPEN:
            super().connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._transport_details is not None:
            super().connectionLost(reason)
            return
        self.state = self.STATE_CLOSED
        self.onClose(self.wasClean, self.remoteCloseCode, self.remoteCloseReason)


def key_of(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The ``Sec-WebSocket-Key`` of a handshake with these headers (by name in lower case), each given once; None when
    it isn't ordinary."""
    key = headers.get(b"sec-websocket-key", b"")
    origin = headers.get(b"origin")
    ordinary = (
        headers.get(b"upgrade", b"").lower() == b"websocket"
        and b"upgrade" in [token.strip() for token in headers.get(b"connection", b"").lower().split(b",")]
        and headers.get(b"sec-websocket-version") == b"13"
        and _KEY.fullmatch(key)
        and _HOST.fullmatch(headers.get(b"host", b""))
        and (origin is None or _ORIGIN.fullmatch(origin))
    )
    return key if ordinary else None


def ordinary_key(request: Request) -> bytes | None:
    """The ``Sec-WebSocket-Key`` of a request like a browser's; None for anything else.

    It offers no subprotocols. Extensions may be offered: none is taken.
    """
    headers = request.requestHeaders
    single = {}
    for name in _ASKED:
        values = headers.getRawHeaders(name, [])
        if len(values) > 1:
            return None
        if values:
            single[name] = values[0].strip()
    ordinary = (
        request.clientproto == b"HTTP/1.1"
        and all(map(_ORIGIN.fullmatch, headers.getRawHeaders(b"origin", [])))
        and not headers.hasHeader(b"sec-websocket-protocol")
        and not headers.hasHeader(b"content-length")
        and b"#" not in request.uri
    )
    return key_of(single) if ordinary else None


def take_over(transport: Any, protocol: Any) -> None:
    """Give a connection to another protocol."""
    # As in autobahn.twisted.resource, WebSocketResource.render.
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif isinstance(getattr(transport, "protocol", None), ProtocolWrapper):
        transport.protocol.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)


def open_ordinary(protocol: AsOpened, key: bytes, transport: Any) -> None:
    """Answer the handshake on a connection that `protocol` takes from whoever had it, and leave it as Autobahn would:
    open.
    """
    protocol.state = protocol.STATE_OPEN
    take_over(transport, protocol)
    protocol.sendData(_ACCEPTED % base64.b64encode(hashlib.sha1(key + _GUID).digest()))
    protocol.onOpen()


def open_over_http(protocol: AsOpened, key: bytes, request: Request) -> None:
    """The same on the connection of a request, which twisted.web loses."""
    channel: Any = request.channel
    transport, channel.transport = channel.transport, None
    open_ordinary(protocol, key, transport)
    # twisted.web paused the socket while it dealt with the request.
    producer = getattr(transport, "_networkProducer", transport)
    if hasattr(producer, "resumeProducing"):
        producer.resumeProducing()
