"""The socket options of connections, which on Linux are inherited from the socket that a connection was accepted on.

To set them on each connection would take six system calls.

It relies on Twisted 26.10, whose `tcp.Port` has its socket as `socket` and the length of its queue as `backlog`:
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/internet/tcp.py
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final

BACKLOG: Final = 1_000  # connections that may wait to be accepted; the next one tries again after a second


def _options() -> Iterator[tuple[int, int, int]]:
    yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
    wanted = (
        # The kernel finds out within a minute that a peer is dead; a ping timer per connection would cost memory.
        ("TCP_KEEPIDLE" if hasattr(socket, "TCP_KEEPIDLE") else "TCP_KEEPALIVE", 30),  # macOS has the second name
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        # Milliseconds: bytes that stay unacknowledged this long mean the same. Linux alone has it.
        ("TCP_USER_TIMEOUT", 30_000),
        # Answers are written whole: waiting for more would only delay them.
        ("TCP_NODELAY", 1),
    )
    for name, value in wanted:
        if hasattr(socket, name):
            yield socket.IPPROTO_TCP, getattr(socket, name), value


_OPTIONS: Final = tuple(_options())


def prepare(port: Any) -> None:
    """Give the connections of a listening port our options, and enough of them room before they are accepted."""
    listening = getattr(port, "socket", None)
    if listening is not None:
        _set_options(listening)
        listening.listen(max(BACKLOG, port.backlog or 0))


def watch(connection: Any) -> None:
    """Give one connection our options, unless it inherited them. `AttributeError` or OSError where there are none."""
    if not connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        _set_options(connection)


def _set_options(one: Any) -> None:
    # A Unix socket has none of TCP's.
    with contextlib.suppress(OSError):
        for level, option, value in _OPTIONS:
            one.setsockopt(level, option, value)
