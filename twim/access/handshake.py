"""The opening handshake of an ordinary client, past Autobahn (RFC 6455, section 4.2).

twisted.web has parsed the request by then. Autobahn would be given it as bytes again, parse it again and keep what it
found for the life of the connection: a third of the cost of a connect, and 2 KiB. What isn't ordinary is still left
to it: it knows every way to refuse.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Protocol

from twisted.protocols.policies import ProtocolWrapper
from twisted.web.http import Request

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64: the last of the 22 characters holds only two bits.
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
_ORIGIN: Final = re.compile(rb"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?")
_ACCEPTED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


class Opening(Protocol):
    """What is needed of Autobahn's protocol."""

    STATE_OPEN: ClassVar[int]
    state: int

    def makeConnection(self, transport: Any) -> None:
        """Twisted's."""

    def send(self, data: bytes) -> None:
        """Write bytes."""

    def onOpen(self) -> None:
        """The handshake is done."""


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


class AsOpened:
    """What Autobahn sets on every connection, once for all of them: mix it in, and `open_ordinary` leaves a connection
    only what is its own. Fifty attributes are a dict of 1.5 KiB.
    """

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
    remoteCloseReason: object | None = None
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


_DROPPED: Final = frozenset({"send_queue", "trafficStats", "is_open", "_transport_details"})


def ordinary_key(request: Request) -> bytes | None:
    """The ``Sec-WebSocket-Key`` of a request like a browser's; None for anything else.

    It offers no subprotocols. Extensions may be offered: none is taken.
    """
    headers = request.requestHeaders
    single = {}
    for name in (b"host", b"upgrade", b"connection", b"sec-websocket-version", b"sec-websocket-key"):
        values = headers.getRawHeaders(name)
        if values is None or len(values) != 1:
            return None
        single[name] = values[0].strip()
    key: bytes = single[b"sec-websocket-key"]
    ordinary = (
        request.clientproto == b"HTTP/1.1"
        and single[b"upgrade"].lower() == b"websocket"
        and b"upgrade" in [token.strip() for token in single[b"connection"].lower().split(b",")]
        and single[b"sec-websocket-version"] == b"13"
        and _KEY.fullmatch(key)
        and _HOST.fullmatch(single[b"host"])
        and all(map(_ORIGIN.fullmatch, headers.getRawHeaders(b"origin", [])))
        and not headers.hasHeader(b"sec-websocket-protocol")
        and not headers.hasHeader(b"content-length")
        and b"#" not in request.uri
    )
    return key if ordinary else None


def open_ordinary(request: Request, key: bytes, protocol: Opening) -> None:
    """Take the connection from twisted.web, answer the handshake, and leave `protocol`, an `AsOpened`, as Autobahn
    would: open.
    """
    _take_over(request, protocol)
    protocol.send(_ACCEPTED % base64.b64encode(hashlib.sha1(key + _GUID).digest()))
    protocol.state = protocol.STATE_OPEN
    _slim(protocol)
    protocol.onOpen()


def _slim(protocol: Opening) -> None:
    kind = type(protocol)
    protocol.__dict__ = {
        name: value
        for name, value in vars(protocol).items()
        if name not in _DROPPED and (value is not getattr(kind, name, _slim))
    }


def _take_over(request: Request, protocol: Opening) -> None:
    # As in autobahn.twisted.resource, WebSocketResource.render.
    channel: Any = request.channel
    transport, channel.transport = channel.transport, None
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol  # type: ignore[assignment]
    elif isinstance(transport.protocol, ProtocolWrapper):
        transport.protocol.wrappedProtocol = protocol  # type: ignore[assignment]
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)
    # twisted.web paused the socket while it dealt with the request.
    producer = getattr(transport, "_networkProducer", transport)
    if hasattr(producer, "resumeProducing"):
        producer.resumeProducing()
