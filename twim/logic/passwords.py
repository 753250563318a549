"""Password hashing, off the reactor's thread and bounded: a storm of log-ins must not starve the chat.

argon2id with the parameters OWASP's Password Storage Cheat Sheet gives first (19 MiB, 2 passes, 1 lane): some 20 ms
of one core. Verifying an unknown mobile costs the same as a wrong password, so that timing tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from twim.errors import TooMany

T = TypeVar("T")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
THREADS: Final = 1  # hashing lets go of the interpreter, so one thread is one core that the chat doesn't get
WAITING: Final = 256  # about five seconds of work; more are told to come again


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, reactor: IReactorFromThreads) -> None:
        self._reactor = reactor
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._pool = ThreadPool(0, THREADS, "passwords")
        self._waiting = 0
        self._decoy = ""

    def start(self) -> None:
        """Start the thread."""
        self._pool.start()

    def stop(self) -> None:
        """End the thread after what it does."""
        self._pool.stop()

    async def hash(self, passwd: str) -> str:
        """A hash to store. `TooMany` when too many wait."""
        return await self._run(lambda: self._hasher.hash(passwd))

    async def check(self, stored: str | None, passwd: str) -> bool:
        """Whether `passwd` is the one; without a stored hash it takes as long and is false."""
        return await self._run(lambda: self._check(stored, passwd))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _check(self, stored: str | None, passwd: str) -> bool:
        if not self._decoy:
            self._decoy = self._hasher.hash("nobody's password")
        try:
            return self._hasher.verify(stored or self._decoy, passwd) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    def _run(self, work: Callable[[], T]) -> Deferred[T]:
        if self._waiting >= WAITING:
            raise TooMany("too many log-ins at once", retry_after=5)
        self._waiting += 1

        def done(result: T) -> T:
            self._waiting -= 1
            return result

        hashing = deferToThreadPool(self._reactor, self._pool, work)
        return hashing.addBoth(done)
