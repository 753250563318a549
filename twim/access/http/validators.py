"""Whether a client's copy is still good (RFC 9110, section 13.1.2), and which part of a file it lacks."""

from __future__ import annotations

import re
from typing import Final

from twisted.web.http import NOT_MODIFIED, Request

RANGE: Final = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")
_DATE: Final = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:0[1-9]|[12]\d|3[01])"
    rb" (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?:19[7-9]|[2-9]\d\d)\d"
    rb" (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d GMT"
)
_TAGS: Final = re.compile(rb'"[^"]*"')


def keep_readable(request: Request) -> None:
    """Remove from a request the headers that twisted.web's `File` fails on: it loops over the years up to the one in
    a date, nearly for ever if that is large enough, and decodes a range that may be any bytes. A malformed date or
    range is ignored (RFC 9110, sections 13.1.3 and 14.2); with If-None-Match any date is."""
    headers = request.requestHeaders
    if headers.hasHeader(b"if-none-match") or not _DATE.fullmatch(request.getHeader(b"if-modified-since") or b""):
        headers.removeHeader(b"if-modified-since")
    asked = RANGE.fullmatch(request.getHeader(b"range") or b"")
    first, last = asked.groups() if asked else (b"", b"")
    backwards = bool(first and last) and int(first) > int(last)
    # No part is sent of a file that may have changed since.
    if not (first or last) or backwards or headers.hasHeader(b"if-range"):
        headers.removeHeader(b"range")


def answered_by_copy(request: Request, etag: bytes) -> bool:
    """Whether the answer to this GET or HEAD is 304, which is set then. Tags are compared without their ``W/``: a proxy
    that compresses puts it before ours."""
    named = b",".join(request.requestHeaders.getRawHeaders(b"if-none-match", []))
    good = named.strip() == b"*" or etag in _TAGS.findall(named)
    if good:
        request.setResponseCode(NOT_MODIFIED)
    return good
