"""The state of an open connection of Autobahn's, without its constructor (the shortcut ``handshake``).

It relies on Autobahn 26.10: what `WebSocketProtocol._connectionMade` and `WebSocketServerProtocol.processHandshake` set
on a connection that opens is what `OpenedState` has. The self-check opens a connection in Autobahn's own way and
compares. https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/websocket/protocol.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure


class Traffic:
    """Where Autobahn counts what it reads and writes. Nobody reads it."""

    incomingOctetsWireLevel = 0
    outgoingOctetsWireLevel = 0
    incomingOctetsWebSocketLevel = 0
    outgoingOctetsWebSocketLevel = 0
    incomingOctetsAppLevel = 0
    outgoingOctetsAppLevel = 0
    incomingWebSocketFrames = 0
    outgoingWebSocketFrames = 0
    incomingWebSocketMessages = 0
    outgoingWebSocketMessages = 0
    preopenIncomingOctetsWireLevel = 0
    preopenOutgoingOctetsWireLevel = 0


class OpenedState(Protocol):
    """What Autobahn sets on every connection, once for all of them.

    Mix it in before a class of Autobahn's: a connection that `open_ordinary` opens then has only what is its own. Fifty
    attributes are a dict of 1.5 KiB, and making them is more work than all the rest of a handshake. Autobahn's
    constructor is not called for such a connection; one that Autobahn opens sets all of these anew.
    """

    # Of the class that this is mixed into.
    take_transport: Callable[[], None]
    """Called when the connection begins."""
    lose_transport: Callable[[], None]
    """Called when the connection is gone, before `onClose`."""
    onClose: Callable[[bool, int | None, str | None], None]

    STATE_CLOSED: ClassVar[int]
    STATE_CONNECTING: ClassVar[int]
    STATE_OPEN: ClassVar[int]
    state = 0  # a value that Autobahn doesn't use
    sendData: Callable[..., None]
    # Nobody has registered a listener.
    _valid_events: Sequence[str] = ("message",)
    _results: object | None = None
    # For the log, which isn't written.
    peer: str | None = None

    # Autobahn only asks for its length, unless writes are chopped.
    send_queue: Sequence[object] = ()
    trafficStats = Traffic()
    # Nobody asks for these when the handshake is done.
    is_open: object | None = None
    _transport_details: object | None = None

    autoPingPending: object | None = None
    autoPingPendingCall: object | None = None
    autoPingPendingSent: int | None = None
    autoPingPendingSeq = 0
    autoPingTimeoutCall: object | None = None
    closeHandshakeTimeoutCall: object | None = None
    closedByMe = False
    current_frame: object | None = None
    data = b""
    droppedByMe = False
    failedByMe = False
    inside_message = False
    localCloseCode: int | None = None
    localCloseReason: object | None = None
    openHandshakeTimeoutCall: object | None = None
    _perMessageCompress: object | None = None
    remoteCloseCode: int | None = None
    remoteCloseReason: str | None = None
    send_state = 0
    trackedTimings: object | None = None
    triggered = False
    wasClean = False
    wasCloseHandshakeTimeout = False
    wasMaxFramePayloadSizeExceeded = False
    wasMaxMessagePayloadSizeExceeded = False
    wasNotCleanReason: str | None = None
    wasOpenHandshakeTimeout = False
    wasServerConnectionDropTimeout = False
    wasServingFlashSocketPolicyFile = False
    websocket_extensions: Sequence[object] = ()
    websocket_extensions_in_use: Sequence[object] = ()
    websocket_protocol_in_use: str | None = None
    websocket_protocols: Sequence[str] = ()
    websocket_version = 13

    is_closed: Any = cached_property(lambda _: Deferred())  # made when it is fired

    def connectionMade(self) -> None:
        """A connection that is open already has nothing left to set."""
        if self.state == self.STATE_OPEN:
            self.take_transport()
        else:
            super().connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End a connection that was opened without Autobahn; Autobahn ends those that it opened."""
        if self._transport_details is not None:
            super().connectionLost(reason)
            return
        self.lose_transport()
        self.state = self.STATE_CLOSED
        self.onClose(self.wasClean, self.remoteCloseCode, self.remoteCloseReason)
