"""The WebSocket side of the door: Autobahn's protocol, the short way past it, and the upgrade on ``/chat``.

This is the only module that imports Autobahn's server. Who may enter is decided before the upgrade, so a refusal is an
HTTP answer; a connection that is open belongs to a `Session`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.interfaces import IReactorTCP
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from twim.access.fastpath import FastPath
from twim.access.handshake import AsOpened, open_ordinary, open_over_http, ordinary_key
from twim.access.listening import watch
from twim.access.lobby import Lobby, Pass
from twim.access.session import Session
from twim.turns import Turns
from twim.wire.message import FRAME_BYTES

UNSUPPORTED_DATA: Final = 1003
CLOSE_SECONDS: Final = 5  # several seconds, since Autobahn's batched timers cut to whole ones


class ChatProtocol(FastPath, AsOpened, WebSocketServerProtocol):  # type: ignore[misc]
    """One connection. Everything it hears goes to the lobby's session."""

    factory: ChatFactory
    transport: Any
    session: Session | None = None
    admitted: Pass | None = None
    send_now: Callable[[bytes], int] | None = None
    full = False
    fd = -1

    def connectionMade(self) -> None:
        """The connection was taken from the web server, whose HTTP channel was its producer until now."""
        self.transport.unregisterProducer()
        # TLS wraps the transport, and would pass on to the socket what it doesn't have.
        plain = None if isinstance(self.transport, ProtocolWrapper) else getattr(self.transport, "socket", None)
        if plain is not None:
            self.send_now = plain.send
        # A pull producer is told each time that the buffer has been written out: while it is empty we may write
        # past it. TLS has no such way in, and would ask a pull producer all the time.
        self.transport.registerProducer(self, self.send_now is None)
        if self.send_now is not None and (self.transport._tempDataBuffer or self.transport.dataBuffer):
            # The answer to an earlier request still waits to be written, which what we send would overtake.
            self.pauseProducing()
        super().connectionMade()

    def onOpen(self) -> None:
        """The upgrade is done."""
        assert self.admitted is not None
        self._watch_peer()
        self.session = self.factory.lobby.enter(self.admitted, self)
        self.admitted = None
        if self.full:
            self.session.pause()

    def _watch_peer(self) -> None:
        # Not through TLS, whose connections have what they inherited, and whose bytes aren't what was said.
        if self.send_now is None:
            return
        plain = self.transport.socket
        with contextlib.suppress(AttributeError, OSError):
            watch(plain)
        self.fd = plain.fileno()
        self.factory.turns.watch(self.fd, plain.recv, self.dataReceived)

    def dataReceived(self, data: bytes) -> None:
        """Take what arrived, then write everything that follows from it at once."""
        # By its name: super() would cost each read as much as three calls.
        FastPath.dataReceived(self, data)
        self.factory.lobby.flush()

    def texts_received(self, payloads: list[bytes]) -> None:
        """See `FastPath`. A connection that is closed has no session, whoever closed it."""
        if self.session is not None:
            self.factory.lobby.received(self.session, payloads)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """What came the long way."""
        if isBinary:
            self.shut(UNSUPPORTED_DATA, "text only")
        else:
            self.texts_received([payload])

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone, or the peer closes it."""
        self._leave()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The socket is gone."""
        self.factory.turns.forget(self.fd)
        super().connectionLost(reason)
        self._leave()

    def _leave(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self.factory.lobby.leave(session)

    # A session's socket

    def send(self, data: bytes) -> None:
        """Write frames at once, past the transport's buffer, which is empty while the session isn't paused: that
        saves two calls of epoll_ctl and a turn of the reactor for each write. The rest waits in the transport."""
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
            data = data[sent:]
            self.pauseProducing()
        self.transport.write(data)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """What Autobahn itself writes: the handshake, pongs, a close. In its place among the session's frames."""
        if self.send_now is not None and not self.full:
            self.send(data)
        else:
            super().sendData(data, sync, chopsize)

    def shut(self, code: int, reason: str) -> None:
        """Close with `code`. Autobahn's sendClose takes only codes of applications."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode())
        self._leave()

    # IPushProducer, IPullProducer: the socket is full, or takes bytes again

    def pauseProducing(self) -> None:
        """Bytes wait in the transport."""
        self.full = True
        if self.session is not None:
            self.session.pause()

    def resumeProducing(self) -> None:
        """The transport has written everything."""
        self.full = False
        if self.send_now is not None and self.transport.disconnecting:
            # A transport that has a pull producer asks it for more instead of closing.
            self.transport.unregisterProducer()
        elif self.session is not None:
            self.session.resume()

    def stopProducing(self) -> None:
        """The socket is gone; `connectionLost` follows."""


class ChatFactory(WebSocketServerFactory):
    """Makes a protocol for each admitted connection."""

    def __init__(self, lobby: Lobby, turns: Turns, reactor: IReactorTCP) -> None:
        super().__init__(reactor=reactor)
        self.lobby = lobby
        self.turns = turns
        self.admitted: Pass | None = None
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            # A pass was checked by the time the handshake is made; other sites' pages hold none (see Lobby).
            allowedOrigins=["*"],
            allowNullOrigin=True,
            maxFramePayloadSize=FRAME_BYTES,
            maxMessagePayloadSize=FRAME_BYTES,
            failByDrop=False,
            utf8validateIncoming=True,
            # The whole request is there when the connection is handed over.
            openHandshakeTimeout=0,
            closeHandshakeTimeout=CLOSE_SECONDS,
            autoPingInterval=0,
        )
        # Autobahn copies the options to every new connection, and formats them for a debug log that nobody reads:
        # a quarter of the cost of a connect. In a class of their own they are there already.
        options = {name: getattr(self, name) for name in ChatProtocol.CONFIG_ATTRS}
        # As a plain function the accepting of compression offers, which every browser makes, would become a method.
        options["perMessageCompressionAccept"] = staticmethod(options["perMessageCompressionAccept"])
        # Few connections ever have a message that comes the long way.
        options["utf8validator"] = cached_property(lambda _: Utf8Validator())
        self.protocol: Any = type("ChatProtocol", (ChatProtocol,), options | {"CONFIG_ATTRS": ()})

    def buildProtocol(self, addr: Any) -> Any:
        """The protocol of the connection that Autobahn is given by `ChatUpgrade`."""
        made: Any = super().buildProtocol(addr)
        made.admitted, self.admitted = self.admitted, None
        return made

    def build_opened(self, admitted: Pass) -> Any:
        """The protocol of a connection that Autobahn isn't asked to open: see `AsOpened`."""
        made = self.protocol.__new__(self.protocol)
        made.factory = self
        made.admitted = admitted
        return made


class ChatUpgrade:
    """Turns an admitted request into an open WebSocket."""

    def __init__(self, factory: ChatFactory) -> None:
        # The resource would not do it (autobahn's WebSocketResource never calls it).
        factory.startFactory()
        self._factory = factory
        self._resource: Any = WebSocketResource(factory)

    def hand_over(self, request: Any, admitted: Pass) -> None:
        """Take the connection from the web server. It answers the handshake, or refuses what is none (400, 426)."""
        key = ordinary_key(request)
        if key is None:
            self._factory.admitted = admitted
            self._resource.render(request)
        else:
            open_over_http(self._factory.build_opened(admitted), key, request)

    def open(self, transport: Any, key: bytes, admitted: Pass) -> ChatProtocol:
        """Take a connection whose handshake with this key is ordinary, and answer it."""
        opened: ChatProtocol = self._factory.build_opened(admitted)
        open_ordinary(opened, key, transport)
        return opened
