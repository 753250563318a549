"""Which addresses are public, however they are written.

Sources: IANA's registries of special-purpose addresses, https://www.iana.org/assignments/iana-ipv4-special-registry
and https://www.iana.org/assignments/iana-ipv6-special-registry. Python's own `is_global` differs between its versions.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import inet_aton
from typing import Final

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # between a provider and its customers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds tell their secrets
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_UNICAST_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(one)
    for one in (
        "2001::/23",  # protocols, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which hides an address of IPv4
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_LONGEST_NAME: Final = 253
"""Of a host's name, in characters: RFC 1035."""


class NotPublic(ValueError):
    """Not an address, or one of a private network, of this machine, or of nobody."""


def is_public(address: str) -> bool:
    """Whether an address, in its usual form, belongs to the public network."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return _is_public_4(ip)
    if ip.scope_id is not None:
        return False
    # Behind a NAT64 these are how any host that only has IPv4 is reached.
    if ip in _NAT64:
        return _is_public_4(IPv4Address(int(ip) & 0xFFFFFFFF))
    return ip in _UNICAST_6 and not any(ip in one for one in _NOT_PUBLIC_6)


def _is_public_4(ip: IPv4Address) -> bool:
    return not any(ip in one for one in _NOT_PUBLIC_4)


def check_host(host: str) -> None:
    """Refuse what isn't public at first sight: addresses in any form that resolvers take, and names of this machine.

    `host` is the host of a URL, an IPv6 address with or without its brackets. What another name stands for is seen
    when it is resolved. Raises `NotPublic`.
    """
    if host.startswith("[") or ":" in host:
        address = _address_6(host.removeprefix("[").removesuffix("]"))
    else:
        name = host.removesuffix(".")
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise NotPublic("not the name of a host")
        labels = name.lower().split(".")
        if labels[-1] in ("localhost", "localdomain"):
            raise NotPublic("not a public address")
        if not _NUMBER.fullmatch(labels[-1]):
            return
        address = _address_4(name)
    if not is_public(address):
        raise NotPublic("not a public address")


def _address_6(text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise NotPublic("not an address") from None


def _address_4(text: str) -> str:
    """Of the forms that the C library understands: of one to four parts, decimal, octal or hexadecimal."""
    try:
        return str(IPv4Address(inet_aton(text)))
    except (OSError, ValueError):
        raise NotPublic("not an address") from None
