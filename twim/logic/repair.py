"""Reads from the log the messages that the bus didn't bring: those before others that came, or all that are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.hub.order import Gap, Order
from twim.storage.conversations import Conversations
from twim.storage.interface import Conversation, Post
from twim.wire.message import decode_shown

GAP_SECONDS: Final = 0.1  # how long a missing message may still come by itself before it is read from the log
RETRY_SECONDS: Final = 1.0  # after the log couldn't be read
# After everything was read again, it isn't read again for a while: for so many times as long as it took, within these
# bounds. Otherwise anybody who can make a node believe that it missed something could keep it reading. Messages for
# which somebody waits are read all the same.
REST_SECONDS: Final = 0.5
REST_FACTOR: Final = 4
REST_SECONDS_MOST: Final = 10.0


def stored_post(body: bytes) -> Post:
    """A stored message that was posted on another node."""
    said = decode_shown(body)
    post = Post(None, said, Conversation(0, said.cmd, 0, 0, 0))
    post.body = body
    return post


class Repair:
    """Reads what `order` misses, one thing at a time.

    `everything` reads everything except messages, and gives the gaps of the messages piece by piece. `take` is called
    with the messages that were read. `settled` fires when every commit of this node that is on the disk now has gone
    through `order`, so that none of them is taken for a commit of another node.
    """

    log = Logger()

    def __init__(
        self,
        order: Order,
        conversations: Conversations,
        everything: Callable[[], AsyncIterator[list[Gap]]],
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
        self._rests_until = 0.0
        self._gaps: list[Gap] = []
        self._stopped = False
        self.messages = 0

    def look(self) -> None:
        """Read what is missing, if it is still missing in a moment."""
        if self._order.dropped:
            self._order.dropped = False
            self._asked += 1
        if self._timer is None and not self._reading and self._wants():
            self._wait(GAP_SECONDS)

    def read(self, gap: Gap) -> None:
        """Read these messages now."""
        self._gaps.append(gap)
        self._go()

    def read_all(self) -> None:
        """Read everything now, or again if it is being read or was a moment ago."""
        self._asked += 1
        self._go()

    def stop(self) -> None:
        """Read nothing more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wants(self) -> bool:
        return self._asked != self._done or bool(self._gaps) or self._order.has_gaps()

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
        await self._read_missing()
        asked = self._asked
        begun = self._clock.seconds()
        if asked == self._done or begun < self._rests_until:
            return
        async for gaps in self._everything():
            await self._read_gaps(gaps)
            # Somebody waits for these messages.
            await self._read_missing()
        self._done = asked
        now = self._clock.seconds()
        self._rests_until = now + min(max(REST_SECONDS, REST_FACTOR * (now - begun)), REST_SECONDS_MOST)

    async def _read_missing(self) -> None:
        while self._gaps:
            await self._read_gaps(self._gaps[:1])
            del self._gaps[0]
        await self._read_gaps(self._order.gaps())

    async def _read_gaps(self, gaps: list[Gap]) -> None:
        for key, after, up_to in gaps:
            while after < up_to:
                bodies = await self._conversations.between(key, after, up_to)
                await self._settled()
                if not bodies:
                    self._order.distrust(key, up_to, is_end=True)
                    break
                self.messages += len(bodies)
                posts = [stored_post(body) for body in bodies]
                after = posts[-1].message.seq
                self._order.distrust(key, after)
                self._take(posts)
