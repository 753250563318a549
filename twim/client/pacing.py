"""A pause in sending, when the server says that this user has sent too much at once.

Everything that is to be sent meanwhile waits, so that it keeps its order.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Pacing:
    """Knows what must be sent when the pause is over. `resume` is called then, with the cids of these messages."""

    def __init__(self, clock: IReactorTime, resume: Callable[[set[str]], None]) -> None:
        self._clock = clock
        self._resume = resume
        self._timer: IDelayedCall | None = None
        self._held: set[str] = set()

    def hold(self, cid: str) -> bool:
        """A message is to be sent. True when it has to wait: `resume` names it later."""
        if self._timer is None:
            return False
        self._held.add(cid)
        return True

    def refused(self, cid: str, wait: int) -> None:
        """The server has refused a message for `wait` milliseconds."""
        until = wait / 1000
        if self._timer is not None:
            until = max(until, self._timer.getTime() - self._clock.seconds())
            self._timer.cancel()
        self._held.add(cid)
        self._timer = self._clock.callLater(until, self._over)

    def stop(self) -> None:
        """The connection has ended: the next one sends everything again."""
        self._held.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        held, self._held = self._held, set()
        self._resume(held)
