"""Whether a client's copy is still good (RFC 9110, section 13.1.2)."""

from __future__ import annotations

import re
from typing import Final

from twisted.web.http import NOT_MODIFIED, Request

_TAGS: Final = re.compile(rb'"[^"]*"')


def answered_by_copy(request: Request, etag: bytes) -> bool:
    """Whether the answer to this GET or HEAD is 304, which is set then. Tags are compared without their ``W/``: a proxy
    that compresses puts it before ours."""
    named = b",".join(request.requestHeaders.getRawHeaders(b"if-none-match", []))
    good = named.strip() == b"*" or etag in _TAGS.findall(named)
    if good:
        request.setResponseCode(NOT_MODIFIED)
    return good
