"""The endpoints of ``--port``, read without making any of them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What stands without a name, in its order: https://docs.twisted.org/en/stable/core/howto/endpoints.html
_IN_ORDER: Final = {
    "tcp": ("port", "interface"),
    "tcp4": ("port", "interface"),
    "tcp6": ("port", "interface"),
    "ssl": ("port", "privateKey", "certKey", "sslmethod", "interface"),
    "unix": ("address",),
}
_EVERYWHERE: Final = ("", "0.0.0.0", "::")


@dataclass(frozen=True)
class Listening:
    """One endpoint. `options` are its parts by their names."""

    description: str
    kind: str
    options: dict[str, str]

    @property
    def port(self) -> int:
        """Its TCP port; 0 for one that is chosen at the start, or when it has none."""
        number = self.options.get("port", "0")
        return int(number) if number.isascii() and number.isdigit() else 0

    @property
    def has_port(self) -> bool:
        """Whether it listens on a TCP port that is known beforehand."""
        return self.kind != "unix" and self.kind in _IN_ORDER and self.port > 0

    @property
    def is_tls(self) -> bool:
        """Whether it has a certificate of its own."""
        return self.kind == "ssl"

    @property
    def path(self) -> Path | None:
        """The path of its Unix socket."""
        return Path(self.options["address"]) if self.kind == "unix" and self.options.get("address") else None

    @property
    def interface(self) -> str:
        """The address that it is bound to."""
        return self.options.get("interface") or ("::" if self.kind == "tcp6" else "0.0.0.0")

    @property
    def is_everywhere(self) -> bool:
        """Whether it is bound to all addresses of this machine."""
        return self.interface in _EVERYWHERE

    @property
    def is_here(self) -> bool:
        """Whether only programs of this machine reach it."""
        return self.kind == "unix" or is_loopback(self.interface)

    @property
    def nearby(self) -> str:
        """The address at which a program of this machine reaches it."""
        if not self.is_everywhere:
            return self.interface
        return "::1" if self.kind == "tcp6" or self.interface == "::" else "127.0.0.1"


def read_listening(description: str) -> Listening:
    """The parts of a description such as ``tcp:8080:interface=127.0.0.1``, in which a backslash takes the meaning from
    the next character."""
    parts = re.findall(r"((?:\\.|[^:\\])*)(?::|$)", description)[:-1] or [description]
    kind = parts[0].lower()
    names = list(_IN_ORDER.get(kind, ()))
    options: dict[str, str] = {}
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        if equals:
            options[name] = _plain(value)
        elif names:
            options[names.pop(0)] = _plain(part)
    return Listening(description, kind, options)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own address, by which no other one reaches it."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
