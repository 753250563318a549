"""Messages that were given to `send` and not answered yet, in the order given. They outlive connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.client.said import Place
from twim.errors import Refusal, TooMany
from twim.wire.message import Message

UNANSWERED: Final = 1_000  # messages; a server that answers none must not fill our memory


class Answer(NamedTuple):
    """The message is stored as `seq` of `place`, accepted at `at` (ms since 1970)."""

    place: Place
    seq: int
    at: int


class Unanswered:
    """Keyed by `cid`, which is what makes sending again harmless."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[Message, Deferred[Answer]]] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def __iter__(self) -> Iterator[Message]:
        """The messages, oldest first."""
        return iter([message for message, _ in self._sent.values()])

    def add(self, message: Message) -> Deferred[Answer]:
        """Fires with the answer, or errbacks with the `Refusal`."""
        if len(self._sent) >= UNANSWERED:
            raise TooMany(f"{UNANSWERED} messages wait for their answer already")
        if message.cid in self._sent:
            raise Refusal(f"cid {message.cid} waits for its answer already")

        def no_longer_wanted(_: Deferred[Answer]) -> None:
            self._sent.pop(message.cid, None)

        waiting: Deferred[Answer] = Deferred(no_longer_wanted)
        self._sent[message.cid] = (message, waiting)
        return waiting

    def settle(self, cid: str) -> tuple[Message, Deferred[Answer]] | None:
        """The message of `cid` and who waits for its answer, no longer kept; None when nobody does."""
        return self._sent.pop(cid, None)

    def fail(self, reason: Exception) -> None:
        """No answer will come to any of them."""
        sent, self._sent = self._sent, {}
        for _, waiting in sent.values():
            waiting.errback(Failure(reason))
