"""One device of a user: its bounded outbox, and how it takes part in the order of conversations.

Frames are put into `pending`; at the end of a batch `flush` writes them with one call. While the socket is full the
bytes wait here, and a reader for whom more than `OUTBOX` waits is closed with 1013: it catches up when it is back.

A session can be *held*: what is delivered to it then waits until its catch-up is answered, so that the messages it
missed come before those that arrive meanwhile. Every session begins held for a moment (`OPENING_SECONDS`), because a
client's catch-up is its first frame; the first frame of any other kind ends it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from twisted.internet.interfaces import IDelayedCall

from twim.errors import Refusal
from twim.wire import envelope
from twim.wire.frames import text_frame

if TYPE_CHECKING:
    from twim.access.roster import Present

OUTBOX: Final = 1024 * 1024  # bytes that may wait for a slow reader
OPENING_SECONDS: Final = 0.25  # how long a new session waits for its catch-up before it is delivered to
WRONGS: Final = 20  # refused frames in WRONG_SECONDS, after which the connection is closed
WRONG_SECONDS: Final = 60.0
_ANY_PLACE: Final = ("", 1)  # of what no catch-up gives
TRY_AGAIN_LATER: Final = 1013
POLICY: Final = 1008


class Socket(Protocol):
    """What a session writes to."""

    def send(self, data: bytes) -> None:
        """Write frames."""

    def shut(self, code: int, reason: str) -> None:
        """Close with a status code of RFC 6455, section 7.4."""


class Session:
    """One connected device. Reactor thread only."""

    __slots__ = (
        "catching_up",
        "deviceid",
        "dirty",
        "floors",
        "held",
        "held_bytes",
        "opening",
        "paused",
        "pending",
        "socket",
        "user",
        "waiting",
        "waiting_bytes",
        "wrongs",
    )

    def __init__(self, user: Present, deviceid: int, socket: Socket, dirty: list[Session]) -> None:
        self.user = user
        self.deviceid = deviceid
        self.socket: Socket | None = socket
        self.dirty = dirty
        self.pending: list[bytes] = []
        self.paused = False
        self.waiting: deque[bytes] | None = None
        self.waiting_bytes = 0
        self.held: list[tuple[str, int, bytes]] | None = []
        self.held_bytes = 0
        self.floors: dict[str, int] | None = None
        """What a catch-up gave before this node delivers it, by conversation: see `release`."""
        self.catching_up = False
        self.opening: IDelayedCall | None = None
        self.wrongs: deque[float] | None = None

    def put(self, frame: bytes) -> None:
        """Queue a whole frame (or several) for the next flush, whatever is held."""
        if not self.pending:
            self.dirty.append(self)
        self.pending.append(frame)

    def say(self, payload: bytes) -> None:
        """Queue a payload that belongs to no conversation's order."""
        self.put(text_frame(payload))

    def deliver(self, scope: int, dstid: int, seq: int, frame: bytes) -> None:
        """Queue message `seq` of the conversation that this user calls `scope:dstid`."""
        if self.held is not None:
            self._hold(f"{scope}:{dstid}", seq, frame)
            return
        if self.floors is not None and self._was_given(f"{scope}:{dstid}", seq):
            return
        if not self.pending:
            self.dirty.append(self)
        self.pending.append(frame)

    def answer(self, frame: bytes) -> None:
        """Queue the answer to a message of this device, in its place among what is delivered: whoever knows a seq has
        got what came before it."""
        if self.held is not None:
            self._hold(*_ANY_PLACE, frame)
        else:
            self.put(frame)

    def _hold(self, name: str, seq: int, frame: bytes) -> None:
        assert self.held is not None
        self.held.append((name, seq, frame))
        self.held_bytes += len(frame)
        if self.held_bytes > OUTBOX:
            # Closed at the flush: whoever delivers is walking through the sessions, and this one would leave them.
            self.put(b"")

    def hold(self) -> None:
        """From now on messages wait for `release`."""
        self._end_opening()
        if self.held is None:
            self.held = []

    def release(self, heads: dict[str, int], floors: dict[str, int] | None = None) -> None:
        """Deliver what was held, but for messages up to `heads`: the catch-up gave those. Of `floors` some are still
        on their way here from another node, and will be dropped when they come."""
        held, self.held, self.held_bytes = self.held or [], None, 0
        self.floors = floors or None
        self._end_opening()
        for name, seq, frame in held:
            if seq > heads.get(name, 0):
                self.put(frame)

    def _was_given(self, name: str, seq: int) -> bool:
        assert self.floors is not None
        floor = self.floors.get(name, 0)
        if seq >= floor and self.floors.pop(name, 0) and not self.floors:
            self.floors = None
        return seq <= floor

    def _end_opening(self) -> None:
        if self.opening is not None:
            if self.opening.active():
                self.opening.cancel()
            self.opening = None

    def flush(self) -> None:
        """Write what is pending, or let it wait while the socket is full."""
        data = b"".join(self.pending) if len(self.pending) > 1 else self.pending[0]
        self.pending.clear()
        if self.held_bytes > OUTBOX:
            self.shut(TRY_AGAIN_LATER, "too slow")
        if self.socket is None:
            return
        if not self.paused:
            self.socket.send(data)
            return
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append(data)
        self.waiting_bytes += len(data)
        if self.waiting_bytes > OUTBOX:
            self.shut(TRY_AGAIN_LATER, "too slow")

    def pause(self) -> None:
        """The socket is full."""
        self.paused = True

    def resume(self) -> None:
        """The socket takes bytes again."""
        self.paused = False
        if self.waiting and self.socket is not None:
            data = b"".join(self.waiting)
            self.waiting, self.waiting_bytes = None, 0
            self.socket.send(data)

    def refuse(self, refused: Refusal, its_id: int, cid: str, now: float) -> None:
        """Answer a wrong frame; after too many of them, close."""
        self.say(envelope.refused_frame(its_id, cid, refused))
        if refused.status in (429, 500, 503):
            return
        if self.wrongs is None:
            self.wrongs = deque(maxlen=WRONGS)
        if len(self.wrongs) == WRONGS and now - self.wrongs[0] < WRONG_SECONDS:
            self.flush()
            self.shut(POLICY, "too many wrong frames")
        self.wrongs.append(now)

    def shut(self, code: int, reason: str) -> None:
        """Close the connection. What waits is dropped: the client catches up."""
        socket, self.socket = self.socket, None
        self.closed()
        if socket is not None:
            socket.shut(code, reason)

    def closed(self) -> None:
        """The connection is gone: forget everything that waits for it."""
        self.socket = None
        self._end_opening()
        self.waiting, self.waiting_bytes = None, 0
        self.held, self.held_bytes = None, 0
