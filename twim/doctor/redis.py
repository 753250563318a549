"""A few words with Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/): would it take what a node
publishes? What is published here has a channel that no node listens to."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Final

from twim.cluster.opening import RedisServer

TALK_SECONDS: Final = 5.0
_LINE_BYTES: Final = 4096


class RedisRefused(Exception):
    """What Redis said."""


def talk(server: RedisServer) -> None:
    """Log in as a node does, and publish. `RedisRefused`; OSError when it can't be reached or its certificate is
    wrong, ValueError when it isn't Redis."""
    with socket.create_connection((server.host, server.port), TALK_SECONDS) as plain:
        connection = _by_tls(server, plain) if server.tls else plain
        with connection, connection.makefile("rwb") as talking:
            if server.password is not None:
                named = [server.user] if server.user else []
                _say(talking, "AUTH", *named, server.password)
            _say(talking, "PUBLISH", f"twim:{server.db}:doctor", "hello")


def _by_tls(server: RedisServer, plain: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=server.ca or None)
    if server.cert:
        context.load_cert_chain(server.cert)
    return context.wrap_socket(plain, server_hostname=server.host)


def _say(talking: Any, *words: str) -> None:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        encoded = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(encoded), encoded))
    talking.write(b"".join(parts))
    talking.flush()
    line = talking.readline(_LINE_BYTES).decode("utf-8", "replace").strip()
    if line.startswith("-"):
        raise RedisRefused(line[1:])
    if not line.startswith(("+", ":")):
        raise ValueError("what answers there isn't Redis")
