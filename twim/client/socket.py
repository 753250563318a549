"""The socket as the client sees it: text frames in and out, and how it ended. Autobahn does the rest."""

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

FRAME_BYTES: Final = 16 * 1024 * 1024  # the end of a catch-up has a row for each conversation
CONNECT_SECONDS: Final = 10
OPEN_SECONDS: Final = 10
CLOSE_SECONDS: Final = 5  # autobahn's batched timers cut to whole seconds, so its default of 1 can be 0


class Receiver(Protocol):
    """Who a socket reports to. `socket_closed` comes once for every attempt, whether it opened or not."""

    def socket_opened(self, socket: Socket) -> None: ...

    def socket_said(self, socket: Socket, payload: bytes) -> None: ...

    def socket_closed(self, socket: Socket, code: int, reason: str) -> None:
        """`code` is the WebSocket's, or the HTTP status when the upgrade was refused; 0 when neither came."""


class Socket(Protocol):
    """One attempt to connect, and what becomes of it."""

    def say(self, payload: bytes) -> None:
        """Send a text frame; nothing happens when the socket isn't open."""

    def close(self) -> None:
        """Say goodbye and end."""

    def abort(self) -> None:
        """End at once: nobody is there any more."""


Dial = Callable[[Receiver, str], Socket]
"""Begin to connect with a token; the socket reports to the receiver."""


class _Protocol(WebSocketClientProtocol):
    """Autobahn's half; it tells its `_Attempt`."""

    def __init__(self, attempt: _Attempt) -> None:
        super().__init__()
        self._attempt = attempt

    def onOpen(self) -> None:
        self._attempt.opened()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if not isBinary:
            self._attempt.said(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self._attempt.ended(_status_of(self) or self.remoteCloseCode or code or 0, reason or "")


def _status_of(protocol: Any) -> int:
    """The HTTP status of a refused upgrade; Autobahn tells it only in a text, as ``… failed [401]: …``."""
    text = protocol.wasNotCleanReason or ""
    if "upgrade failed [" not in text:
        return 0
    number = text.split("upgrade failed [", 1)[1].split("]", 1)[0]
    return int(number) if number.isdigit() else 0


class _Attempt:
    """A `Socket` from the moment it is dialled, so that it can be given up at any time."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._dialling: Deferred[Any] | None = None
        self._protocol: Any = None
        self._open = False
        self._ended = False

    def dial(self, endpoint: IStreamClientEndpoint, factory: WebSocketClientFactory) -> None:
        self._dialling = endpoint.connect(factory)
        self._dialling.addCallbacks(self._dialled, self._unreached)

    def say(self, payload: bytes) -> None:
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

    def said(self, payload: bytes) -> None:
        self._receiver.socket_said(self, payload)

    def ended(self, code: int, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._receiver.socket_closed(self, code, reason)


def dialler(reactor: Any, url: str, userid: int) -> Dial:
    """Connects to `/chat` of the server whose root is `url` (http or https), as `userid`."""
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
