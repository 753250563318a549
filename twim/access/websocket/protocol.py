"""One WebSocket connection: Autobahn's protocol, whose messages go to a session and which writes what the session says.

Who may connect is decided before the upgrade, so a refusal is an HTTP answer; a connection that is open belongs to a
`Session`. What is read and written past Autobahn and the transport, where the shortcuts allow it, is in
`twim.internals`; each of these ways leads here, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final
from typing import Protocol as Role

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from twim.access.http.bad_request import bare_answer
from twim.access.websocket.admission import Admission, Admitted
from twim.hub.backlog import Backlogs, Live
from twim.hub.outbox import TRY_AGAIN_LATER
from twim.hub.session import Session
from twim.internals.autobahn_closing import ClosingProtocol
from twim.internals.epoll import ReactorIterations
from twim.internals.sockets import watch
from twim.internals.transport import bytes_waiting, is_unwritten, plain_socket
from twim.wire.frames import end_of_frames

CHUNK: Final = 64 * 1024  # given to a transport before it has written what it has; the rest waits in the session
QUIET: Final = 64 * 1024  # for whom so much waits isn't read: an answer to what one says would only wait, too
UNSUPPORTED_DATA: Final = 1003
CLOSE_SECONDS: Final = 5  # several seconds, since Autobahn's batched timers cut to whole ones


class ProtocolFactory(Role):
    """What the connections of a server share."""

    admission: Admission
    iterations: ReactorIterations
    backlogs: Backlogs
    shortcuts: frozenset[str]
    reactor: Any


class ChatProtocol(ClosingProtocol):
    """One connection. Everything it hears goes to its session, by the `Admission`."""

    factory: ProtocolFactory
    transport: Any
    session: Session | None = None
    admitted: Admitted | None = None
    send_now: Callable[[bytes], int] | None = None
    """Writes to the socket, past the transport; only with the shortcut ``writes``, and never through TLS."""
    full = False
    unread = False
    live: Live | None = None
    lingering: IDelayedCall | None = None
    fd = -1
    address = ""

    def connectionMade(self) -> None:
        """The connection was taken from the web server."""
        self.take_transport()
        super().connectionMade()

    def take_transport(self) -> None:
        """Become the producer of the transport, which was the web server's HTTP channel until now."""
        self.transport.unregisterProducer()
        plain = plain_socket(self.transport)
        if plain is not None and "writes" in self.factory.shortcuts:
            self.send_now = plain.send
        # A pull producer is told each time that the buffer has been written out: while it is empty we may write
        # past it. TLS has no such buffer, and would ask a pull producer all the time.
        self.transport.registerProducer(self, self.send_now is None)
        if self.send_now is not None and is_unwritten(self.transport):
            # The answer to an earlier request still waits to be written, which what we send would overtake.
            self.pauseProducing()

    def onOpen(self) -> None:
        """The upgrade is done."""
        assert self.admitted is not None
        self._watch_peer()
        self.address = self.admitted.address
        self.factory.admission.limits.opened(self.address)
        self.session = self.factory.admission.enter(self.admitted, self)
        self.admitted = None
        if self.full:
            self.session.pause()

    def _watch_peer(self) -> None:
        # Not through TLS, whose connections have the options they inherited, and whose bytes are not what was said.
        plain = plain_socket(self.transport)
        if plain is None:
            return
        with contextlib.suppress(AttributeError, OSError):
            watch(plain)
        self.fd = plain.fileno()
        self.factory.iterations.watch(self.fd, plain.recv, self.dataReceived)

    def dataReceived(self, data: bytes) -> None:
        """Take what arrived, then write everything that follows from it at once."""
        super().dataReceived(data)
        self.factory.admission.flush()

    def read_done(self) -> None:
        """The same when a read had only text frames that were parsed without Autobahn (see `TextFrames`)."""
        self.factory.admission.flush()

    def texts_received(self, payloads: list[bytes]) -> None:
        """Whole text messages, valid UTF-8. A connection that is closed has no session, whoever closed it."""
        if self.session is not None:
            self.factory.admission.received(self.session, payloads)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A message that Autobahn has parsed."""
        if isBinary:
            self.shut(UNSUPPORTED_DATA, "text only")
        else:
            self.texts_received([payload])

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone, or the peer closes it."""
        self._leave()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The connection is gone."""
        self.lose_transport()
        super().connectionLost(reason)
        self._leave()

    def lose_transport(self) -> None:
        """Forget what was registered for the connection."""
        self.factory.iterations.forget(self.fd)
        if self.live is not None:
            self.live.forget(self)
        if self.lingering is not None:
            self.lingering.cancel()
            self.lingering = None

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self.factory.admission.limits.closed(self.address)
            if self.full and self.live is None:
                self.live = self.factory.backlogs.live(session.user.id)
            self.factory.admission.leave(session)

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """What Autobahn refuses in the handshake, in the envelope."""
        self.sendData(bare_answer(code, reason, *(responseHeaders or ())))

    # A session's socket

    def send(self, data: bytes) -> None:
        """Write frames at once, past the transport's buffer, which is empty while the session is not paused: that
        saves two calls of epoll_ctl and an iteration of the reactor for each write. The rest waits in the transport."""
        if self.send_now is not None:
            if self.transport.disconnecting:
                return
            try:
                sent = self.send_now(data)
            except OSError:
                # Full (BlockingIOError), or broken: then the transport meets the same error, and ends.
                sent = 0
            if sent == len(data):
                return
            self.pauseProducing()
            self._write(data, sent)
            self._count()
        else:
            self._write_chunks(data)

    def _write(self, data: bytes, sent: int) -> None:
        """Give the transport what isn't sent of these frames, or the first of it: what is in the transport has to be
        sent even when the connection is closed."""
        if len(data) - sent > CHUNK and self.session is not None:
            end = end_of_frames(data, sent + CHUNK)
            if end < len(data):
                self.session.keep(data[end:])
            data = data[:end]
        self.transport.write(data[sent:])

    def _write_chunks(self, data: bytes) -> None:
        """Give them to a transport that tells only afterwards that it is full."""
        while len(data) > CHUNK and self.session is not None and not self.full:
            end = end_of_frames(data, CHUNK)
            self.transport.write(data[:end])
            data = data[end:]
        if not self.full:
            self.transport.write(data)
        elif self.session is not None and data:
            self.session.keep(data)
        if self.full:
            self._count()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write what Autobahn itself sends (the handshake, pongs, a close), in order with the session's frames."""
        if self.send_now is not None and not self.full:
            self.send(data)
        else:
            super().sendData(data, sync, chopsize)
            if self.full:
                self._count()

    def shut(self, code: int, reason: str) -> None:
        """Close with `code`. Autobahn's sendClose takes only codes of applications."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())
        self._leave()
        if self.full:
            self.waits(0)

    # IPushProducer, IPullProducer: the socket is full, or takes bytes again

    def pauseProducing(self) -> None:
        """Bytes wait in the transport."""
        self.full = True
        if self.session is not None:
            self.session.pause()

    def resumeProducing(self) -> None:
        """The transport has written everything."""
        self.full = False
        if self.live is not None:
            self.live.forget(self)
        if self.transport.disconnecting and plain_socket(self.transport) is not None:
            # A transport that has a pull producer, or a paused one, asks it for more instead of closing.
            self.transport.unregisterProducer()
        elif self.session is not None:
            self.session.resume()
        if self.unread and not self.full:
            self.unread = False
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The socket is gone; `connectionLost` follows."""

    # What waits

    def waits(self, above: int) -> int:
        """See `Socket`."""
        session = self.session
        below = bytes_waiting(self.transport)
        if session is not None and self.live is None:
            self.live = self.factory.backlogs.live(session.user.id)
        if below > QUIET or above > QUIET:
            self._read_no_more()
        if self.live is not None:
            self.live.count(self, above + below)
        return above + below

    def _count(self) -> None:
        """Something waits since just now. Who wasn't slow until then isn't closed for how much came at once, unless it
        is too much for the user."""
        session = self.session
        self.waits(session.unwritten if session is not None else 0)

    def _read_no_more(self) -> None:
        if self.full and not self.unread:
            self.unread = True
            self.transport.pauseProducing()

    def give_up(self) -> None:
        """See `Slow`. What has been closed already, and still waits to be read, is dropped."""
        if self.session is not None:
            self.session.shut(TRY_AGAIN_LATER, "too slow")
        else:
            self.transport.abortConnection()

    def close_begun(self) -> None:
        """See `ClosingProtocol`. A peer that doesn't read what was said until then would keep it in memory."""
        if self.lingering is None and self.waits(0):
            self.lingering = self.factory.reactor.callLater(CLOSE_SECONDS, self._end_lingering)

    def _end_lingering(self) -> None:
        self.lingering = None
        self.transport.abortConnection()
