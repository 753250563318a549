"""One thread that commits, and the way there and back.

Twisted's pool takes 60 µs to hand over a call and its result, which is as long as a small commit. Here each way is one
byte in a pipe. Unlike a queue's lock a pipe is written without the GIL, so that whoever is woken finds it free
instead of waiting for it at once.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Final

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twim.internals.epoll import ReactorIterations

Done = Callable[[BaseException | None], None]

_BYTE: Final = b"\0"
_MANY: Final = 4096  # bytes read at once
USES_SOCKETS = os.name == "nt"
"""Windows waits for sockets only."""


class _Way:
    """One direction of bytes between two threads: a pipe, or a pair of sockets where a reactor can't wait for pipes."""

    def __init__(self) -> None:
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self.read: Callable[[int], bytes]
        self.write: Callable[[bytes], object]
        if not USES_SOCKETS:
            self.fileno, self._written = os.pipe()
            self.read, self.write = partial(os.read, self.fileno), partial(os.write, self._written)
            return
        reading, writing = self._sockets = socket.socketpair()
        self.fileno = reading.fileno()
        self.read, self.write = reading.recv, writing.send

    def read_without_waiting(self) -> None:
        """From now on `read` raises BlockingIOError when there is nothing."""
        if self._sockets is None:
            os.set_blocking(self.fileno, False)
        else:
            self._sockets[0].setblocking(False)

    def close_writing(self) -> None:
        """Whoever reads then reads the end."""
        if self._sockets is None:
            os.close(self._written)
        else:
            self._sockets[1].close()

    def close_reading(self) -> None:
        """Nothing is read any more."""
        if self._sockets is None:
            os.close(self.fileno)
        else:
            self._sockets[0].close()


@implementer(IReadDescriptor)
class Committer:
    """Runs calls one after the other in a thread of its own, and tells the reactor's thread how each ended.

    After `stop` there is no thread: a call runs where it is given.
    """

    log = Logger()

    def __init__(self, reactor: IReactorFDSet, iterations: ReactorIterations) -> None:
        self._reactor = reactor
        self._iterations = iterations
        self._calls: deque[tuple[Callable[[], None], Done]] = deque()
        self._ended: deque[tuple[Done, BaseException | None]] = deque()
        self._tell: Callable[[bytes], object] = len  # until there is a thread to be told
        self._thread: Thread | None = None
        self._stopped = False
        self._there: _Way | None = None
        self._back: _Way | None = None

    def run(self, call: Callable[[], None], done: Done) -> None:
        """Run `call` in the thread, then `done` on the reactor's with what it raised, or None."""
        self._calls.append((call, done))
        if self._stopped:
            self._run_one()
            self._hear(_BYTE)
            return
        if self._thread is None:
            self._start()
        self._tell(_BYTE)

    def stop(self) -> None:
        """End the thread after what it was given."""
        self._stopped = True
        if self._thread is None or self._there is None or self._back is None:
            return
        self._there.close_writing()
        self._thread.join()
        self._thread = None
        self._hear(_BYTE)
        self._iterations.forget(self._back.fileno)
        self._reactor.removeReader(self)
        self._there.close_reading()
        self._back.close_reading()
        self._back.close_writing()

    def _start(self) -> None:
        self._there, self._back = _Way(), _Way()
        self._tell = self._there.write
        self._back.read_without_waiting()
        self._reactor.addReader(self)
        self._iterations.watch(self._back.fileno, self._back.read, self._hear)
        self._thread = Thread(target=self._loop, args=(self._there.read, self._back.write), name="commit", daemon=True)
        self._thread.start()

    def _loop(self, read: Callable[[int], bytes], say: Callable[[bytes], object]) -> None:
        while told := read(_MANY):
            for _ in told:
                self._run_one()
                say(_BYTE)

    def _run_one(self) -> None:
        call, done = self._calls.popleft()
        try:
            call()
        except Exception as error:
            self._ended.append((done, error))
        else:
            self._ended.append((done, None))

    def _hear(self, _: bytes) -> None:
        while self._ended:
            done, error = self._ended.popleft()
            try:
                done(error)
            except Exception:
                self.log.failure("what follows from a commit failed")

    # IReadDescriptor, on a reactor without epoll

    def fileno(self) -> int:
        """Where the thread's bytes are read."""
        return -1 if self._back is None else self._back.fileno

    def doRead(self) -> None:
        """Twisted's hook."""
        if self._back is not None:
            self._hear(self._back.read(_MANY))

    def connectionLost(self, reason: Failure) -> None:
        """Twisted's hook. The pipe is ours at both ends."""

    def logPrefix(self) -> str:
        """Twisted's hook."""
        return "commit"
