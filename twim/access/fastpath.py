"""The short way in for ordinary text frames, past Autobahn.

Autobahn's parser is complete and costs some 12 µs a frame; `twim.wire.frames` takes what a chat sends nearly
always for less than one. Autobahn keeps everything else: handshake, fragments, control frames, violations,
closing.
"""

from __future__ import annotations

from typing import ClassVar

from twisted.internet.protocol import Protocol

from twim.wire.frames import take_text_frames


class FastPath(Protocol):
    """Mix in before Autobahn's `WebSocketServerProtocol`, whose behaviour towards the peer stays the same.

    It needs payload limits of at least `twim.wire.frames.FAST_LIMIT` bytes, and UTF-8 validation on (the
    default). What it takes isn't seen by `onMessageBegin`, `onMessageFrame*`, listeners to "message" and
    `trafficStats`.
    """

    # Autobahn's own. `current_frame` and `inside_message` don't exist before the handshake is done: ask for
    # `state` first.
    STATE_OPEN: ClassVar[int]
    state: int
    data: bytes
    current_frame: object | None
    inside_message: bool
    wasClean: bool
    autoPingTimeoutCall: object | None
    autoPingRestartOnAnyTraffic: bool

    def texts_received(self, payloads: list[bytes]) -> None:
        """Whole text messages, valid UTF-8. `onMessage` gets those that came the long way.

        One of them may end the connection: whoever implements this drops what follows then.
        """
        raise NotImplementedError

    def dataReceived(self, data: bytes) -> None:
        if self.state == self.STATE_OPEN and not (self.data or self.current_frame or self.inside_message):
            payloads, taken = take_text_frames(data)
            if payloads:
                if self.autoPingTimeoutCall and self.autoPingRestartOnAnyTraffic:
                    self._cancelAutoPingTimeoutCall()  # type: ignore[attr-defined]
                self.texts_received(payloads)
                if taken == len(data):
                    return
                data = data[taken:]
        super().dataReceived(data)

    def _closeConnection(self, abort: bool = False) -> None:
        # When the peer's close ends a handshake that we began, Autobahn aborts, and what it wrote in the
        # same turn of the reactor is lost: the 1002 that answers a wrong close code, and messages before it.
        super()._closeConnection(abort and not self.wasClean)  # type: ignore[misc]
