"""The connection from which twisted.web parses requests. twisted.web answers bytes that are no request with a bare
status line, or not at all; here the answer has a fitting status and the JSON envelope."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from twisted.internet.abstract import FileDescriptor

from twim.errors import Malformed
from twim.internals.http import ExtensibleChannel, network_producer
from twim.wire import envelope

LENGTH_DIGITS: Final = 18  # of a Content-Length; Python refuses to read numbers of thousands of digits
DRAIN_SECONDS: Final = 5
DRAIN_BYTES: Final = 1 << 20
"""How long, and how much, a refused client may go on sending. A connection closed with bytes unread is reset, and the
reset overtakes the answer (RFC 9112, section 9.6)."""


class RefusingChannel(ExtensibleChannel):
    """twisted.web's connection, with refusals in the envelope."""

    transport: Any
    _unread: int | None = None

    def dataReceived(self, data: bytes) -> None:
        """Parse bytes of requests. After a refusal they are only counted."""
        if self._unread is None:
            super().dataReceived(data)  # type: ignore[no-untyped-call]
            return
        self._unread += len(data)
        if self._unread > DRAIN_BYTES:
            self.transport.abortConnection()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a request with too long a line: the request line (414) or a header (431)."""
        self._refuse(414 if self._of_request(line) else 431)

    def _of_request(self, line: bytes) -> bool:
        # A line of a header would have its colon before any space.
        return b":" not in line.partition(b" ")[0]

    def accepts_length(self, digits: bytes) -> bool:
        """Whether a ``Content-Length`` has few enough digits to be read as a number; else the answer is 413."""
        if len(digits.lstrip(b"0")) > LENGTH_DIGITS and digits.isdigit():
            self._refuse(413)
            return False
        return True

    def bad_request(self, head_too_large: bool) -> None:
        """Refuse what is no request (400), or one with too many or too long headers (431)."""
        self._refuse(431 if head_too_large else 400)

    def _refuse(self, status: int) -> None:
        if self._unread is not None:
            return
        self._unread = 0
        self.drop_unparsed()
        # A request that is refused while its body arrives may have been answered already.
        if not (self.requests and self.requests[-1].startedWriting):
            self.transport.write(bare_answer(status, HTTPStatus(status).phrase.lower()))
        self.setTimeout(DRAIN_SECONDS)  # type: ignore[no-untyped-call]
        # TLS offers the methods of its transport, too, but has to send its own end first.
        if isinstance(self.transport, FileDescriptor):
            network_producer(self).unregisterProducer()
            self.transport.loseWriteConnection()
        else:
            self.loseConnection()  # type: ignore[no-untyped-call]


def bare_answer(status: int, why: str, *more: tuple[str, str]) -> bytes:
    """The bytes of a refusal, head and body, for what can't be answered as a request. The connection ends after it."""
    body = envelope.refusal(Malformed(why))
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *(f"{name}: {value}" for name, value in more),
    ]
    return "\r\n".join((*head, "", "")).encode() + body
