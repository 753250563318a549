"""Requests whose bodies are bounded while they arrive.

twisted.web gives a request to its resource only when the whole body has come. Here a body over its bound is refused as
soon as that is known. A small body is kept in memory; the bodies of some paths go to a `Receiver` piece by piece.
`BoundedRequests.request` is a Site's `requestFactory`; resources and Klein see an ordinary request.
"""

# Twisted's Request is typed in part, and mypy takes its methods for ours.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from time import perf_counter
from typing import Any, Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import parse_qs

from twim.access.http.head import check_head
from twim.access.http.peers import Peers
from twim.access.http.prefix import Prefixes
from twim.access.http.request_channel import RequestChannel
from twim.access.http.route import answer, refuse
from twim.errors import Malformed, Refusal, TooLarge
from twim.internals.http import ExtensibleRequest, is_disconnected
from twim.logs.masking import PATHS
from twim.measures import RequestMeasures
from twim.wire import envelope

SMALL_BODY: Final = 1 << 16
"""Bytes of a body that is kept in memory."""

SECRET_PATHS: Final = tuple(f"/{name}/".encode() for name in PATHS)

DRAIN_SECONDS: Final = 30
DRAIN_BYTES: Final = 64 * 1024 * 1024
"""How long, and how much, a refused client may go on sending over HTTP/1.1 before its connection is closed. One that
is closed with bytes unread is reset, and the reset overtakes the answer (RFC 9112, section 9.6)."""


class Receiver(Protocol):
    """Takes the body of one request while it arrives."""

    def take(self, data: bytes) -> None:
        """The next piece of the body. `Refusal` ends the request."""

    def end(self) -> None:
        """The body is whole."""

    def lose(self) -> None:
        """No more of the body will come, because the client is gone or was refused."""


class BoundedRequest(ExtensibleRequest):
    """A request that knows its bounds."""

    def __init__(self, channel: Any, requests: BoundedRequests) -> None:
        super().__init__(channel)
        self.path = b""
        self.prefix = ""
        """What stands before `path` for who asks (`Prefixes`)."""
        self.upload: object = None
        """What a receiver made of the body, for the route that answers."""
        self.waits_for_continue = False
        """Whether the client sends its body only once it is told to."""
        self.bytes_received = 0
        self._requests = requests
        self.sign = requests.sign
        # twisted.web's request forgets its channel when it is finished.
        self._kept_channel: RequestChannel = channel
        self._small = BytesIO()
        self._receiver: Receiver | None = None
        self._received: tuple[bytes, bytes, bytes] | None = None
        self._draining: IDelayedCall | None = None
        self._take: Callable[[bytes], None] = self._take_small
        self._began = 0.0
        self._most = SMALL_BODY

    def __repr__(self) -> str:
        """For the log, without the query, in which a token may be; twisted.web's own fails on what isn't ASCII."""
        return f"<{self.method!r} {self.path!r}>"

    # What a receiver calls

    def pause_body(self) -> None:
        """Read no more of the body for now."""
        self._kept_channel.pause_body()

    def resume_body(self) -> None:
        """Read on, and tell a client to begin that waits for it."""
        if is_disconnected(self):
            return
        if self.waits_for_continue and not self.bytes_received:
            self._kept_channel.send_continue()
        self.waits_for_continue = False
        self._kept_channel.resume_body()

    def proceed(self, upload: object) -> bool:
        """The receiver is done with the body: the request goes to its resource, with `upload`. False if its client is
        gone."""
        if is_disconnected(self) or self._received is None:
            return False
        self.upload = upload
        super().requestReceived(*self._received)
        return True

    def refuse(self, refused: Refusal) -> None:
        """Answer now. Over HTTP/1.1 the rest of the body is read for a while, so that the answer can be read too."""
        if is_disconnected(self) or self._take == self._drop:
            return
        self._take = self._drop
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lose()
        self.requestHeaders.removeHeader(b"expect")
        body = refuse(self, refused)
        self.setHeader(b"content-length", b"%d" % len(body))
        if self._received is None:
            self._kept_channel.refuse_rest()
            self.setHeader(b"connection", b"close")
        self.write(body)
        if self._received is not None or not self._kept_channel.drains_refused_bodies:
            self.finish()
            return
        self.bytes_received = 0
        self._draining = self._requests.clock.callLater(DRAIN_SECONDS, self._cut)
        self._kept_channel.resume_body()

    # What the channel calls

    def gotLength(self, length: int | None) -> None:
        """All headers are in; `length` is None for a body that doesn't tell its length."""
        self._began = perf_counter()
        self.content = self._small
        # The channel tells a request what is asked only after the body; the line has been read, though.
        self.method, self.uri, self.clientproto = self._kept_channel.request_line()
        try:
            if self._kept_channel.head_is_too_large:
                raise Malformed("the headers are too large", status=431)
            target = check_head(self.method, self.uri, self.clientproto, self.requestHeaders)
            self.uri = self._requests.prefixes.inside(target)
            self.prefix = self._requests.prefixes.of(self)
            self.path, _, query = self.uri.partition(b"?")
            self.args = parse_qs(query, True)
            self._expect(length)
        except Refusal as refused:
            self.refuse(refused)

    def handleContentChunk(self, data: bytes) -> None:
        self.bytes_received += len(data)
        self._take(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        # Not `path` but what `check_head` made of it.
        self._received = command, self.uri, version
        if self._take == self._drop:
            self._end_drain()
        elif self._receiver is None:
            super().requestReceived(*self._received)
        else:
            self._receiver.end()

    def write(self, data: bytes) -> None:
        """The next piece of the answer."""
        if not self.startedWriting and self.path.startswith(SECRET_PATHS):
            # A page must not tell the next one that it leads to by which secret it was opened.
            self.setHeader(b"referrer-policy", b"no-referrer")
        if not self.startedWriting:
            self._requests.mark(self)
        super().write(data)

    def finish(self) -> None:
        """The answer is whole."""
        super().finish()
        if self._began:
            self._requests.measures.observe(self.code, perf_counter() - self._began)

    def connectionLost(self, reason: Failure) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
        if self._receiver is not None:
            self._receiver.lose()
        super().connectionLost(reason)

    def getRequestHostname(self) -> bytes:
        """For Klein, whose map fails on many a name that is right, and is the same for every host."""
        return b"localhost"

    def answer_star(self) -> None:
        """``OPTIONS *``, which asks about no path."""
        body = answer(self, envelope.ok())
        self.setHeader(b"allow", b"GET, HEAD, POST")
        self.setHeader(b"content-length", b"%d" % len(body))
        self.write(body)
        self.finish()

    def _expect(self, length: int | None) -> None:
        receive = self._requests.receivers.get(self.path) if self.method == b"POST" else None
        if receive is not None:
            self.waits_for_continue = (self.getHeader(b"expect") or b"").lower() == b"100-continue"
            self.requestHeaders.removeHeader(b"expect")  # else the channel says 100 before we know who asks
            self._take = self._give_receiver
            self._receiver = receive(self, length)
            return
        self._most = self._requests.limit(self)
        if length is not None and length > self._most:
            raise _too_large(self._most)

    def _take_small(self, data: bytes) -> None:
        if self.bytes_received > self._most:
            self.refuse(_too_large(self._most))
        else:
            self._small.write(data)

    def _give_receiver(self, data: bytes) -> None:
        if self._receiver is None:
            return
        try:
            self._receiver.take(data)
        except Refusal as refused:
            self.refuse(refused)

    def _drop(self, data: bytes) -> None:
        if self.bytes_received > DRAIN_BYTES and self._draining is not None:
            self._draining.cancel()
            self._cut()

    def _end_drain(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
            self.finish()

    def _cut(self) -> None:
        self._draining = None
        self.channel.loseConnection()


Receive = Callable[[BoundedRequest, int | None], Receiver]
"""Begins to receive the body of a request, whose length is given if it tells one. `Refusal` for what isn't taken."""


class BoundedRequests:
    """What the requests of a site share: the clock, the paths whose bodies aren't kept in memory, what signs the URLs
    of files in an answer, how many bytes a body may have that is kept in memory, what adds headers to an answer before
    its first byte, and under which path the server is."""

    def __init__(
        self,
        receivers: Mapping[bytes, Receive],
        clock: IReactorTime,
        sign: Callable[[bytes], bytes] = bytes,
        limit: Callable[[BoundedRequest], int] = lambda _: SMALL_BODY,
        mark: Callable[[BoundedRequest], None] = lambda request: None,
        prefixes: Prefixes | None = None,
    ) -> None:
        self.prefixes = prefixes or Prefixes("", Peers())
        self.sign = sign
        self.limit = limit
        self.mark = mark
        self.receivers = receivers
        self.clock = clock
        self.measures = RequestMeasures()

    def request(self, channel: RequestChannel, queued: object = False) -> BoundedRequest:
        """For `Site.requestFactory`."""
        return BoundedRequest(channel, self)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"a body has at most {most} bytes")
