"""Who sends a request: from which address, by which scheme, to which host. Only this code reads what proxies forward.

A proxy is believed only if ``--proxies`` names it. It tells in ``X-Forwarded-For`` the address of the client, and in
``X-Forwarded-Proto`` the scheme that the client used; the host is always ``Host``. What it has taken off the path,
`twim.access.http.prefix` reads. ``Forwarded``,
``X-Forwarded-Host`` and ``X-Real-IP`` aren't read: proxies that don't know them pass on what the client itself wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice
from typing import Final, NamedTuple

from twisted.internet.interfaces import IAddress
from twisted.web.server import Request

from twim.access.websocket.upgrade_request import Upgrade

UNIX: Final = "unix"
"""Stands for a proxy that connects by a Unix socket, which has no address."""

HOPS: Final = 32  # proxies of a chain that are looked at; nobody has that many
V6_PREFIX: Final = 64  # what one household or one machine has of IPv6
FORWARDING: Final = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip", b"via")
"""Each says that the request has been passed on, whoever wrote it."""

_PORTS: Final = {"http": 80, "https": 443}
_SCHEMES: Final = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_WITH_PORT: Final = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_HOST: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,254}))(?::([0-9]{0,5}))?")
_LABELS: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}")
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\\]+)", re.IGNORECASE)

ADDRESSES: Final = 1_000  # addresses that are kept, read

Address = IPv4Address | IPv6Address


class Asker(NamedTuple):
    """Who sent a request: the client, not the proxies on the way."""

    address: str
    """Without port and zone; "" for who came by a Unix socket and of whom nothing is known."""
    secure: bool
    """Whether it came by TLS, to us or to a trusted proxy."""
    here: bool
    """Whether it is a program on this machine, with nothing in between."""
    passed_on: bool = False
    """Whether a proxy that isn't trusted passed it on: then the address is the proxy's, and anybody may have asked."""

    @property
    def counted(self) -> str:
        """What limits count it by: of IPv6 the network, since one machine has all of its addresses."""
        if ":" not in self.address:
            return self.address
        return str(ip_network((self.address, V6_PREFIX), strict=False))

    @property
    def remote(self) -> str:
        """As `counted`; "" for this machine's own addresses. They are those of proxies, too, of which ``--proxies``
        knows nothing, and then of everybody."""
        return "" if not self.address or _is_loopback(self.address) else self.counted


class Peers:
    """Tells who asks, given the proxies that are trusted: addresses, networks, `UNIX`."""

    def __init__(self, proxies: frozenset[str] = frozenset()) -> None:
        self._unix = UNIX in proxies
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(one) for one in proxies - {UNIX}]
        self.unnamed = ""
        """The address of a proxy that passed requests on and isn't trusted, or `UNIX`; "" when there was none. One of
        this machine or its network stays: it is hardly somebody who writes such headers for fun."""

    def of(self, request: Request | Upgrade) -> Asker:
        """Who asks."""
        peer = _peer(request.getClientAddress())
        trusted = self.trusts_sender(request)
        client = (self._client(request) if trusted else None) or peer
        local = not trusted if peer is None else peer.is_loopback
        forwarded = any(lines(request, name) for name in FORWARDING)
        if forwarded and not trusted and (peer is None or not self.unnamed or not peer.is_global):
            self.unnamed = UNIX if peer is None else str(peer)
        return Asker(
            "" if client is None else str(client),
            self._scheme(request, trusted) == "https",
            local and not forwarded,
            forwarded and not trusted,
        )

    def trusts_sender(self, request: Request | Upgrade) -> bool:
        """Whether a trusted proxy passed the request on to us."""
        peer = _peer(request.getClientAddress())
        return self._unix if peer is None else self._trusts(peer)

    def is_own(self, request: Request | Upgrade, origin: str) -> bool:
        """Whether an origin (RFC 6454) is this site, by the host that the request names. For a request that came by TLS
        a page without TLS isn't, since anybody on the way could have written it. For a request without TLS a page with
        TLS is, since a proxy that speaks TLS may be unknown here."""
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            return False
        scheme = found[1].lower()
        asked_by = read_host(found[2], _PORTS[scheme])
        if asked_by is None or asked_by != read_host(_text(lines(request, b"host")), _PORTS[scheme]):
            return False
        return scheme == "https" or not self.of(request).secure

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def _client(self, request: Request | Upgrade) -> Address | None:
        """The last address in the list that isn't a trusted proxy's. The search ends at an item that is no address:
        then the proxy that passed this item on is the nearest sender that is known."""
        found = None
        for said in islice(_backwards(lines(request, b"x-forwarded-for")), HOPS):
            address = read_address(said)
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return found

    def _scheme(self, request: Request | Upgrade, trusted: bool) -> str:
        if trusted:
            # The first proxy of a chain, which is asked by the browser, is the first in the list.
            said = _text(lines(request, b"x-forwarded-proto")).replace('"', "").lower()
            for one in said.split(","):
                if one.strip() in _SCHEMES:
                    return _SCHEMES[one.strip()]
        return "https" if request.isSecure() else "http"


def read_address(said: str) -> Address | None:
    """An address in any form in which proxies write it: with a port, in brackets, quoted, an IPv4 address as IPv6. None
    for anything else."""
    text = said.strip().strip('"').strip()
    found = _WITH_PORT.fullmatch(text)
    try:
        return _plain(ip_address(found[1] or found[2] if found else text))
    except ValueError:
        return None


def read_host(said: str, port: int = 0) -> tuple[str, int] | None:
    """Name and port of a ``Host`` or of an origin, written one way; `port` when it has none. None for what is no host
    (RFC 9110, section 7.2; RFC 1035, section 2.3.4)."""
    found = _HOST.fullmatch(said)
    if found is None:
        return None
    number = int(found[3]) if found[3] else port
    name = _v6(found[1]) if found[1] else _name(found[2])
    return (name, number) if name and number < 1 << 16 else None


def lines(request: Request | Upgrade, name: bytes) -> list[bytes]:
    """The values of a header, one for each line of it. `name` is in lower case."""
    if isinstance(request, Upgrade):
        one = request.getHeader(name)
        return [] if one is None else [one]
    return list(request.requestHeaders.getRawHeaders(name, []))


def _peer(address: IAddress) -> Address | None:
    host = getattr(address, "host", None)
    return _read_host_address(host) if host else None


# Behind a proxy or a school's router many connect from one address, and reading one costs several µs.
@lru_cache(ADDRESSES)
def _read_host_address(host: str) -> Address | None:
    return read_address(host)


@lru_cache(ADDRESSES)
def _is_loopback(address: str) -> bool:
    return ip_address(address).is_loopback


def _plain(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        # A zone (fe80::1%eth0) means something only on the machine that says it.
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _backwards(values: list[bytes]) -> Iterator[str]:
    """The items of a list that may stand in several lines, the last first; empty ones are none (RFC 9110, 5.6.1)."""
    for value in reversed(values):
        for item in reversed(value.split(b",")):
            if item.strip():
                yield item.decode("ascii", "replace")


def _text(values: list[bytes]) -> str:
    return b",".join(values).decode("ascii", "replace").strip()


def _v6(said: str) -> str:
    try:
        return f"[{IPv6Address(said)}]"
    except ValueError:
        return ""


def _name(said: str) -> str:
    name = said.lower().removesuffix(".")
    return name if len(name) <= 253 and _LABELS.fullmatch(name) else ""
