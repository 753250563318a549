"""The opening handshake of an ordinary client, answered without Autobahn (the shortcut ``handshake``).

The request has been parsed by then. Autobahn would be given it as bytes again, parse it again and keep what it found
for the life of the connection: a third of the cost of a connect, and 2 KiB. What is not ordinary is still left to
Autobahn, which knows every way to refuse (RFC 6455, section 4.2).

It relies on Autobahn 26.10, whose `WebSocketResource.render` takes a connection over in the same way, and whose answer
to such a handshake is the same: https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/twisted/resource.py
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from twisted.protocols.policies import ProtocolWrapper
from twisted.web.http import Request

from twim.internals.http import network_producer

_SINGLE: Final = (b"host", b"upgrade", b"connection", b"sec-websocket-version", b"sec-websocket-key")
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# 16 bytes in base64: the last of the 22 characters holds only two bits.
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==")
_ORIGIN: Final = re.compile(rb"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
# Only the usual ones of all possible names and ports; Autobahn decides about the others.
_PORT: Final = rb"[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}"
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9_-]{1,63}\.){0,3}[A-Za-z0-9_-]{1,63}(?::(?:%b))?" % _PORT)
_ACCEPTED: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)


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
    for name in _SINGLE:
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


def acceptance(key: bytes) -> bytes:
    """The server's answer to a handshake with this key."""
    return _ACCEPTED % base64.b64encode(hashlib.sha1(key + _GUID).digest())


def take_over(transport: Any, protocol: Any) -> None:
    """Give the connection of `transport` to another protocol."""
    # As in autobahn.twisted.resource, WebSocketResource.render.
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    elif isinstance(getattr(transport, "protocol", None), ProtocolWrapper):
        transport.protocol.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)


def open_ordinary(protocol: Any, key: bytes, transport: Any) -> None:
    """Give the connection of `transport` to `protocol`, an `OpenedState`, and answer its handshake: it is open then, as
    Autobahn would leave it."""
    protocol.state = protocol.STATE_OPEN
    take_over(transport, protocol)
    protocol.sendData(acceptance(key))
    protocol.onOpen()


def open_over_http(protocol: Any, key: bytes, request: Request) -> None:
    """The same with the connection of a request, which twisted.web gives up."""
    channel: Any = request.channel
    transport, channel.transport = channel.transport, None
    open_ordinary(protocol, key, transport)
    # twisted.web paused the socket while it handled the request.
    producer = network_producer(transport)
    if hasattr(producer, "resumeProducing"):
        producer.resumeProducing()
