"""The catch-up of one device, and the read marks that it has to tell again: what a new connection begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from twim.client.server_frames import Conversation, ConversationKey
from twim.wire import commands

CATCH_UP_CID: Final = "catch-up"
"""The `cid` of a catch-up, by which its refusal is recognised. It is shorter than that of any message."""

CATCH_UP_SECONDS: Final = 60.0
"""How long a server may take to answer a catch-up."""


class CatchUp:
    """Asks for the messages that were missed. `failed` is called, with the reason, if no answer comes in time."""

    def __init__(self, clock: IReactorTime, epoch: str, failed: Callable[[str], None]) -> None:
        self.epoch = epoch
        """The epoch of the server's database; "" before the first catch-up."""
        self._clock = clock
        self._failed = failed
        self._deadline: IDelayedCall | None = None

    def begin(self, have: dict[str, int]) -> dict[str, Any]:
        """The frame that asks for what comes after `have`. The time for its answer begins now."""
        self._deadline = self._clock.callLater(CATCH_UP_SECONDS, self._failed, "it took too long")
        frame = {"cmd": commands.CATCH_UP, "cid": CATCH_UP_CID, "epoch": self.epoch, "have": have}
        return {name: value for name, value in frame.items() if value}

    def stop(self) -> None:
        """The answer has come, or is awaited no longer."""
        deadline, self._deadline = self._deadline, None
        if deadline is not None and deadline.active():
            deadline.cancel()


class ReadMarks:
    """The read marks of the user that the server may not know yet."""

    def __init__(self) -> None:
        self._seqs: dict[ConversationKey, int] = {}

    def mark(self, conversation: ConversationKey, seq: int) -> int:
        """The user has read up to `seq`. Gives the highest mark, since a mark never goes back."""
        self._seqs[conversation] = highest = max(seq, self._seqs.get(conversation, 0))
        return highest

    def unknown(self, rows: Sequence[Conversation]) -> list[tuple[ConversationKey, int]]:
        """The marks that are higher than those in the server's rows. All others are forgotten."""
        known = {row.key: row.read for row in rows}
        self._seqs = {conversation: seq for conversation, seq in self._seqs.items() if seq > known.get(conversation, 0)}
        return list(self._seqs.items())
