"""The messages of one conversation in order: every `seq` is given out once, ascending. Without input or output.

Messages come from three sources (the socket, a catch-up, pages of the history), in any order and more than once. A
message that can't be given out yet waits, and `missing` says that something before it has to be fetched.
"""

from __future__ import annotations

from typing import Final

from twim.wire.message import Shown

WAITING: Final = 1_000  # messages that wait behind a gap; of more, the highest are dropped and fetched again later


class Timeline:
    """`have` is the last `seq` that was given out, and `head` the highest that is known to exist."""

    def __init__(self, have: int = 0) -> None:
        self.have = have
        self.head = have
        self._waiting: dict[int, Shown] = {}

    @property
    def missing(self) -> bool:
        """Whether messages exist that have to be fetched, starting after `have`."""
        return self.head > self.have

    def take(self, message: Shown) -> list[Shown]:
        """Take a message. Gives the messages that may be given out now: none if this one was given out before."""
        self.heard_of(message.seq)
        if message.seq <= self.have:
            return []
        self._waiting.setdefault(message.seq, message)
        ready = []
        while (following := self._waiting.pop(self.have + 1, None)) is not None:
            self.have += 1
            ready.append(following)
        self._keep_bound()
        return ready

    def heard_of(self, seq: int) -> None:
        """It is known now that message `seq` exists."""
        self.head = max(self.head, seq)

    def skip_to(self, seq: int) -> list[Shown]:
        """Messages up to `seq` are not wanted. Gives the messages that waited and follow directly."""
        self.heard_of(seq)
        if seq <= self.have:
            return []
        self.have = seq
        self._waiting = {n: message for n, message in self._waiting.items() if n > seq}
        after = self._waiting.get(seq + 1)
        return self.take(after) if after else []

    def give_up(self) -> None:
        """What is missing can't be had. Nothing counts as missing until something newer comes."""
        self.head = self.have
        self._waiting.clear()

    def _keep_bound(self) -> None:
        while len(self._waiting) > WAITING:
            del self._waiting[max(self._waiting)]
