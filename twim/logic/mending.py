"""What the bus didn't bring is read from the log: single messages before others that came, or all there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.logic.order import Order, Span
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, Post
from twim.wire.message import decode_shown

GAP_SECONDS: Final = 0.1  # how long a missing message may take before it is read from the log
RETRY_SECONDS: Final = 1.0  # after the log couldn't be read


def stored_post(body: bytes) -> Post:
    """A stored message that was said elsewhere."""
    said = decode_shown(body)
    post = Post(None, said, Conversation(0, said.cmd, 0, 0, 0))
    post.body = body
    return post


class Mending:
    """Reads what `order` misses, one thing at a time. `everything` reads whatever isn't messages and gives what is
    missing of those; `take` gets messages that were read; `settled` fires when every commit of this node that is on
    disk now went through `order`, so that none of them is taken for another node's."""

    log = Logger()

    def __init__(
        self,
        order: Order,
        conversations: Conversations,
        everything: Callable[[], Awaitable[list[Span]]],
        take: Callable[[Iterable[Post]], None],
        settled: Callable[[], Deferred[None]],
        clock: IReactorTime,
    ) -> None:
        self._order = order
        self._conversations = conversations
        self._everything = everything
        self._take = take
        self._settled = settled
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._reading = False
        self._asked = self._done = 0
        self._spans: list[Span] = []
        self._stopped = False
        self.messages = 0

    def look(self) -> None:
        """Read what is missing, if it is still missing in a moment."""
        if self._order.dropped:
            self._order.dropped = False
            self._asked += 1
        if self._timer is None and not self._reading and self._wants():
            self._wait(GAP_SECONDS)

    def read(self, span: Span) -> None:
        """Read this now."""
        self._spans.append(span)
        self._go()

    def read_all(self) -> None:
        """Read everything now, or again if it is being read."""
        self._asked += 1
        self._go()

    def stop(self) -> None:
        """Read no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wants(self) -> bool:
        return self._asked != self._done or bool(self._spans) or self._order.has_gaps()

    def _wait(self, seconds: float) -> None:
        if not self._stopped:
            self._timer = self._clock.callLater(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self._go()

    def _go(self) -> None:
        if self._reading or self._stopped:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._reading = True
        Deferred.fromCoroutine(self._read()).addCallbacks(self._ended, self._failed)

    def _ended(self, _: None) -> None:
        self._reading = False
        self.look()

    def _failed(self, failure: Failure) -> None:
        self._reading = False
        self.log.warn("the log can't be read now: {why}", why=failure.getErrorMessage())
        if self._timer is None:
            self._wait(RETRY_SECONDS)

    async def _read(self) -> None:
        asked = self._asked
        if asked != self._done:
            await self._read_spans(await self._everything())
            self._done = asked
        while self._spans:
            await self._read_spans(self._spans[:1])
            del self._spans[0]
        await self._read_spans(self._order.gaps())

    async def _read_spans(self, spans: list[Span]) -> None:
        for key, after, up_to in spans:
            while after < up_to:
                bodies = await self._conversations.between(key, after, up_to)
                await self._settled()
                if not bodies:
                    break
                self.messages += len(bodies)
                posts = [stored_post(body) for body in bodies]
                self._take(posts)
                after = posts[-1].message.seq
