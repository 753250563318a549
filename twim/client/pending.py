"""Messages that were given to `send` and are not answered yet, in that order. They outlive connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from twim.client.server_frames import ConversationKey
from twim.errors import Refusal, TooMany
from twim.wire.message import Message

PENDING_MESSAGES: Final = 1_000  # the most messages; a server that answers none must not fill the memory


class Answer(NamedTuple):
    """The message is stored as number `seq` of `conversation`. It was accepted at `at`, in milliseconds since 1970."""

    conversation: ConversationKey
    seq: int
    at: int

    @property
    def place(self) -> ConversationKey:
        """The name of `conversation` in version 0.1."""
        return self.conversation


class PendingMessages:
    """The messages by `cid`, which makes it harmless to send one again."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[Message, Deferred[Answer]]] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def __contains__(self, cid: str) -> bool:
        return cid in self._sent

    def __iter__(self) -> Iterator[Message]:
        """The messages, oldest first."""
        return iter([message for message, _ in self._sent.values()])

    def add(self, message: Message) -> Deferred[Answer]:
        """Keep a message. Fires with its answer, or fails with its `Refusal`."""
        if len(self._sent) >= PENDING_MESSAGES:
            raise TooMany(f"{PENDING_MESSAGES} messages wait for their answer already")
        if message.cid in self._sent:
            raise Refusal(f"cid {message.cid} waits for its answer already")

        def no_longer_wanted(_: Deferred[Answer]) -> None:
            self._sent.pop(message.cid, None)

        waiting: Deferred[Answer] = Deferred(no_longer_wanted)
        self._sent[message.cid] = (message, waiting)
        return waiting

    def settle(self, cid: str) -> tuple[Message, Deferred[Answer]] | None:
        """The message of that `cid` and its Deferred, which are no longer kept; None if there is no such message."""
        return self._sent.pop(cid, None)

    def fail(self, reason: Exception) -> None:
        """No answer will come: let all Deferreds fail with `reason`."""
        sent, self._sent = self._sent, {}
        for _, waiting in sent.values():
            waiting.errback(Failure(reason))
