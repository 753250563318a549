"""The session of one device: its outbox, its user, and how many wrong frames it sent."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from twim.errors import Refusal
from twim.hub.outbox import Outbox, Outboxes, Socket
from twim.limits.buckets import Allowance
from twim.storage.interface import Circle, Conversation
from twim.wire import envelope

WRONGS: Final = 20  # refused frames in WRONG_SECONDS, after which the connection is closed
WRONG_SECONDS: Final = 60.0
POLICY: Final = 1008


class SessionUser(Protocol):
    """What a session may ask of its user, whom the hub keeps."""

    id: int
    friends: set[int]
    groups: set[int]
    circle: Circle
    single_conversations: dict[int, Conversation]
    group_conversations: dict[int, Conversation]
    allowance: Allowance

    def refill(self) -> None:
        """The allowance has nothing left: let the message pass, or raise `TooMany`."""

    def audience(self) -> set[int]:
        """The friends who are told whether the user is here."""


class Session(Outbox):
    """One connected device. Reactor thread only."""

    __slots__ = ("catching_up", "deviceid", "marks", "user", "wrongs")

    def __init__(self, user: SessionUser, deviceid: int, socket: Socket, outboxes: Outboxes) -> None:
        super().__init__(socket, outboxes)
        self.user = user
        self.deviceid = deviceid
        self.marks = 0
        """Read marks that are being stored."""
        self.catching_up = False
        self.wrongs: deque[float] | None = None
        """When the last wrong frames came, in the clock's seconds."""

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
