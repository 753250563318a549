"""Ports for the servers of tests."""

from __future__ import annotations

import itertools
import random
import socket
from contextlib import suppress

# Below those that the system gives to connections and to whoever asks for any: none of them takes a port between its
# choice and the server's start, or while a server is down. Each process of tests begins somewhere else.
PORTS = range(11_000, 32_000)
_places = itertools.count(random.randrange(len(PORTS)))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, another at each call."""
    for _ in PORTS:
        port = PORTS[next(_places) % len(PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
