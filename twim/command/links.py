"""Links that are given to people."""

from __future__ import annotations

from argparse import ArgumentTypeError
from urllib.parse import urlsplit


def site(value: str) -> str:
    """The server's address, to which a path is added; "" adds nothing. `ArgumentTypeError` for what is no address."""
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment:
        raise ArgumentTypeError(f"{value}: an address like https://chat.example.org")
    return value.rstrip("/")
