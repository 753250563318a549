"""A real Site on loopback with uploads and downloads, and a client that sends exactly the given bytes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, cast

from klein import Klein
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IListeningPort, IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from twisted.web.http import _ChunkedTransferDecoder
from twisted.web.server import Request, Site

from twim.access.files.downloads import Downloads
from twim.access.files.uploads import UPLOAD_PATH, Uploads
from twim.access.http.channel import Channel
from twim.access.http.request import BoundedRequests
from twim.errors import NotLoggedIn
from twim.logic.files import Files
from twim.storage.files.interface import FileStore
from twim.storage.files.local import LocalFiles
from twim.storage.files.pictures import Pictures
from twim.storage.files.threads import FileThreads
from twim.storage.files.urls import FileUrls

LIMIT = 1 << 20
"""Of a file, in these tests."""


class Root:
    """The smallest site around the parts under test."""

    app = Klein()

    def __init__(self, uploads: Uploads, downloads: Downloads) -> None:
        self._uploads = uploads
        self._downloads = downloads

    @app.route("/attach", branch=True)
    def attach(self, request: Request) -> object:
        return self._uploads.app.resource()

    @app.route("/mnt", branch=True)
    def mnt(self, request: Request) -> object:
        return self._downloads.app.resource()

    @app.route("/echo", methods=["GET", "POST"])
    def echo(self, request: Request) -> bytes:
        return json.dumps({k.decode(): v[0].decode() for k, v in request.args.items()}).encode()


class Talk(Protocol):
    """The client's end of a connection; `received` grows, and `closed` fires at the end."""

    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[None] = Deferred()
        self.clean = False
        self._more: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.clean = reason.check(type(connectionDone.value)) is not None
        self._wake()
        self.closed.callback(None)

    async def until(self, what: bytes) -> bytes:
        """Everything received, once it contains `what` or the connection has ended."""
        while what not in self.received and not self.closed.called:
            self._more = Deferred()
            await self._more
        return self.received

    def _wake(self) -> None:
        more, self._more = self._more, None
        if more is not None:
            more.callback(None)


class NotedUploads:
    """Stands for the table of uploads: who uploaded which stem, of which size."""

    def __init__(self) -> None:
        self.noted: list[tuple[int, str, int]] = []

    async def uploaded(self, userid: int, stem: str, size: int, at: int) -> None:
        self.noted.append((userid, stem, size))


class Rig(TestCase):
    """The site; `authorise` takes "Bearer 7" or token=7 as user 7, after `self.auth_waits` if that is set."""

    timeout = 60
    limit = LIMIT
    files_public = False

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.threads = FileThreads(reactor, "files", 4)
        self.threads.start()
        self.addCleanup(self.threads.stop)
        self.store = self.make_store()
        self.auth_waits: Deferred[None] | None = None
        self.asked = 0
        self.urls = FileUrls(self.store, b"k" * 32, time.time, self.files_public)
        self.attachments = NotedUploads()
        files = Files(self.urls, cast(Any, self.attachments), lambda: 1)
        self.uploads = Uploads(
            self.store, Pictures(self.threads), self.threads, self.authorise, files, lambda: self.limit
        )
        self.requests = BoundedRequests({UPLOAD_PATH: self.uploads.receive}, reactor)
        site = Site(Root(self.uploads, Downloads(self.store, self.urls)).app.resource())
        site.protocol = Channel
        site.requestFactory = self.requests.request
        self.port = self.listen(site)
        self.addCleanup(self.port.stopListening)
        self.talks: list[Talk] = []
        self.addCleanup(lambda: Deferred.fromCoroutine(self.hang_up()))

    async def hang_up(self) -> None:
        for talk in self.talks:
            if not talk.closed.called:
                talk.transport.abortConnection()
                await talk.closed
        await self.until(lambda: not (self.uploads.under_way() or self.spooled()))
        await self.settled()

    def make_store(self) -> FileStore:
        return LocalFiles(self.folder, self.threads)

    async def authorise(self, request: Request) -> int:
        self.asked += 1
        if self.auth_waits is not None:
            await self.auth_waits
        words = (request.getHeader("authorization") or "").split()
        token = words[1].encode() if words else request.args.get(b"token", [b""])[0]
        if not token.isdigit():
            raise NotLoggedIn
        return int(token)

    def listen(self, site: Site) -> IListeningPort:
        port: IListeningPort = reactor.listenTCP(0, site, interface="127.0.0.1")
        return port

    def endpoint(self) -> IStreamClientEndpoint:
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)

    async def connect(self) -> Talk:
        talk = await connectProtocol(self.endpoint(), Talk())
        self.talks.append(talk)
        return talk

    async def ask(self, data: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        """Sends a request that ends its connection and reads the answer."""
        talk = await self.connect()
        talk.transport.write(data)
        await talk.closed
        return parsed(talk.received)

    async def upload(self, content_type: str, body: bytes, *more: str) -> tuple[int, dict[str, Any]]:
        """POSTs as user 7, or as `more` says."""
        head = post("/attach/upload", content_type, len(body), *(more or ("Authorization: Bearer 7",)))
        status, _, answer = await self.ask(head + body)
        return status, json.loads(answer)

    async def get(self, path: str, *more: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
        return await self.ask(
            "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *more, "", "")).encode()
        )

    def spooled(self) -> list[Path]:
        return list((self.folder / "spool").iterdir())

    def kept(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob("??/*"))

    async def settled(self) -> None:
        """Wait until nothing is in the spool."""
        await self.until(lambda: not self.spooled())

    async def until(self, true: Any) -> None:
        while not true():
            await deferLater(reactor, 0.01)


def post(path: str, content_type: str, length: int | None, *more: str) -> bytes:
    """The head of a request whose connection ends with it; a chunked one where `length` is None."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Connection: close",
        f"Content-Type: {content_type}",
        size,
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode(errors="surrogateescape")


def chunked(body: bytes, size: int = 1000) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def parsed(answer: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers in lower case (of several with one name the first) and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(b": ") for line in reversed(lines))}
    if headers.get(b"transfer-encoding") == b"chunked":
        whole: list[bytes] = []
        decoder = _ChunkedTransferDecoder(whole.append, lambda rest: None)
        decoder.dataReceived(body)
        body = b"".join(whole)
    return int(status.split()[1]), headers, body
