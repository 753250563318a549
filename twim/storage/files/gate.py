"""Waits for a consumer that takes data more slowly than we could give it."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Gate:
    """Registered with a consumer as its producer; `passed` waits while the consumer has enough."""

    def __init__(self) -> None:
        self.stopped = False
        self._open = True
        self._waiting: Deferred[None] | None = None

    async def passed(self) -> bool:
        """Wait until the consumer wants data. False if it wants none any more."""
        if not self._open and not self.stopped:
            self._waiting = Deferred()
            await self._waiting
        return not self.stopped

    def pauseProducing(self) -> None:
        self._open = False

    def resumeProducing(self) -> None:
        self._open = True
        self._wake()

    def stopProducing(self) -> None:
        self.stopped = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
