"""Makes the bus that the operator's URL names."""

from __future__ import annotations

import ipaddress
import socket
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import DatagramProtocol

from twim.cluster.alone import AloneBus
from twim.cluster.interface import Bus, BusUrlError
from twim.cluster.udp.bus import UdpBus
from twim.cluster.udp.key import KEY_SIZE
from twim.cluster.udp.outgoing import DATAGRAM

UDP_PORT = 3000
RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes: about 1,800 datagrams that may come while the reactor is busy. Linux reduces it to net.core.rmem_max."""


class Broadcast(NamedTuple):
    """``udp://host[:port]``"""

    host: str
    port: int


class RedisServer(NamedTuple):
    """``redis://[[user]:password@]host[:port][/db]``, the user and the password with percent-escapes.

    ``rediss`` uses TLS: the server's certificate must be for that host, and signed by an authority that this machine
    trusts, or by one in the PEM file ``?ca=FILE``. The file ``&cert=FILE`` has this node's own certificate and its key.
    """

    host: str
    port: int
    db: int
    user: str | None
    password: str | None
    tls: bool = False
    ca: str = ""
    cert: str = ""


def parse_bus_url(url: str) -> Broadcast | RedisServer | None:
    """What `url` names; None is ``alone``. BusUrlError says what is wrong with it."""
    if url == "alone":
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme == "udp":
            return _broadcast(parts)
        if parts.scheme in ("redis", "rediss"):
            return _redis_server(parts)
    except ValueError as error:
        # The URL itself isn't repeated: it may hold a password.
        raise BusUrlError(f"the bus can't be opened: {error}") from None
    raise BusUrlError("a bus is alone, udp://BROADCAST-ADDRESS:PORT, redis://HOST:PORT/DB or rediss://HOST:PORT/DB")


def open_bus(url: str, *, key: bytes | None, epoch: str, reactor: Any, version: str = "") -> Bus:
    """The bus that `url` names, not started yet.

    `key` is the cluster's (see `load_or_make_key`); only ``udp`` needs it. `epoch` is the database's. `reactor` gives
    time, sockets and connections. BusUrlError if the URL is wrong, or if something that it needs is missing.
    """
    target = parse_bus_url(url)
    if target is None:
        return AloneBus(epoch=epoch, clock=reactor, version=version)
    if isinstance(target, RedisServer):
        return _redis_bus(target, epoch, reactor, version)
    if key is None or len(key) != KEY_SIZE:
        raise BusUrlError(f"udp needs a cluster key of {KEY_SIZE} bytes")
    listen = partial(listen_shared, reactor, target.port)
    return UdpBus(where=target, key=key, epoch=epoch, clock=reactor, listen=listen, version=version)


def listen_shared(reactor: Any, port: int, protocol: DatagramProtocol) -> IListeningPort:
    """Connect `protocol` with a socket on `port`, which other processes of this machine may use, too. May raise
    OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            # BSD and macOS need this option, too. With either, a broadcast reaches all sockets of the port.
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
    tls = parts.scheme == "rediss"
    options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True) if parts.query else {}
    if not parts.hostname or not set(options) <= ({"ca", "cert"} if tls else set()):
        more = ", and after ? a file of certificates: ca=FILE, cert=FILE" if tls else ""
        raise ValueError(f"{parts.scheme}:// takes a host, a port and the number of a database{more}")
    db = parts.path.strip("/") or "0"
    if not db.isascii() or not db.isdigit():
        raise ValueError(f"{parts.scheme}:// takes the number of a database after the slash")
    user, password = (unquote(word) if word else None for word in (parts.username, parts.password))
    files = {name: values[-1] for name, values in options.items()}
    return RedisServer(parts.hostname, parts.port or 6379, int(db), user, password, tls, **files)


def _redis_bus(server: RedisServer, epoch: str, reactor: Any, version: str) -> Bus:
    try:
        # Imported here and not at the top, so that a server without Redis needs no client for it.
        from twim.cluster.redis.bus import RedisBus
        from twim.cluster.tls import tls_client_options
    except ImportError as error:
        raise BusUrlError(f"redis:// needs the package {error.name}: pip install twim[redis]") from error
    tls = tls_client_options(server.host, server.ca, server.cert) if server.tls else None
    return RedisBus(server=server, epoch=epoch, reactor=reactor, version=version, tls=tls)
