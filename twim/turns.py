"""What one turn of the reactor does: the reactor's epoll, with a short way in front of Twisted's dispatch.

Twisted gives each event a logging context, looks for the method to call and calls through four layers: 5 µs an event,
which is a third of what an ordinary read costs here. And it asks for as many events as there are connections and sees
to all of them before the next timer or what a thread has done: when 10,000 clients vanish at once, that is 150 ms.

So a turn takes on `EVENTS` at most; what is left out is ready still, and epoll gives it before what comes ready later.
Of these, what is only readable and was given to `watch` is read here. Everything else is Twisted's: writing, errors,
the end of a connection, listening, TLS, whoever isn't watched; and all of it on a reactor without epoll.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

EVENTS: Final = 256  # descriptors looked at in one turn of the reactor: 5 to 10 ms of frames, connects or disconnects
READ_BYTES: Final = 64 * 1024  # of one descriptor in one turn, as Twisted's

_EPOLL: Final = getattr(select, "epoll", None)
_IN: Final = getattr(select, "EPOLLIN", 0)
_LOST: Final = getattr(select, "EPOLLHUP", 0)

Event = tuple[int, int]
"""A descriptor and what is the matter with it, as `select.epoll.poll` gives them."""


class Turns:
    """The turns of one reactor. `Turns.of` gives them; reactor thread only."""

    log = Logger()

    def __init__(self, clock: IReactorTime, poller: Any = None) -> None:
        self._clock = clock
        self._poller = poller
        self._watched: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], None]]] = {}
        self._ends: list[Callable[[], None]] = []
        self._reading = False

    @staticmethod
    def of(reactor: Any) -> Turns:
        """The turns of `reactor`, which from now on go this way if it has an epoll; always the same ones then."""
        poller = getattr(reactor, "_poller", None)
        if isinstance(poller, Turns):
            return poller
        if _EPOLL is None or not isinstance(poller, _EPOLL):
            return Turns(reactor)
        reactor._poller = turns = Turns(reactor, poller)
        return turns

    def watch(self, fd: int, recv: Callable[[int], bytes], take: Callable[[bytes], None]) -> None:
        """Read here what the reactor watches as `fd`: `take` what `recv`, which must not block, gives of it.

        When `recv` gives nothing or fails, or `take` raises, Twisted is told of the event, and ends the connection.
        """
        self._watched[fd] = (recv, take)

    def forget(self, fd: int) -> None:
        """Undo `watch`, before the number can belong to another descriptor."""
        self._watched.pop(fd, None)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call when what is readable in this turn has been read; in the next turn when nothing is being read."""
        if self._reading:
            self._ends.append(call)
        else:
            self._clock.callLater(0, call)

    def poll(self, timeout: float, maxevents: int) -> list[Event]:
        """As `select.epoll.poll`, less what has been read here."""
        events = self._wait(timeout, min(maxevents, EVENTS))
        self._reading = True
        watched = self._watched
        others = []
        for event in events:
            fd, what = event
            found = watched.get(fd) if what == _IN else None
            if found is None:
                others.append(event)
                continue
            recv, take = found
            try:
                data = recv(READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                # Twisted reads again, and meets the same.
                others.append(event)
                continue
            try:
                take(data)
            except Exception:
                self.log.failure("what a connection said couldn't be taken")
                others.append((fd, _LOST))
        self._reading = False
        if self._ends:
            self._end()
        return others

    def _wait(self, timeout: float, most: int) -> list[Event]:
        found: list[Event] = self._poller.poll(timeout, most)
        return found

    def _end(self) -> None:
        ends, self._ends = self._ends, []
        for call in ends:
            try:
                call()
            except Exception:
                self.log.failure("the end of a turn failed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poller, name)
