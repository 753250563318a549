"""What the head of a request must be before anybody looks at the rest of it (RFC 9112, section 3).

twisted.web accepts any target and any ``Host``; what handles the request after it, like Klein's map of paths, fails on
some of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from twisted.web.http_headers import Headers

from twim.access.http.peers import read_host
from twim.errors import Malformed

METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE"})
_ABSOLUTE: Final = re.compile(rb"https?://([^/?]*)([/?].*)?", re.IGNORECASE | re.DOTALL)


def check_head(method: bytes, target: bytes, version: bytes, headers: Headers) -> bytes:
    """The target as a path with its query, or ``*``. A target that names the host, as in requests to proxies, is
    accepted, and its host replaces ``Host`` (RFC 9112, section 3.2.2). `Malformed` for anything else."""
    if method not in METHODS:
        raise Malformed("no such method", status=501)
    target = _without_host(target, headers)
    _check_host(headers.getRawHeaders(b"host", []), version)
    if target == b"*" and method == b"OPTIONS":
        return target
    if not target.startswith(b"/") or b"#" in target or not target.isascii():
        raise Malformed("a path, please")
    return target


def _without_host(target: bytes, headers: Headers) -> bytes:
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return target
    headers.setRawHeaders(b"host", [absolute[1]])
    rest = absolute[2] or b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def _check_host(said: Sequence[bytes], version: bytes) -> None:
    if not said and version == b"HTTP/1.0":
        return
    if len(said) != 1 or read_host(said[0].decode("latin-1")) is None:
        raise Malformed("Host: one host, please")
