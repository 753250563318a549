"""Every conversation of one device, kept complete: gaps are fetched from history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.client.order import Timeline
from twim.client.rest import Unreachable
from twim.client.said import Page, Place
from twim.errors import Refusal
from twim.wire.message import Shown

PATIENCE_SECONDS: Final = 0.25  # an answer may overtake a delivery by a moment; only what stays missing is fetched
RETRY_SECONDS: Final = 2.0
HAVE_ENTRIES: Final = 1_500  # conversations named in a catch-up; each takes 41 bytes at most of a 64 KiB frame
HELD: Final = 20_000  # messages that come before a catch-up ends; what is beyond is fetched from history
NOT_OURS: Final = (403, 404)  # left or removed: what is missing there can't be had any more


class History(Protocol):
    """Pages of a conversation, `after` a seq, ascending."""

    async def history(self, place: Place, *, after: int | None = None) -> Page: ...


class Held:
    """What came during a catch-up."""

    def __init__(self) -> None:
        self.messages: list[tuple[Place, Shown]] = []
        self.heads: dict[Place, int] = {}

    def add(self, place: Place, message: Shown) -> None:
        self.heads[place] = max(message.seq, self.heads.get(place, 0))
        if len(self.messages) < HELD:
            self.messages.append((place, message))


class Inbox:
    """`give` gets each message of each conversation once, ascending."""

    log = Logger()

    def __init__(self, clock: IReactorTime, history: History, give: Callable[[Shown], None]) -> None:
        self._clock = clock
        self._history = history
        self._give = give
        self._timelines: dict[Place, Timeline] = {}
        self._fetches: dict[Place, Deferred[None]] = {}
        self._held: Held | None = None

    @property
    def have(self) -> dict[str, int]:
        """What is here, by conversation, the most recently active ones: the `have` of a catch-up."""
        recent = list(self._timelines.items())[-HAVE_ENTRIES:]
        return {str(place): timeline.have for place, timeline in recent if timeline.have}

    def resume(self, have: dict[str, int]) -> None:
        """Begin where an earlier device left off: a `have` as above."""
        for name, seq in have.items():
            scope, dstid = name.split(":")
            self._timelines[Place(int(scope), int(dstid))] = Timeline(seq)

    def catch_up(self) -> None:
        """Until `caught_up` it is open whether what is here still counts, so what comes is held."""
        self._held = Held()

    def caught_up(self, heads: Mapping[Place, int], reset: bool, missed: bool = True) -> None:
        """The conversations go up to `heads`.

        With `reset` nothing that is here counts; without `missed` what came before is skipped.
        """
        held = self._held or Held()
        self._held = None
        if reset:
            self.stop()
            self._timelines.clear()
        if not missed:
            for place, seq in heads.items():
                self._hand_out(self._timelines.setdefault(place, Timeline()).skip_to(seq))
        for place, message in held.messages:
            self.take(place, message)
        for place, seq in [*heads.items(), *held.heads.items()]:
            self._timelines.setdefault(place, Timeline()).heard_of(seq)
            self._complete(place, 0)

    def take(self, place: Place, message: Shown) -> None:
        """A message, from anywhere."""
        if self._held is not None:
            self._held.add(place, message)
            return
        timeline = self._timelines.pop(place, None) or Timeline()
        self._timelines[place] = timeline  # last in the order of activity
        self._hand_out(timeline.take(message))
        self._complete(place, PATIENCE_SECONDS)

    def stop(self) -> None:
        """Fetch no more; the next catch-up begins where this one ended."""
        self._held = None
        fetches, self._fetches = self._fetches, {}
        for fetch in fetches.values():
            fetch.cancel()

    def _hand_out(self, messages: list[Shown]) -> None:
        for message in messages:
            self._give(message)

    def _complete(self, place: Place, wait: float) -> None:
        if place in self._fetches or not self._timelines[place].missing:
            return
        # Filed before it can end: it waits once even when `wait` is 0.
        fetch = Deferred.fromCoroutine(self._fetch(place, wait))
        self._fetches[place] = fetch
        fetch.addBoth(self._ended, place, fetch)
        fetch.addErrback(lambda failure: failure.trap(CancelledError))
        fetch.addErrback(lambda failure: self.log.failure("history of {place} not read", failure, place=place))

    def _ended(self, result: Failure | None, place: Place, fetch: Deferred[None]) -> Failure | None:
        if self._fetches.get(place) is fetch:
            del self._fetches[place]
        return result

    async def _fetch(self, place: Place, wait: float) -> None:
        timeline = self._timelines[place]
        await deferLater(self._clock, wait)
        while timeline.missing:
            await self._fetch_page(place, timeline)

    async def _fetch_page(self, place: Place, timeline: Timeline) -> None:
        before = timeline.have
        try:
            page = await self._history.history(place, after=before)
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
        for message in page.rows:
            self._hand_out(timeline.take(message))
        if timeline.have == before and timeline.missing:
            await deferLater(self._clock, RETRY_SECONDS)
