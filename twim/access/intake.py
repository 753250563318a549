"""Requests whose bodies are bounded while they arrive.

twisted.web gives a request to its resource only when the whole body has come, and parses multipart bodies
in memory. Here a body over its bound is refused as soon as that is known, and an upload goes to disk piece
by piece, read from its socket only once its sender is known. `Intake.request` is a Site's `requestFactory`;
resources and Klein see an ordinary request, an upload's with `take_upload`.
"""

# Twisted's Request is typed in part, and mypy takes its methods for ours.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, parse_qs
from twisted.web.server import Request

from twim.access.arrival import Arrival, Gone
from twim.access.door import refuse
from twim.access.parts import Upload, UploadBody, boundary_of
from twim.errors import Failed, NotLoggedIn, Refusal, TooLarge, TooMany
from twim.storage.files.spool import Spool
from twim.storage.files.threads import FileThreads

UPLOAD_PATH = b"/attach/upload"

SMALL_BODY = 1 << 16
"""Bytes of any body but an upload's."""

UPLOAD_LIMIT = 20 * 1024 * 1024
"""Bytes of an uploaded file, unless told otherwise."""

AROUND_FILE = 1 << 16
"""Bytes an upload's body may have beside the file: boundaries, headers, fields."""

UPLOADS_EACH = 8
"""Uploads that one user may have under way; a browser sends at most 6 at once to one host."""

UPLOADS_ALL = 200
"""Uploads under way together: times the limit, what the spool may take of the disk."""

LINGER_SECONDS = 30
LINGER_BYTES = 64 * 1024 * 1024
"""How long, and how much, a refused client may go on sending before it is cut off. A connection closed with
bytes unread is reset, and the reset overtakes the answer (RFC 9112 section 9.6)."""

Authorise = Callable[[Request], Awaitable[int]]
"""Who is asking: the user's id, or NotLoggedIn. Called before the body is there; `args` has the query's
fields."""


class Intake:
    """What the requests of a site share: the bounds, the spool, and who may upload."""

    def __init__(
        self,
        spool: Spool,
        threads: FileThreads,
        authorise: Authorise,
        clock: IReactorTime,
        limit: int = UPLOAD_LIMIT,
    ) -> None:
        self.spool = spool
        self.threads = threads
        self.authorise = authorise
        self.clock = clock
        self.limit = limit
        self._under_way: Counter[int] = Counter()

    def request(self, channel: HTTPChannel, queued: object = False) -> IntakeRequest:
        """For `Site.requestFactory`."""
        return IntakeRequest(channel, self)

    def under_way(self) -> int:
        """Uploads being received."""
        return self._under_way.total()

    @contextmanager
    def place(self, user: int) -> Iterator[None]:
        """One of the places for uploads under way; TooMany if there is none."""
        if self._under_way[user] >= UPLOADS_EACH or self.under_way() >= UPLOADS_ALL:
            raise TooMany("too many uploads at once", retry_after=5)
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]


class IntakeRequest(Request):
    """A request that knows its bounds."""

    _log = Logger()

    def __init__(self, channel: HTTPChannel, intake: Intake) -> None:
        super().__init__(channel)
        self.uploader = 0
        """The user id of an upload's sender."""
        self._intake = intake
        self._socket: Any = channel.transport
        self._small = BytesIO()
        self._upload: Upload | None = None
        self._arrival: Arrival | None = None
        self._received: tuple[bytes, bytes, bytes] | None = None
        self._bytes = 0
        self._lingering: IDelayedCall | None = None
        self._take: Callable[[bytes], None] = self._take_small

    def take_upload(self) -> Upload | None:
        """The upload, whose spooled file is the caller's from now on."""
        upload, self._upload = self._upload, None
        return upload

    # What the channel calls

    def gotLength(self, length: int | None) -> None:
        """All headers are in; `length` is None for a chunked body."""
        self.content = self._small
        # The channel tells a request what is asked only after the body; the line has been read, though.
        self.method, self.uri, self.clientproto = (
            self.channel._command,
            self.channel._path,
            self.channel._version,
        )
        self.path, _, query = self.uri.partition(b"?")
        self.args = parse_qs(query, True)
        try:
            self._expect(length)
        except Refusal as refused:
            self._refuse(refused)

    def handleContentChunk(self, data: bytes) -> None:
        self._take(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self._received = command, path, version
        if self._take == self._discard:
            self._end_linger()
        elif self._arrival is None:
            super().requestReceived(command, path, version)
        else:
            self._arrival.end()

    def process(self) -> None:
        if self._upload is not None:
            for name, value in self._upload.fields.items():
                self.args.setdefault(name.encode(), [value.encode()])
            self.notifyFinish().addBoth(self._forget_upload)
        super().process()

    def connectionLost(self, reason: Failure) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._arrival is not None:
            self._arrival.lose()
        super().connectionLost(reason)

    # Bodies in memory

    def _expect(self, length: int | None) -> None:
        if self.method == b"POST" and self.path == UPLOAD_PATH:
            self._expect_upload(length)
        elif length is not None and length > SMALL_BODY:
            raise TooLarge(f"a body has at most {SMALL_BODY} bytes")

    def _take_small(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > SMALL_BODY:
            self._refuse(TooLarge(f"a body has at most {SMALL_BODY} bytes"))
        else:
            self._small.write(data)

    # Uploads

    def _expect_upload(self, length: int | None) -> None:
        limit = self._intake.limit
        if length is not None and length > limit + AROUND_FILE:
            raise TooLarge(f"a file has at most {limit} bytes")
        boundary = boundary_of((self.getHeader(b"content-type") or b"").decode("latin-1"))
        socket = self._socket
        self._arrival = Arrival(self._intake.threads, socket.pauseProducing, socket.resumeProducing)
        self._take = self._take_upload
        waits = (self.getHeader(b"expect") or b"").lower() == b"100-continue"
        self.requestHeaders.removeHeader(b"expect")  # else the channel says 100 before we know who asks
        socket.pauseProducing()
        Deferred.fromCoroutine(self._receive(self._arrival, boundary, waits)).addErrback(self._failed)

    def _take_upload(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > self._intake.limit + AROUND_FILE:
            self._refuse(TooLarge(f"a file has at most {self._intake.limit} bytes"))
        elif self._arrival is not None:
            self._arrival.take(data)

    async def _receive(self, arrival: Arrival, boundary: str, waits: bool) -> None:
        try:
            self.uploader = await self._admit(arrival, boundary, waits)
            with self._intake.place(self.uploader):
                self._go_on(waits)
                upload = await arrival.into(UploadBody(boundary, self._intake.spool, self._intake.limit))
        except Gone:
            return
        except Refusal as refused:
            self._refuse(refused)
            return
        if self._disconnected or self._received is None:
            await self._intake.threads.run(upload.spooled.discard)
            return
        self._upload = upload
        super().requestReceived(*self._received)

    async def _admit(self, arrival: Arrival, boundary: str, waits: bool) -> int:
        """Who sends it; the token may also be a field of the body, before the file."""
        try:
            return await self._intake.authorise(self)
        except NotLoggedIn:
            self._go_on(waits)
            fields = await arrival.ahead(boundary)
            if "token" not in fields:
                raise
            self.args[b"token"] = [fields["token"].encode()]
            return await self._intake.authorise(self)

    def _go_on(self, waits: bool) -> None:
        """Lets the client send its body."""
        if self._disconnected:
            return
        if waits and not self._bytes:
            self._socket.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._socket.resumeProducing()

    def _forget_upload(self, _: object) -> None:
        upload = self.take_upload()
        if upload is not None:
            done = Deferred.fromCoroutine(self._intake.threads.run(upload.spooled.discard))
            done.addErrback(lambda failure: self._log.failure("an upload stays in the spool", failure))

    def _failed(self, failure: Failure) -> None:
        self._log.failure("an upload failed", failure)
        self._refuse(Failed())

    # Refusing a body that is still being sent

    def _refuse(self, refused: Refusal) -> None:
        """Answers now, and reads on for a while so that the answer can be read too."""
        if self._disconnected or self._take == self._discard:
            return
        self._take = self._discard
        arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.lose()
        self.requestHeaders.removeHeader(b"expect")
        self.channel.persistent = False
        self._answer(refused)
        if self._received is not None:
            self.finish()
            return
        self._bytes = 0
        self._lingering = self._intake.clock.callLater(LINGER_SECONDS, self._cut)
        self._socket.resumeProducing()

    def _answer(self, refused: Refusal) -> None:
        body = refuse(self, refused)
        self.setHeader(b"content-length", b"%d" % len(body))
        self.setHeader(b"connection", b"close")
        self.write(body)

    def _discard(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > LINGER_BYTES and self._lingering is not None:
            self._lingering.cancel()
            self._cut()

    def _end_linger(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
            self.finish()

    def _cut(self) -> None:
        self._lingering = None
        self.channel.loseConnection()
