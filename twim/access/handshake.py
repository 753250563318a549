"""The opening handshake of an ordinary client, past Autobahn (RFC 6455, section 4.2).

twisted.web has parsed the request by then. Autobahn would be given it as bytes again, parse it again and keep what it
found for the life of the connection: a third of the cost of a connect, and 2 KiB. What isn't ordinary is still left
to it: it knows every way to refuse.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Final, Protocol

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


class Opened(Protocol):
    """What is needed of Autobahn's protocol. The later ones exist only once the handshake is done."""

    STATE_OPEN: int
    state: int
    websocket_version: int
    websocket_protocols: list[str]
    websocket_protocol_in_use: str | None
    websocket_extensions: list[Any]
    websocket_extensions_in_use: list[Any]
    inside_message: bool
    current_frame: object | None

    def makeConnection(self, transport: Any) -> None:
        """Twisted's."""

    def send(self, data: bytes) -> None:
        """Write bytes."""

    def onOpen(self) -> None:
        """The handshake is done."""


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
    )
    return key if ordinary else None


def open_ordinary(request: Request, key: bytes, protocol: Opened) -> None:
    """Take the connection from twisted.web, answer the handshake, and leave `protocol` as Autobahn would, open."""
    _take_over(request, protocol)
    # As in autobahn.websocket.protocol, processHandshake and succeedHandshake.
    protocol.websocket_version = 13
    protocol.websocket_protocols = []
    protocol.websocket_protocol_in_use = None
    protocol.websocket_extensions = []
    protocol.websocket_extensions_in_use = []
    protocol.send(_ACCEPTED % base64.b64encode(hashlib.sha1(key + _GUID).digest()))
    protocol.state = protocol.STATE_OPEN
    protocol.inside_message = False
    protocol.current_frame = None
    protocol.onOpen()


def _take_over(request: Request, protocol: Opened) -> None:
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
