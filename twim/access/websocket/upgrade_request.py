"""The request of an ordinary upgrade on ``/chat``, read from its bytes (RFC 9112, RFC 6455 section 4.1). No input or
output.

It is read as twisted.web reads it; everything that is not ordinary is left to twisted.web. What is said here of a
request is what twisted.web would have said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.interfaces import IAddress
from twisted.web.http import parse_qs

from twim.internals.autobahn_handshake import key_of

HEAD_BYTES: Final = 8_192  # of request line and headers; a browser sends 500, and its cookies
HEADERS: Final = 64
_HEAD: Final = (
    # Of the visible characters all but "#", which no upgrade may have.
    rb"GET %%b/chat(?:\?([!\"$-~]*))? HTTP/1\.1\r\n"
    rb"((?:[!#$%%%%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n){1,%d})\r\n" % HEADERS
)
# Headers of a body, and those that twisted.web or Autobahn answers in a way of its own.
_UNUSUAL: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"sec-websocket-protocol"})


class Upgrade:
    """What `Authenticator` asks of a request, here of one that is no `Request` of twisted.web."""

    __slots__ = ("_headers", "args", "key", "transport")

    method: Final = b"GET"

    def __init__(self, args: dict[bytes, list[bytes]], headers: Mapping[bytes, bytes], key: bytes) -> None:
        self.args = args
        self.key = key
        """The ``Sec-WebSocket-Key``."""
        self._headers = headers
        self.transport: Any = None
        """The connection it came by, which isn't TLS."""

    def getHeader(self, name: bytes) -> bytes | None:
        """As the method of `Request`. The name is in lower case."""
        return self._headers.get(name)

    def getClientAddress(self) -> IAddress:
        """As the method of `Request`."""
        address: IAddress = self.transport.getPeer()
        return address

    def isSecure(self) -> bool:
        """As the method of `Request`."""
        return False

    def getCookie(self, name: bytes) -> bytes | None:
        """As the method of `BoundedRequest`: of two cookies with one name, the first."""
        for cookie in self._headers.get(b"cookie", b"").split(b";"):
            key, equals, value = cookie.lstrip().partition(b"=")
            if equals and key == name:
                return value
        return None


def upgrade_head(prefix: str = "") -> re.Pattern[bytes]:
    """What an ordinary upgrade begins with, on a server that is under `prefix`."""
    return re.compile(_HEAD % re.escape(prefix.encode()))


ORDINARY: Final = upgrade_head()


def read_upgrade(data: bytes, ordinary: re.Pattern[bytes] = ORDINARY) -> tuple[Upgrade, int] | None:
    """The request that `data` begins with, and where it ends; None if it isn't whole and in every way ordinary."""
    head = ordinary.match(data)
    if head is None or head.end() > HEAD_BYTES:
        return None
    query, block = head.groups()
    lines = block[:-2].split(b"\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    if len(headers) < len(lines) or not _UNUSUAL.isdisjoint(headers):
        return None
    key = key_of(headers)
    return None if key is None else (Upgrade(parse_qs(query or b"", True), headers, key), head.end())
