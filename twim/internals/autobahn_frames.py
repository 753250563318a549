"""Ordinary text frames, parsed without Autobahn (the shortcut ``frames``).

Autobahn's parser is complete and costs some 12 µs a frame; `twim.wire.frames` takes what a chat sends nearly always
for less than one. Autobahn keeps everything else: the handshake, fragments, control frames, violations, closing.

It relies on Autobahn 26.10: `WebSocketProtocol` is between two messages when it holds no bytes (`data`), no frame
(`current_frame`) and no fragments (`inside_message`); and on the timer of its automatic pings.
https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/websocket/protocol.py
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from twisted.internet.protocol import Protocol

from twim.wire.frames import take_text_frames


class TextFrames(Protocol):
    """Mix in before a class of Autobahn's, whose behaviour towards the peer stays the same.

    It needs payload limits of at least `twim.wire.frames.FAST_LIMIT` bytes, and UTF-8 validation on (the default).
    What it takes is not seen by `onMessageBegin`, `onMessageFrame*`, listeners to "message" and `trafficStats`.
    """

    # Autobahn's own. `current_frame` and `inside_message` do not exist before the handshake is done: ask for
    # `state` first.
    STATE_OPEN: ClassVar[int]
    state: int
    data: bytes
    current_frame: object | None
    inside_message: bool
    autoPingTimeoutCall: object | None
    autoPingRestartOnAnyTraffic: bool

    # Of the class that this is mixed into.
    texts_received: Callable[[list[bytes]], None]
    """Takes whole text messages, valid UTF-8. `onMessage` gets those that Autobahn parsed. It may end the connection,
    and drops what follows then."""
    read_done: Callable[[], None]
    """Called when all of a read has been taken here; otherwise `dataReceived` of the other class gets the rest."""

    def dataReceived(self, data: bytes) -> None:
        """Take the text frames that `data` begins with; the rest is for Autobahn."""
        if self.state == self.STATE_OPEN and not (self.data or self.current_frame or self.inside_message):
            payloads, taken = take_text_frames(data)
            if payloads:
                if self.autoPingTimeoutCall and self.autoPingRestartOnAnyTraffic:
                    self._cancelAutoPingTimeoutCall()  # type: ignore[attr-defined]
                self.texts_received(payloads)
                if taken == len(data):
                    self.read_done()
                    return
                data = data[taken:]
        super().dataReceived(data)
