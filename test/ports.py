"""Ports for the servers of tests."""

from __future__ import annotations

import fcntl
import itertools
import os
import random
import socket
import tempfile
from contextlib import suppress

# Below those that the system gives to connections and to whoever asks for any: none of them takes a port between its
# choice and the server's start, or while a server is down.
PORTS = range(11_000, 32_000)
SHARE = 1_000  # of them are one process's, which holds the lock of a file for it


def _own_share() -> range:
    shares = [PORTS[first : first + SHARE] for first in range(0, len(PORTS), SHARE)]
    for share in random.sample(shares, len(shares)):
        held = os.open(f"{tempfile.gettempdir()}/twim-test-ports-{share[0]}", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return share
        except OSError:
            os.close(held)
    raise AssertionError("more processes of tests than there are ports for")


_share = _own_share()
_places = itertools.count()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, another at each call as long as there are any."""
    for _ in _share:
        port = _share[next(_places) % len(_share)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
