"""GET /mnt/…: the files of the store, sent in a way that no browser ever runs one of them as a page.

A file is given to whoever has a signed URL of it (see `storage.files.urls`), and a proxy that has the files itself asks
here whether a URL is one. The content under a name never changes, so a browser may keep it as long as its URL is good.
Whoever uploaded a file may mean harm, so browsers are told not to guess its type and to run no scripts in it. Only
pictures, audio and video are displayed; all other files are downloaded.
"""

from __future__ import annotations

import re

from klein import Klein
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from twisted.web.server import Request

from twim.access.http.declared import Answer, text
from twim.access.http.fields import header
from twim.access.http.route import describe, refuse
from twim.access.http.validators import RANGE, answered_by_copy
from twim.errors import Malformed, NotFound, NotYours, Refusal
from twim.storage.files.interface import NAME, FileStore, Stored
from twim.storage.files.sniff import kind_named
from twim.storage.files.urls import EXPIRES, LONGEST, OWN, SIGNATURE, FileUrls

HEADERS = {
    b"Accept-Ranges": b"bytes",
    b"Cache-Control": b"private, max-age=%d, immutable" % LONGEST,
    b"Content-Security-Policy": b"sandbox; default-src 'none'",
    b"Referrer-Policy": b"no-referrer",
    b"X-Content-Type-Options": b"nosniff",
}

FOR_EVERYBODY = b"public, max-age=31536000, immutable"
"""Cache-Control of files that everybody may read."""
EXPIRED = "this address is not good, or not any more: ask for the message again"
_ASKED = re.compile(f"(?:/[A-Za-z0-9_-]+)*?{OWN}({NAME.pattern})(?:\\?(.*))?")
"""Whatever the proxy takes off a path stands before ours."""

FOLDER = text("folder", 2, least=2)
NAME_FIELD = text("file", 80, least=1)
UNTIL = text(EXPIRES, 12)
BY = text(SIGNATURE, 40)
CONTENT = Answer(media="*/*")


class Unsatisfiable(Exception):
    """The range that was asked for begins after the end of the file."""


class Downloads:
    """The routes under ``/mnt``."""

    app = Klein()
    _log = Logger()

    def __init__(self, store: FileStore, urls: FileUrls) -> None:
        self._store = store
        self._urls = urls

    @app.route("/granted", methods=["GET", "HEAD"])
    def granted(self, request: Request) -> bytes:
        """For a proxy (nginx's auth_request): 204 if the URL in the header ``X-Original-URI``, as the client sent it,
        opens a file, else 403. It says nothing that whoever has the URL couldn't find out."""
        asked = _ASKED.fullmatch(header(request, "x-original-uri"))
        # Group 2 is a part of the name.
        if asked is None or not self._urls.opens(asked[1], asked[3] or ""):
            return refuse(request, NotYours(EXPIRED))
        request.setResponseCode(204)
        return b""

    @app.route("/<folder>/<file>", methods=["GET", "HEAD"])
    @describe("/<folder>/<file>", "GET", takes=(FOLDER, NAME_FIELD, UNTIL, BY), gives=CONTENT, who="anybody")
    async def download(self, request: Request, folder: str, file: str) -> bytes:
        """The file, or the part of it that was asked for."""
        try:
            return await self._answer(request, f"{folder}/{file}")
        except Refusal as refused:
            return refuse(request, refused)

    async def _answer(self, request: Request, name: str) -> bytes:
        query = request.uri.partition(b"?")[2].decode("ascii", "replace")
        if not self._urls.opens(name, query):
            raise NotYours(EXPIRED)
        found = await self._store.find(name)
        if found is None:
            raise NotFound("no such file")
        _describe(request, found)
        if self._urls.public:
            request.setHeader(b"cache-control", FOR_EVERYBODY)
        if answered_by_copy(request, etag(found)):
            return b""
        try:
            first, count = _asked(request, found)
        except Unsatisfiable:
            request.responseHeaders = Headers()
            request.setHeader(b"content-range", b"bytes */%d" % found.size)
            return refuse(request, Malformed("Range: the file ends before it", status=416))
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
            # The client was told the length. Only a broken connection tells it that this is not the whole file.
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
    """The first byte to send, and how many. If several ranges are asked for, or one that isn't understood, the whole
    file is sent (RFC 9110, section 14.2)."""
    condition = request.getHeader(b"if-range")
    asked = RANGE.fullmatch(request.getHeader(b"range") or b"")
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
