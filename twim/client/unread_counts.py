"""How many messages are unread in each conversation, counted as the server does. If a count can't be known here, the
server is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.client.rest import Unreachable
from twim.client.server_frames import Conversation, ConversationKey
from twim.client.unread import Counted, Unread
from twim.errors import Refusal
from twim.wire.message import Shown

ASK_SECONDS: Final = 0.5  # the wait before the server is asked: several counts often become unsure together
AGAIN_SECONDS: Final = 3.0  # the wait before it is asked again


class Rows(Protocol):
    """Where the server's list of conversations comes from."""

    async def conversations(self) -> list[Conversation]: ...


class UnreadCounts:
    """The counts of all conversations of one device."""

    log = Logger()

    def __init__(self, clock: IReactorTime, rows: Rows, me: int) -> None:
        self._clock = clock
        self._rows = rows
        self._me = me
        self._conversations: dict[ConversationKey, Unread] = {}
        self._asking: Deferred[None] | None = None
        self._online = False

    def of(self, conversation: ConversationKey) -> Counted:
        """The counts of one conversation."""
        found = self._conversations.get(conversation)
        return found.counted if found is not None else Counted()

    def take(self, conversation: ConversationKey, message: Shown) -> None:
        """The next message of a conversation."""
        found = self._of(conversation)
        found.take(message)
        self._settle(found)

    def read_to(self, conversation: ConversationKey, seq: int) -> None:
        """The user has read up to `seq`."""
        found = self._of(conversation)
        if seq > found.head:
            found.unsure = True  # only the server knows whether there is such a message
        else:
            found.read_to(seq)
        self._settle(found)

    def caught_up(self, rows: Sequence[Conversation], reset: bool) -> None:
        """These are all conversations. With `reset` they are those of another database."""
        listed = {row.key for row in rows}
        self._conversations = (
            {}
            if reset
            else {conversation: found for conversation, found in self._conversations.items() if conversation in listed}
        )
        self._online = True
        self._adopt(rows)

    def stop(self) -> None:
        """Don't ask the server until `caught_up` is called again."""
        self._online = False
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def _of(self, conversation: ConversationKey) -> Unread:
        return self._conversations.setdefault(conversation, Unread(self._me))

    def _adopt(self, rows: Sequence[Conversation]) -> None:
        listed = {row.key: row for row in rows}
        # The user has left a conversation that isn't listed, unless it began while the list was on its way.
        self._conversations = {
            conversation: found
            for conversation, found in self._conversations.items()
            if conversation in listed or not found.unsure
        }
        for conversation, row in listed.items():
            found = self._of(conversation)
            found.adopt(row)
            self._settle(found)

    def _settle(self, found: Unread) -> None:
        if found.unsure and self._online and self._asking is None:
            asking = self._asking = Deferred.fromCoroutine(self._ask())
            asking.addErrback(lambda failure: failure.trap(CancelledError))
            asking.addErrback(self._failed)

    async def _ask(self) -> None:
        wait = ASK_SECONDS
        while any(found.unsure for found in self._conversations.values()):
            await deferLater(self._clock, wait)
            wait = AGAIN_SECONDS
            try:
                self._adopt(await self._rows.conversations())
            except (Refusal, Unreachable):
                continue
        self._asking = None

    def _failed(self, failure: Failure) -> None:
        self._asking = None
        self.log.failure("unread messages are not counted", failure)
