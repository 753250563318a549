"""The upgrade of an admitted request to a WebSocket, and the factory of the connections."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.interfaces import IReactorTCP

from twim.access.websocket.admission import Admission, Admitted
from twim.access.websocket.protocol import CLOSE_SECONDS, ChatProtocol
from twim.hub.backlog import Backlogs
from twim.internals.autobahn_frames import TextFrames
from twim.internals.autobahn_handshake import open_ordinary, open_over_http, ordinary_key
from twim.internals.autobahn_opened import OpenedState
from twim.internals.autobahn_options import with_options
from twim.internals.epoll import ReactorIterations
from twim.internals.shortcuts import ALL
from twim.wire.message import FRAME_BYTES


class ChatFactory(WebSocketServerFactory):
    """Makes a protocol for each admitted connection."""

    def __init__(
        self,
        admission: Admission,
        iterations: ReactorIterations,
        reactor: IReactorTCP,
        backlogs: Backlogs,
        shortcuts: frozenset[str] = ALL,
    ) -> None:
        super().__init__(reactor=reactor)
        self.admission = admission
        self.iterations = iterations
        self.backlogs = backlogs
        self.shortcuts = shortcuts
        self.admitted: Admitted | None = None
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            # The token was checked before the handshake is made; pages of other sites have none (see Authenticator).
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
        self.protocol: Any = _with_shortcuts(self)

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol of the connection that `ChatUpgrade` gives to Autobahn."""
        made: Any = super().buildProtocol(addr)
        made.admitted, self.admitted = self.admitted, None
        return made

    def build_opened(self, admitted: Admitted) -> Any:
        """Make the protocol of a connection that is opened without Autobahn, as `OpenedState` says."""
        made = self.protocol.__new__(self.protocol)
        made.factory = self
        made.admitted = admitted
        return made


def _with_shortcuts(factory: ChatFactory) -> type[Any]:
    """The class of the connections: `ChatProtocol` with what the shortcuts of the factory put in front of it."""
    made: type[Any] = ChatProtocol
    if "handshake" in factory.shortcuts:
        made = type("ChatProtocol", (OpenedState, made), {})
    if "frames" in factory.shortcuts:
        made = type("ChatProtocol", (TextFrames, made), {})
    return with_options(made, factory) if "options" in factory.shortcuts else made


class ChatUpgrade:
    """Turns an admitted request into an open WebSocket."""

    def __init__(self, factory: ChatFactory) -> None:
        # Autobahn's WebSocketResource never calls it.
        factory.startFactory()
        self._factory = factory
        self.shortcuts = factory.shortcuts
        self._resource: Any = WebSocketResource(factory)

    def hand_over(self, request: Any, admitted: Admitted) -> None:
        """Take the connection from the web server. It answers the handshake, or refuses what is none (400, 426)."""
        key = ordinary_key(request) if "handshake" in self.shortcuts else None
        if key is None:
            self._factory.admitted = admitted
            self._resource.render(request)
        else:
            open_over_http(self._factory.build_opened(admitted), key, request)

    def open(self, transport: Any, key: bytes, admitted: Admitted) -> ChatProtocol:
        """Take a connection whose handshake with this key is ordinary, and answer it (the shortcut ``handshake``)."""
        opened: ChatProtocol = self._factory.build_opened(admitted)
        open_ordinary(opened, key, transport)
        return opened
