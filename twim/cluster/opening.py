"""From what the operator wrote to the bus that he meant."""

from __future__ import annotations

import ipaddress
import socket
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import DatagramProtocol

from twim.cluster.alone import AloneBus
from twim.cluster.interface import Bus, BusUrlError
from twim.cluster.key import KEY_SIZE
from twim.cluster.outgoing import DATAGRAM
from twim.cluster.udp import UdpBus

UDP_PORT = 3000
RECEIVE_BUFFER = (
    4 * 1024 * 1024
)  # bytes: about 1,800 datagrams while the reactor is busy. Linux cuts it to net.core.rmem_max


class Broadcast(NamedTuple):
    """``udp://host[:port]``"""

    host: str
    port: int


class RedisServer(NamedTuple):
    """``redis://[[user]:password@]host[:port][/db]``, the user and the password with percent-escapes."""

    host: str
    port: int
    db: int
    user: str | None
    password: str | None


def parse_bus_url(url: str) -> Broadcast | RedisServer | None:
    """What `url` names; None is ``alone``. BusUrlError says what is wrong with it."""
    if url == "alone":
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme == "udp":
            return _broadcast(parts)
        if parts.scheme == "redis":
            return _redis_server(parts)
    except ValueError as error:
        # The URL itself isn't repeated: it may hold a password.
        raise BusUrlError(f"the bus can't be opened: {error}") from None
    raise BusUrlError("a bus is alone, udp://BROADCAST-ADDRESS:PORT or redis://HOST:PORT/DB")


def open_bus(url: str, *, key: bytes | None, epoch: str, reactor: Any, version: str = "") -> Bus:
    """The bus that `url` names, not started yet.

    `key` is the cluster's (see `load_or_make_key`); only ``udp`` needs it. `epoch` is the database's.
    `reactor` gives time, sockets and connections. BusUrlError if the URL is wrong, or what it needs isn't
    there.
    """
    place = parse_bus_url(url)
    if place is None:
        return AloneBus(epoch=epoch, clock=reactor, version=version)
    if isinstance(place, RedisServer):
        return _redis_bus(place, epoch, reactor, version)
    if key is None or len(key) != KEY_SIZE:
        raise BusUrlError(f"udp needs a cluster key of {KEY_SIZE} bytes")
    listen = partial(listen_shared, reactor, place.port)
    return UdpBus(where=place, key=key, epoch=epoch, clock=reactor, listen=listen, version=version)


def listen_shared(reactor: Any, port: int, protocol: DatagramProtocol) -> IListeningPort:
    """Connect `protocol` with a socket on `port` that other processes here may have too. OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):  # BSD and macOS want this one; broadcast reaches all who share, with either
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.bind(("", port))
        # The reactor duplicates the descriptor, so ours is closed.
        port_here: IListeningPort = reactor.adoptDatagramPort(
            sock.fileno(), socket.AF_INET, protocol, maxPacketSize=2 * DATAGRAM
        )
        return port_here


def _broadcast(parts: SplitResult) -> Broadcast:
    if parts.path not in ("", "/") or parts.query or parts.username is not None:
        raise ValueError("udp:// takes an address and a port, nothing else")
    host = str(ipaddress.IPv4Address(parts.hostname or ""))
    port = UDP_PORT if parts.port is None else parts.port
    if not port:
        raise ValueError("udp:// needs a port that all nodes share, not 0")
    return Broadcast(host, port)


def _redis_server(parts: SplitResult) -> RedisServer:
    if not parts.hostname or parts.query:
        raise ValueError("redis:// takes a host, a port and the number of a database")
    db = parts.path.strip("/") or "0"
    if not db.isascii() or not db.isdigit():
        raise ValueError("redis:// takes the number of a database after the slash")
    user, password = (unquote(word) if word else None for word in (parts.username, parts.password))
    return RedisServer(parts.hostname, parts.port or 6379, int(db), user, password)


def _redis_bus(server: RedisServer, epoch: str, reactor: Any, version: str) -> Bus:
    try:
        # Not at the top: who doesn't use Redis needs no client for it.
        from twim.cluster.redis import RedisBus
    except ImportError as error:
        raise BusUrlError(f"redis:// needs the package {error.name}: pip install twim[redis]") from error
    return RedisBus(server=server, epoch=epoch, reactor=reactor, version=version)
