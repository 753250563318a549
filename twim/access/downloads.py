"""GET /mnt/…: files of the store, such that none of them ever runs as a page.

The content of a name never changes, so it is cached for good. What came from a stranger is told to be
nothing but what it is: no guessing of types, no scripts, and only pictures, audio and video are shown in
place.
"""

from __future__ import annotations

import re

from klein import Klein
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from twisted.web.server import Request

from twim.access.door import refuse
from twim.access.validators import answered_by_copy
from twim.errors import NotFound, Refusal
from twim.storage.files.interface import FileStore, Stored
from twim.storage.files.sniff import kind_named

_RANGE = re.compile(rb"bytes=(\d{0,18})-(\d{0,18})")

HEADERS = {
    b"Accept-Ranges": b"bytes",
    b"Cache-Control": b"public, max-age=31536000, immutable",
    b"Content-Security-Policy": b"sandbox; default-src 'none'",
    b"X-Content-Type-Options": b"nosniff",
}


class Unsatisfiable(Exception):
    """A range that begins after the end."""


class Downloads:
    """The routes under ``/mnt``."""

    app = Klein()
    _log = Logger()

    def __init__(self, store: FileStore) -> None:
        self._store = store

    @app.route("/<folder>/<file>", methods=["GET", "HEAD"])
    async def download(self, request: Request, folder: str, file: str) -> bytes:
        """The file, or the part of it that was asked for."""
        try:
            return await self._answer(request, f"{folder}/{file}")
        except Refusal as refused:
            return refuse(request, refused)

    async def _answer(self, request: Request, name: str) -> bytes:
        found = await self._store.find(name)
        if found is None:
            raise NotFound("no such file")
        _describe(request, found)
        if answered_by_copy(request, etag(found)):
            return b""
        try:
            first, count = _asked(request, found)
        except Unsatisfiable:
            request.setResponseCode(416)
            request.setHeader(b"content-range", b"bytes */%d" % found.size)
            return b""
        request.setHeader(b"content-length", b"%d" % count)
        if request.method != b"HEAD":
            await self._send(request, found, first, count)
        return b""

    async def _send(self, request: Request, found: Stored, first: int, count: int) -> None:
        try:
            await self._store.send(found.name, first, count, request)
        except Refusal as refused:
            if not request.startedWriting:
                request.responseHeaders = Headers()
                raise
            # The length is promised; only a broken connection says that this is not all.
            self._log.warn("{name} broke off: {why}", name=found.name, why=refused.msg)
            request.loseConnection()


def etag(found: Stored) -> bytes:
    return b'"%b"' % found.name.encode()


def _describe(request: Request, found: Stored) -> None:
    kind = kind_named(found.name)
    for name, value in HEADERS.items():
        request.setHeader(name, value)
    request.setHeader(b"etag", etag(found))
    request.setHeader(b"content-type", kind.mime.encode())
    request.setHeader(b"content-disposition", b"inline" if kind.shown else b"attachment")


def _asked(request: Request, found: Stored) -> tuple[int, int]:
    """First byte and count; several ranges, and ones we can't read, are answered with the whole (RFC 9110
    14.2)."""
    condition = request.getHeader(b"if-range")
    asked = _RANGE.fullmatch(request.getHeader(b"range") or b"")
    if asked is None or asked[0] == b"bytes=-" or condition not in (None, etag(found)):
        return 0, found.size
    first, last = _bounds(asked[1], asked[2], found.size)
    if last < first and asked[1] and asked[2] and int(asked[2]) < int(asked[1]):
        return 0, found.size
    if last < first:
        raise Unsatisfiable
    request.setResponseCode(206)
    request.setHeader(b"content-range", b"bytes %d-%d/%d" % (first, last, found.size))
    return first, last + 1 - first


def _bounds(first: bytes, last: bytes, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
