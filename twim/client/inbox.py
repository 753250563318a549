"""All conversations of one device. Messages that are missing in between are fetched from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.client.order import Timeline
from twim.client.rest import Unreachable
from twim.client.server_frames import ConversationKey, Page
from twim.errors import Refusal
from twim.wire.message import Shown

PATIENCE_SECONDS: Final = 0.25  # how long a missing message may still come by itself: an answer may overtake a delivery
RETRY_SECONDS: Final = 2.0
HAVE_ENTRIES: Final = 1_500  # conversations that a catch-up names; each takes at most 41 bytes of its 64 KiB
HELD: Final = 20_000  # messages that are kept during a catch-up; further ones are fetched from the history
NOT_OURS: Final = (403, 404)  # statuses of a group that the user left: its missing messages can't be read any more


class Position(msgspec.Struct):
    """How far a device has got. A program that stores this plain data can continue from there after a restart."""

    epoch: str = ""
    have: dict[str, int] = {}


class History(Protocol):
    """Where pages of a conversation come from: the messages `after` a seq, ascending."""

    async def history(self, conversation: ConversationKey, *, after: int | None = None) -> Page: ...


class Held:
    """The messages that came during a catch-up."""

    def __init__(self) -> None:
        self.messages: list[tuple[ConversationKey, Shown]] = []
        self.heads: dict[ConversationKey, int] = {}

    def add(self, conversation: ConversationKey, message: Shown) -> None:
        self.heads[conversation] = max(message.seq, self.heads.get(conversation, 0))
        if len(self.messages) < HELD:
            self.messages.append((conversation, message))


class Inbox:
    """Calls `give` once with each message of each conversation, in ascending order."""

    log = Logger()

    def __init__(self, clock: IReactorTime, history: History, give: Callable[[Shown], None]) -> None:
        self._clock = clock
        self._history = history
        self._give = give
        self._timelines: dict[ConversationKey, Timeline] = {}
        self._fetches: dict[ConversationKey, Deferred[None]] = {}
        self._held: Held | None = None

    @property
    def have(self) -> dict[str, int]:
        """The last `seq` given out of each conversation, of the most recently active ones: the `have` of a catch-up."""
        recent = list(self._timelines.items())[-HAVE_ENTRIES:]
        return {str(conversation): timeline.have for conversation, timeline in recent if timeline.have}

    def resume(self, have: dict[str, int]) -> None:
        """Continue where an earlier device stopped, whose `have` this is."""
        for name, seq in have.items():
            scope, dstid = name.split(":")
            self._timelines[ConversationKey(int(scope), int(dstid))] = Timeline(seq)

    def catch_up(self) -> None:
        """A catch-up begins. Until `caught_up` it isn't known whether the server has the same database still, so
        messages are held."""
        self._held = Held()

    def caught_up(self, heads: Mapping[ConversationKey, int], reset: bool, missed: bool = True) -> None:
        """The catch-up has ended; `heads` has the head of each conversation.

        With `reset` everything that is known here is forgotten. Without `missed` messages up to the heads are skipped.
        """
        held = self._held or Held()
        self._held = None
        if reset:
            self.stop()
            self._timelines.clear()
        if not missed:
            for conversation, seq in heads.items():
                self._hand_out(self._timelines.setdefault(conversation, Timeline()).skip_to(seq))
        for conversation, message in held.messages:
            self.take(conversation, message)
        for conversation, seq in [*heads.items(), *held.heads.items()]:
            self._timelines.setdefault(conversation, Timeline()).heard_of(seq)
            self._complete(conversation, 0)

    def take(self, conversation: ConversationKey, message: Shown) -> None:
        """A message has come."""
        if self._held is not None:
            self._held.add(conversation, message)
            return
        timeline = self._timelines.pop(conversation, None) or Timeline()
        self._timelines[conversation] = timeline  # now the last one in the order of activity
        self._hand_out(timeline.take(message))
        self._complete(conversation, PATIENCE_SECONDS)

    def stop(self) -> None:
        """Fetch nothing more. The next catch-up continues from here."""
        self._held = None
        fetches, self._fetches = self._fetches, {}
        for fetch in fetches.values():
            fetch.cancel()

    def _hand_out(self, messages: list[Shown]) -> None:
        for message in messages:
            self._give(message)

    def _complete(self, conversation: ConversationKey, wait: float) -> None:
        if conversation in self._fetches or not self._timelines[conversation].missing:
            return
        # It can't end before it is stored here, since it waits once even when `wait` is 0.
        fetch = Deferred.fromCoroutine(self._fetch(conversation, wait))
        self._fetches[conversation] = fetch
        fetch.addBoth(self._ended, conversation, fetch)
        fetch.addErrback(lambda failure: failure.trap(CancelledError))
        fetch.addErrback(
            lambda failure: self.log.failure("history of {conversation} not read", failure, conversation=conversation)
        )

    def _ended(self, result: Failure | None, conversation: ConversationKey, fetch: Deferred[None]) -> Failure | None:
        if self._fetches.get(conversation) is fetch:
            del self._fetches[conversation]
        return result

    async def _fetch(self, conversation: ConversationKey, wait: float) -> None:
        timeline = self._timelines[conversation]
        await deferLater(self._clock, wait)
        while timeline.missing:
            await self._fetch_page(conversation, timeline)

    async def _fetch_page(self, conversation: ConversationKey, timeline: Timeline) -> None:
        before = timeline.have
        try:
            page = await self._history.history(conversation, after=before)
        except Unreachable:
            await deferLater(self._clock, RETRY_SECONDS)
            return
        except Refusal as refused:
            if refused.status in NOT_OURS:
                timeline.give_up()
            else:
                await deferLater(self._clock, RETRY_SECONDS)
            return
        timeline.heard_of(page.total)
        if page.rows and timeline.have == before and page.rows[0].seq > before + 1:
            # What lies between can't be read: the user joined after it, or it is deleted.
            self._hand_out(timeline.skip_to(page.rows[0].seq - 1))
        if not page.rows and timeline.have == before:
            # All of it is deleted.
            self._hand_out(timeline.skip_to(page.total))
        for message in page.rows:
            self._hand_out(timeline.take(message))
        if timeline.have == before and timeline.missing:
            await deferLater(self._clock, RETRY_SECONDS)
