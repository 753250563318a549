"""What every connection has from the socket that it was accepted on: on Linux a connection inherits its options.

Set one by one on each connection they are six calls of the kernel.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Final

BACKLOG: Final = 1_000  # connections that may wait to be accepted; the next one tries again after a second
_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # The kernel finds out within a minute that a peer is dead; a ping timer per connection would cost memory.
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    # Milliseconds: bytes that stay unacknowledged this long mean the same.
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
    # Answers are written whole: waiting for more would only delay them.
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)


def prepare(port: Any) -> None:
    """Give the connections of a listening port our options, and enough of them room before they are accepted."""
    listening = getattr(port, "socket", None)
    if listening is not None:
        _set_options(listening)
        listening.listen(max(BACKLOG, port.backlog or 0))


def watch(connection: Any) -> None:
    """Give one connection our options, unless it inherited them. `AttributeError` and OSError of what has no such."""
    if not connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        _set_options(connection)


def _set_options(one: Any) -> None:
    # A Unix socket has none of TCP's.
    with contextlib.suppress(OSError):
        for level, option, value in _OPTIONS:
            one.setsockopt(level, option, value)
