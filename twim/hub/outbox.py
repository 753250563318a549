"""What waits to be written to the devices that are connected here. Nothing outside this module writes into an outbox.

Frames are put into an `Outbox`; at the end of a batch `Outboxes.flush` writes those of each device with one call. While
the socket is full the bytes wait here, and a reader for whom more than `OUTBOX` waits is closed with 1013: it catches
up when it is back. The socket counts them among what waits for the user, which has a bound of its own
(`twim/hub/backlog.py`).

An outbox can be *held*: what is delivered to it then waits until the catch-up of its device is answered, so that the
messages it missed come before those that arrive meanwhile. Every outbox begins held for a moment (`OPENING_SECONDS`),
because a client's catch-up is its first frame; the first frame of any other kind ends it.

While one long message is being sent in several frames (`in_parts`), nothing else may be written between them: it waits
with what is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.hub.backlog import CONNECTION_BYTES
from twim.wire.commands import SINGLE
from twim.wire.frames import fragment, text_frame

OUTBOX: Final = CONNECTION_BYTES  # bytes that may wait for a slow reader
HELD_STEP: Final = 128 * 1024  # what is held is counted each time that it has grown by this many bytes
OPENING_SECONDS: Final = 0.25  # how long a new device is given to ask for its catch-up before messages are delivered
STALL_SECONDS: Final = 0.02  # how long one flush may keep the reactor
LOOK_EVERY: Final = 64  # writes between looks at the clock
TRY_AGAIN_LATER: Final = 1013
_UNORDERED: Final = ("", 1)  # the name and seq of a frame that belongs to no conversation, and that no catch-up gives


class Socket(Protocol):
    """What an outbox writes to."""

    def send(self, data: bytes) -> None:
        """Write frames."""

    def shut(self, code: int, reason: str) -> None:
        """Close with a status code of RFC 6455, section 7.4."""

    def waits(self, above: int) -> int:
        """Count `above` bytes, which wait in the outbox. Gives how many wait in all, and may close this connection or
        another one of the user's."""


class Outbox:
    """What waits to be written to one device. Reactor thread only."""

    __slots__ = (
        "_already_given",
        "_held",
        "_held_bytes",
        "_outboxes",
        "_pending",
        "_waiting",
        "_waiting_bytes",
        "in_parts",
        "opening",
        "paused",
        "socket",
    )

    def __init__(self, socket: Socket, outboxes: Outboxes) -> None:
        self.socket: Socket | None = socket
        """None when the connection is closed."""
        self._outboxes = outboxes
        self._pending: list[bytes] = []
        """For the next flush."""
        self.paused = False
        """Whether the socket is full."""
        self._waiting: deque[bytes] | None = None
        """What was flushed while the socket was full."""
        self._waiting_bytes = 0
        self._held: list[tuple[str, int, bytes]] | None = []
        """`(conversation, seq, frame)` that wait for the end of the catch-up; None when nothing is held back."""
        self._held_bytes = 0
        self.in_parts = False
        """Whether some frames of a message, and not yet all, were put."""
        self._already_given: dict[str, int] | None = None
        """What a catch-up gave before this node delivers it, by conversation: see `release`."""
        self.opening: IDelayedCall | None = None
        """Ends the holding that every outbox begins with."""

    @property
    def is_held(self) -> bool:
        """Whether messages wait for `release`."""
        return self._held is not None

    @property
    def unwritten(self) -> int:
        """How many bytes wait for the socket or for the end of the catch-up."""
        return self._waiting_bytes + self._held_bytes

    # To be written

    def put(self, frame: bytes) -> None:
        """Queue a whole frame (or several) for the next flush, whatever is held."""
        if self.in_parts:
            self._hold(*_UNORDERED, frame)
        else:
            self._put(frame)

    def _put(self, frame: bytes) -> None:
        if not self._pending:
            self._outboxes.to_write.append(self)
        self._pending.append(frame)

    def say(self, payload: bytes) -> None:
        """Queue a payload that belongs to no conversation's order."""
        self.put(text_frame(payload))

    def say_part(self, payload: bytes, is_last: bool) -> None:
        """Queue the next part of a payload that is sent in several frames (RFC 6455, section 5.4)."""
        frame = fragment(payload, not self.in_parts, is_last)
        self.in_parts = not is_last
        self._put(frame)

    def deliver(self, scope: int, dstid: int, seq: int, frame: bytes) -> None:
        """Queue message `seq` of the conversation that this user calls `scope:dstid`."""
        if self._held is not None:
            self._hold(f"{scope}:{dstid}", seq, frame)
        elif self._already_given is None or not self._was_given(f"{scope}:{dstid}", seq):
            self._put(frame)

    def answer(self, frame: bytes) -> None:
        """Queue the answer to a message of this device, in order with what is delivered: who knows a seq has got what
        came before it."""
        if self._held is not None:
            self._hold(*_UNORDERED, frame)
        else:
            self.put(frame)

    # Held during a catch-up

    def hold(self) -> None:
        """From now on messages wait for `release`."""
        self._end_opening()
        if self._held is None:
            self._held = []

    def release(self, heads: dict[str, int], undelivered: dict[str, int] | None = None) -> None:
        """Deliver what was held, except for messages up to `heads`: the catch-up gave those. Some of those up to
        `undelivered` are still on their way here from another node, and will be dropped when they come. Both are seqs
        by the name of the conversation."""
        held, counted = self._held or [], self._held_bytes >= HELD_STEP
        self._held, self._held_bytes = None, 0
        self.in_parts = False
        self._already_given = undelivered or None
        self._end_opening()
        for name, seq, frame in held:
            if seq > heads.get(name, 0):
                self.put(frame)
        if counted:
            self.count()

    def _hold(self, name: str, seq: int, frame: bytes) -> None:
        assert self._held is not None
        self._held.append((name, seq, frame))
        before = self._held_bytes
        self._held_bytes += len(frame)
        if self._held_bytes > OUTBOX or self._held_bytes // HELD_STEP > before // HELD_STEP:
            # Counted, and perhaps closed, at the next flush: the caller is iterating over the devices, and closing one
            # now would change that list.
            self._put(b"")

    def _was_given(self, name: str, seq: int) -> bool:
        assert self._already_given is not None
        given = self._already_given.get(name, 0)
        if seq >= given and self._already_given.pop(name, 0) and not self._already_given:
            self._already_given = None
        return seq <= given

    def _end_opening(self) -> None:
        if self.opening is not None:
            if self.opening.active():
                self.opening.cancel()
            self.opening = None

    # The socket

    def flush(self) -> None:
        """Write what is pending, or let it wait while the socket is full."""
        if self._pending:
            self._write()

    def _write(self) -> None:
        data = b"".join(self._pending) if len(self._pending) > 1 else self._pending[0]
        self._pending.clear()
        if self._held_bytes >= HELD_STEP:
            self.count()
        if self.socket is None:
            return
        if not self.paused:
            self.socket.send(data)
            return
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self.count()

    def keep(self, data: bytes) -> None:
        """Take back what the socket can't take yet of what it was just given. The socket is to count it."""
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.appendleft(data)
        self._waiting_bytes += len(data)

    def count(self) -> None:
        """Tell the socket how much waits here, and close it when that is too much."""
        socket, above = self.socket, self.unwritten
        if socket is not None and (socket.waits(above) > OUTBOX or above > OUTBOX):
            self.shut(TRY_AGAIN_LATER, "too slow")

    def pause(self) -> None:
        """The socket is full."""
        self.paused = True

    def resume(self) -> None:
        """The socket takes bytes again."""
        self.paused = False
        if self._waiting and self.socket is not None:
            data = b"".join(self._waiting)
            self._waiting, self._waiting_bytes = None, 0
            self.socket.send(data)

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
        self._waiting, self._waiting_bytes = None, 0
        self._held, self._held_bytes = None, 0


class Receiver(Protocol):
    """A user, as far as messages are delivered to it."""

    @property
    def sessions(self) -> Sequence[Outbox]:
        """The devices that are connected here."""


class Outboxes:
    """The outboxes of all devices here: delivers to many at once, and writes what was put. Reactor thread only.

    Every message goes through `deliver_single` or `deliver_together`: they do what `Outbox.deliver` and `Outbox.answer`
    do, without a call for each device.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._goes_on = False
        self.to_write: list[Outbox] = []
        """Those with something pending. Only this module changes it."""

    def deliver_single(
        self, origin: Outbox | None, answer: bytes, receivers: Sequence[Outbox], sender: int, seq: int, frame: bytes
    ) -> None:
        """Message `seq` of a single chat: `answer` to the device that sent it, if it is to be answered; `frame` to the
        devices of the receiver, who calls the conversation by the sender's id."""
        to_write = self.to_write
        if origin is not None:
            if origin._held is None:
                if not origin._pending:
                    to_write.append(origin)
                origin._pending.append(answer)
            else:
                origin.answer(answer)
        for outbox in receivers:
            if outbox._held is None and outbox._already_given is None:
                if not outbox._pending:
                    to_write.append(outbox)
                outbox._pending.append(frame)
            else:
                outbox.deliver(SINGLE, sender, seq, frame)

    def deliver_together(
        self, receivers: Iterable[Receiver], frames: bytes, apart: Collection[Outbox | None]
    ) -> Iterator[Outbox]:
        """Put these frames of a group's messages to all devices of its members, while this is iterated over. Gives, in
        the order of the members, the devices that the caller has to deliver to one message at a time: those in `apart`,
        and those that are held or had a catch-up. So everybody is written to in that order, senders included."""
        to_write = self.to_write
        for user in receivers:
            for outbox in user.sessions:
                if outbox._held is None and outbox._already_given is None and outbox not in apart:
                    if not frames:
                        continue
                    if not outbox._pending:
                        to_write.append(outbox)
                    outbox._pending.append(frames)
                else:
                    yield outbox

    def flush(self) -> None:
        """Write what was put, one write for each device. After `STALL_SECONDS` the rest waits for the next iteration of
        the reactor, so that a burst to thousands of devices holds up nobody else's."""
        to_write = self.to_write
        if not to_write:
            return
        end = self._clock.seconds() + STALL_SECONDS
        while to_write:
            ready = to_write[:]
            to_write.clear()
            for start in range(0, len(ready), LOOK_EVERY):
                if start and self._clock.seconds() > end:
                    to_write[:0] = ready[start:]
                    self._flush_later()
                    return
                for outbox in ready[start : start + LOOK_EVERY]:
                    if outbox._pending:
                        outbox._write()

    def _flush_later(self) -> None:
        if not self._goes_on:
            self._goes_on = True
            self._clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        self.flush()
