"""HTTP/2 is offered to clients that connect by TLS, if the h2 package is installed (`pip install twim[http2]`)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

HTTP2: Final = b"h2"
HTTP1: Final = b"http/1.1"
"""The names of the two protocols when TLS is negotiated (RFC 7301, section 6)."""


def find_http2() -> Callable[..., Any] | None:
    """The class `Http2Connection`, or None if the h2 package is not installed."""
    if find_spec("h2") is None:
        return None
    from twim.access.http.http2_connection import Http2Connection

    return Http2Connection
