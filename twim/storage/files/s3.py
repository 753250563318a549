"""Files in an object store (``s3://…``): AWS S3, Alibaba Cloud OSS, MinIO and whatever speaks the same."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from secrets import token_hex
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from twim.errors import Unavailable
from twim.internals.web_client import RequestNotSent
from twim.storage.files.bucket import Bucket
from twim.storage.files.interface import NAME, Presigned, Stored, name_of
from twim.storage.files.producers import FileBody, collect, pass_on
from twim.storage.files.sigv4 import EMPTY, Query, Signer, encode_path, encode_query
from twim.storage.files.sniff import kind_named
from twim.storage.files.spool import Spool, Spooled
from twim.storage.files.threads import FileThreads

CONNECT_SECONDS = 10

ANSWER_SECONDS = 30
"""Seconds until the store must begin to answer. A body that is sent gets more time, as if by the speed `SLOWEST`."""

SLOWEST = 64 * 1024
"""Bytes per second."""

ATTEMPTS = 3
PAUSE_SECONDS = 0.3
"""Seconds to wait after a failed attempt. The wait doubles after each further one."""

FRESH_SECONDS = 12 * 3600
"""A file stored so lately is left as it is when it comes again; an older one is stored anew, so that a
sweep, which takes what is a day old, can't remove it between this answer and the message that refers to
it."""

PRESIGNED_SECONDS = 900

_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
"""Control characters, among them those of direction, and characters without width."""
_FAILURES = (
    ConnectError,
    ConnectionClosed,
    OSError,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseFailed,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """A request before it is signed, with its path and query decoded."""

    method: str
    path: str
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    spooled: Spooled | None = None
    """Its body."""

    @property
    def seconds(self) -> float:
        """How long the answer may take to begin."""
        return ANSWER_SECONDS + (self.spooled.size / SLOWEST if self.spooled else 0)


class S3Files:
    """A `FileStore`, and a `Presigner` where the bucket's URL says ``direct=on``."""

    _log = Logger()

    def __init__(self, bucket: Bucket, spool: Spool, threads: FileThreads, reactor: Any) -> None:
        self.spool = spool
        self.direct = bucket.direct
        self.origins = bucket.origins
        self._bucket = bucket
        self._signer = Signer(bucket.credentials, bucket.region)
        self._threads = threads
        self._pool = HTTPConnectionPool(reactor)
        self._client = HTTPClient(Agent(reactor, connectTimeout=CONNECT_SECONDS, pool=self._pool))
        self._clock: IReactorTime = reactor

    async def adopt(self, spooled: Spooled, name: str, mime: str) -> str:
        found = await self.find(name)
        if found is None or found.size != spooled.size or found.modified < self._now() - FRESH_SECONDS:
            await self._put(spooled, name, mime)
        await self._threads.run(spooled.discard)
        return self.url(name)

    async def _put(self, spooled: Spooled, name: str, mime: str) -> None:
        request = Asking("PUT", self._path(name), headers=headers_of(name, mime), spooled=spooled)
        await collect(await self._ask(request), self._clock)

    def url(self, name: str) -> str:
        return self._bucket.public + name

    def presigned(self, name: str, since: datetime, seconds: int) -> str | None:
        bucket, path = self._bucket, self._path(name)
        if not bucket.is_reached_directly:
            return None
        query = self._signer.presign("GET", path, {"Host": bucket.host}, since, seconds)
        return f"{bucket.address}{encode_path(path)}?{encode_query(query)}"

    def name(self, url: str) -> str | None:
        name = url.removeprefix(self._bucket.public)
        return name if name != url and NAME.fullmatch(name) else None

    async def find(self, name: str) -> Stored | None:
        if not NAME.fullmatch(name):
            return None
        response = await self._ask(Asking("HEAD", self._path(name)), 404)
        await collect(response, self._clock)
        if response.code == 404:
            return None
        modified = parsedate_to_datetime(_header(response, "last-modified"))
        return Stored(name, int(_header(response, "content-length")), modified.timestamp())

    async def send(self, name: str, first: int, count: int, consumer: IConsumer) -> None:
        if not count:
            return
        part = {"Range": f"bytes={first}-{first + count - 1}"}
        response = await self._ask(Asking("GET", self._path(name), headers=part))
        await pass_on(response, consumer, self._clock)

    async def stored(self) -> AsyncIterator[Stored]:
        query = [("list-type", "2"), ("prefix", self._bucket.prefix)]
        more: str | None = ""
        while more is not None:
            asked = [*query, ("continuation-token", more)] if more else query
            response = await self._ask(Asking("GET", self._bucket.listed, asked))
            page = ElementTree.fromstring(await collect(response, self._clock))
            for entry in page.iterfind("{*}Contents"):
                if found := self._listed(entry):
                    yield found
            more = page.findtext("{*}NextContinuationToken")

    def _listed(self, entry: ElementTree.Element) -> Stored | None:
        name = entry.findtext("{*}Key", "").removeprefix(self._bucket.prefix)
        if not NAME.fullmatch(name):
            return None
        modified = datetime.fromisoformat(entry.findtext("{*}LastModified", ""))
        return Stored(name, int(entry.findtext("{*}Size", "0")), modified.timestamp())

    async def delete(self, name: str, older_than: float) -> bool:
        found = await self.find(name)
        if found is None or found.modified >= older_than:
            return False
        response = await self._ask(Asking("DELETE", self._path(name)), 404)
        await collect(response, self._clock)
        return True

    async def close(self) -> None:
        await self._pool.closeCachedConnections()

    def presign(self, suffix: str, mime: str, size: int, filename: str) -> Presigned:
        """A PUT of one file, whose headers the browser must send as they are. The name is random: what the
        browser will send isn't seen here, so it must not take the name of any content."""
        name = name_of(token_hex(32), suffix)
        headers = headers_of(name, mime, filename)
        signed = headers | {"Host": self._bucket.host, "Content-Length": str(size)}
        query = self._signer.presign("PUT", self._path(name), signed, self._at(), PRESIGNED_SECONDS)
        url = f"{self._bucket.address}{encode_path(self._path(name))}?{encode_query(query)}"
        return Presigned(url, "PUT", headers, self.url(name))

    # Asking

    async def _ask(self, asking: Asking, allowed: int = 0) -> IResponse:
        """The answer to a request, tried again where that may help. `Unavailable` for one that is no
        success and doesn't have the status `allowed`."""
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await deferLater(self._clock, PAUSE_SECONDS * attempt)
            try:
                response = await self._send(asking)
            except _FAILURES as error:
                why = _reason(error)
                continue
            if response.code < 300 or response.code == allowed:
                return response
            code = _CODE.search(await collect(response, self._clock))
            why = f"{response.code} {code[1].decode() if code else ''}"
            if response.code < 500:
                break
        self._log.error("{method} at the object store: {why}", method=asking.method, why=why)
        raise Unavailable

    async def _send(self, asking: Asking) -> IResponse:
        sha256, body = EMPTY, None
        if asking.spooled is not None:
            sha256 = asking.spooled.sha256
            body = FileBody(asking.spooled.path, asking.spooled.size, self._threads)
        headers = dict(asking.headers) | {"Host": self._bucket.host}
        signed = self._signer.sign(asking.method, asking.path, asking.query, headers, sha256, self._at())
        url = self._bucket.address + encode_path(asking.path)
        if asking.query:
            url += "?" + encode_query(asking.query)
        answered: Deferred[Any] = self._client.request(
            asking.method, url, headers=Headers(_raw(signed)), data=body, allow_redirects=False, unbuffered=True
        )
        return await _until(answered.addTimeout(asking.seconds, self._clock, _too_late))

    def _path(self, name: str) -> str:
        return self._bucket.base + name

    def _now(self) -> float:
        return time.time()

    def _at(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def headers_of(name: str, mime: str, filename: str = "") -> dict[str, str]:
    """The headers with which the store shall send a file. If the file comes from another site than the page, browsers
    take the name for saving it only from here (RFC 6266, encoded as in RFC 8187). The name has none of the control
    characters that could make its ending look like another one."""
    readable = _UNREADABLE.sub("", filename)
    saved = f"; filename*=UTF-8''{quote(readable, safe='')}" if readable else ""
    return {
        "Content-Type": mime,
        "Content-Disposition": ("inline" if kind_named(name).shown else "attachment") + saved,
        "Cache-Control": "private, max-age=172800, immutable",
    }


def _raw(headers: Mapping[str, str]) -> dict[bytes, list[bytes]]:
    return {name.encode(): [value.encode()] for name, value in headers.items()}


def _too_late(result: object, seconds: float) -> Failure:
    return Failure(TimeoutError(seconds, "no answer"))


async def _until(answered: Deferred[IResponse]) -> IResponse:
    """What it fires with; `CancelledError` where whoever waits for it is cancelled. Twisted's client has failures of
    its own for that, another one at each stage of a request."""
    cancelled = False

    def cancel(_: object) -> None:
        nonlocal cancelled
        cancelled = True
        answered.cancel()

    waiting: Deferred[IResponse] = Deferred(cancel)
    answered.chainDeferred(waiting)
    try:
        return await waiting
    except Exception as error:
        if cancelled:
            raise CancelledError from error
        raise


def _reason(error: BaseException) -> str:
    inner = [failure.value for failure in getattr(error, "reasons", ())]
    return " ".join(type(one).__name__ for one in (error, *inner))


def _header(response: IResponse, name: str) -> str:
    values = response.headers.getRawHeaders(name)
    if not values:
        raise Unavailable
    return str(values[0])
