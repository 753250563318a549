"""The iterations of a reactor: sockets that are readable are read in front of Twisted's dispatch (the shortcut
``epoll``).

Twisted gives each event a logging context, looks for the method to call and calls through four layers: 5 µs an event,
which is a third of what an ordinary read costs here. And it asks for as many events as there are connections, and
handles all of them before the next timer and the next result of a thread: when 10,000 clients vanish at once, that
takes 150 ms.

Here an iteration handles at most `EVENTS` events; the others stay ready, and epoll gives them before what becomes ready
later. Of these events, those that only say "readable", of a descriptor that was given to `watch`, are handled here.
Everything else is left to Twisted: writing, errors, the end of a connection, listening, TLS, descriptors that are not
watched; and all events of a reactor without epoll.

It relies on Twisted 26.10: `EPollReactor` asks ``self._poller.poll(timeout, maxevents)`` once in each iteration.
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/internet/epollreactor.py
"""

from __future__ import annotations

import select
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

EVENTS: Final = 256  # handled in one iteration: 5 to 10 ms of frames, connects or disconnects
READ_BYTES: Final = 64 * 1024  # read of one descriptor in one iteration, as Twisted does

_EPOLL: Final = getattr(select, "epoll", None)
_IN: Final = getattr(select, "EPOLLIN", 0)
_LOST: Final = getattr(select, "EPOLLHUP", 0)

Event = tuple[int, int]
"""A descriptor and its event mask, as `select.epoll.poll` gives them."""


class ReactorIterations:
    """The iterations of one reactor. `ReactorIterations.of` makes it; used by the reactor's thread only.

    Made without a poller, it never reads anything: Twisted handles every event, and `at_end` waits for the next
    iteration.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, poller: Any = None) -> None:
        self._clock = clock
        self._poller = poller
        self._watched: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], None]]] = {}
        self._ends: list[Callable[[], None]] = []
        self._reading = False

    @staticmethod
    def of(reactor: Any) -> ReactorIterations:
        """Stand in front of the epoll of `reactor`, if it has one. Each reactor has only one such object."""
        poller = getattr(reactor, "_poller", None)
        if isinstance(poller, ReactorIterations):
            return poller
        if _EPOLL is None or not isinstance(poller, _EPOLL):
            return ReactorIterations(reactor)
        reactor._poller = iterations = ReactorIterations(reactor, poller)
        return iterations

    def watch(self, fd: int, recv: Callable[[int], bytes], take: Callable[[bytes], None]) -> None:
        """Read the descriptor `fd` here whenever it is readable: `recv` is called with a number of bytes and must not
        block, `take` gets what it returns.

        When `recv` returns nothing or fails, or `take` raises, Twisted handles the event, and ends the connection.
        """
        self._watched[fd] = (recv, take)

    def forget(self, fd: int) -> None:
        """Undo `watch`, before the number can belong to another connection."""
        self._watched.pop(fd, None)

    def at_end(self, call: Callable[[], None]) -> None:
        """Call when everything that is readable in this iteration has been read; in the next iteration when nothing is
        being read now."""
        if self._reading:
            self._ends.append(call)
        else:
            self._clock.callLater(0, call)

    def at_next_end(self, call: Callable[[], None]) -> None:
        """Call at the end of the iteration after this one, which doesn't wait until something is readable."""
        if self._poller is None:
            # Timers come before the events of their iteration.
            self._clock.callLater(0, self._clock.callLater, 0, call)
        elif self._reading:
            self._ends.append(partial(self.at_next_end, call))
        else:
            self._ends.append(call)

    def poll(self, timeout: float, maxevents: int) -> list[Event]:
        """As `select.epoll.poll`, without the events that have been handled here."""
        events = self._wait(0 if self._ends else timeout, min(maxevents, EVENTS))
        self._reading = True
        watched = self._watched
        others = []
        for event in events:
            fd, mask = event
            found = watched.get(fd) if mask == _IN else None
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
                # Twisted reads again, and sees the same.
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
                self.log.failure("the end of an iteration failed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poller, name)
