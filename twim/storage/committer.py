"""One thread that commits, and the way there and back.

Twisted's pool takes 60 µs to hand over a call and its result, which is as long as a small commit. Here each way is one
byte in a pipe. Unlike a queue's lock a pipe is written without the interpreter lock, so that who is woken finds that
free instead of waiting for it at once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import Final

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from twim.turns import Turns

Done = Callable[[BaseException | None], None]

_BYTE: Final = b"\0"
_MANY: Final = 4096  # bytes read at once


@implementer(IReadDescriptor)
class Committer:
    """Runs calls one after the other in a thread of its own, and tells the reactor's thread how each ended.

    After `stop` there is no thread: a call runs where it is given.
    """

    log = Logger()

    def __init__(self, reactor: IReactorFDSet, turns: Turns) -> None:
        self._reactor = reactor
        self._turns = turns
        self._calls: deque[tuple[Callable[[], None], Done]] = deque()
        self._ended: deque[tuple[Done, BaseException | None]] = deque()
        self._thread: Thread | None = None
        self._stopped = False
        self._told, self._tell = -1, -1
        self._heard, self._say = -1, -1

    def run(self, call: Callable[[], None], done: Done) -> None:
        """Run `call` in the thread, then `done` on the reactor's with what it raised, or None."""
        self._calls.append((call, done))
        if self._stopped:
            self._run_one()
            self._hear(_BYTE)
            return
        if self._thread is None:
            self._start()
        os.write(self._tell, _BYTE)

    def stop(self) -> None:
        """End the thread after what it was given."""
        self._stopped = True
        if self._thread is None:
            return
        os.close(self._tell)
        self._thread.join()
        self._thread = None
        self._hear(_BYTE)
        self._turns.forget(self._heard)
        self._reactor.removeReader(self)
        for fd in (self._told, self._heard, self._say):
            os.close(fd)

    def _start(self) -> None:
        self._told, self._tell = os.pipe()
        self._heard, self._say = os.pipe()
        os.set_blocking(self._heard, False)
        self._reactor.addReader(self)
        self._turns.watch(self._heard, lambda _: os.read(self._heard, _MANY), self._hear)
        self._thread = Thread(target=self._loop, name="commit", daemon=True)
        self._thread.start()

    def _loop(self) -> None:
        while told := os.read(self._told, _MANY):
            for _ in told:
                self._run_one()
                os.write(self._say, _BYTE)

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
        return self._heard

    def doRead(self) -> None:
        """Twisted's hook."""
        self._hear(os.read(self._heard, _MANY))

    def connectionLost(self, reason: Failure) -> None:
        """Twisted's hook. The pipe is ours at both ends."""

    def logPrefix(self) -> str:
        """Twisted's hook."""
        return "commit"
