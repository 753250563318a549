"""The WebSocket as the client sees it: text frames in both directions, and how it ended. Autobahn does the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

from twim.internals.autobahn_client import refused_status

FRAME_BYTES: Final = 16 * 1024 * 1024  # the largest frame is the end of a catch-up, with a row for each conversation
CONNECT_SECONDS: Final = 10
OPEN_SECONDS: Final = 10
CLOSE_SECONDS: Final = 5  # Autobahn's timers are cut to whole seconds, so its default of 1 can become 0


class Receiver(Protocol):
    """What a socket calls. `socket_closed` comes once for every attempt, whether it opened or not."""

    def socket_opened(self, socket: Socket) -> None: ...

    def socket_received(self, socket: Socket, payload: bytes) -> None: ...

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """`code` is the WebSocket's close code, or the HTTP status if the upgrade was refused, or 0 if neither came."""


class Socket(Protocol):
    """One attempt to connect, and the connection if it succeeds."""

    def send(self, payload: bytes) -> None:
        """Send a text frame. Nothing happens if the socket isn't open."""

    def close(self) -> None:
        """Close with a closing handshake."""

    def abort(self) -> None:
        """Drop the connection at once, for a server that doesn't answer any more."""


Dial = Callable[[Receiver, str], Socket]
"""Begins to connect, with a token. The socket reports to the receiver."""


class _Protocol(WebSocketClientProtocol):
    """The protocol of Autobahn, which reports to its `_Attempt`."""

    def __init__(self, attempt: _Attempt) -> None:
        super().__init__()
        self._attempt = attempt

    def onOpen(self) -> None:
        self._attempt.opened()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not isBinary:
            self._attempt.received(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._attempt.ended(refused_status(self) or self.remoteCloseCode or code or 0, reason or "")


class _Attempt:
    """A `Socket` from the first moment of connecting, so that it can be given up at any time."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._dialling: Deferred[Any] | None = None
        self._protocol: Any = None
        self._open = False
        self._ended = False

    def dial(self, endpoint: IStreamClientEndpoint, factory: WebSocketClientFactory) -> None:
        self._dialling = endpoint.connect(factory)
        self._dialling.addCallbacks(self._dialled, self._unreached)

    def send(self, payload: bytes) -> None:
        if self._open and not self._ended:
            self._protocol.sendMessage(payload)

    def close(self) -> None:
        if self._open:
            self._protocol.sendClose(1000)
        else:
            self.abort()

    def abort(self) -> None:
        if self._dialling is not None:
            self._dialling.cancel()
        if self._protocol is not None:
            self._protocol.transport.abortConnection()

    def _dialled(self, protocol: Any) -> None:
        self._protocol, self._dialling = protocol, None

    def _unreached(self, failure: Failure) -> None:
        self._dialling = None
        self.ended(0, failure.getErrorMessage())

    def opened(self) -> None:
        self._open = True
        self._receiver.socket_opened(self)

    def received(self, payload: bytes) -> None:
        self._receiver.socket_received(self, payload)

    def ended(self, code: int, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._receiver.socket_closed(self, code, reason)


def dialler(reactor: Any, url: str, userid: int) -> Dial:
    """A `Dial` that connects to `/chat` of the server whose root is `url` (http or https), as user `userid`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    endpoint: IStreamClientEndpoint = HostnameEndpoint(reactor, host, port, timeout=CONNECT_SECONDS)
    if secure:
        endpoint = wrapClientTLS(optionsForClientTLS(host), endpoint)
    address = f"{'wss' if secure else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}/chat?id={userid}&token="

    def dial(receiver: Receiver, token: str) -> Socket:
        attempt = _Attempt(receiver)
        attempt.dial(endpoint, _factory(reactor, address + quote(token, safe=""), attempt))
        return attempt

    return dial


def _factory(reactor: Any, address: str, attempt: _Attempt) -> WebSocketClientFactory:
    factory = WebSocketClientFactory(address, reactor=reactor)
    factory.protocol = lambda: _Protocol(attempt)  # type: ignore[assignment]  # it is only called
    factory.noisy = False
    factory.setProtocolOptions(
        maxFramePayloadSize=FRAME_BYTES,
        maxMessagePayloadSize=FRAME_BYTES,
        openHandshakeTimeout=OPEN_SECONDS,
        closeHandshakeTimeout=CLOSE_SECONDS,
    )
    return factory
