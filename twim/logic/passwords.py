"""Password hashing, off the reactor's thread and bounded: a storm of log-ins must not starve the chat.

The hash is argon2id with the first parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane), which
takes about 20 ms of one core. An unknown mobile number takes as long as a wrong password, so that the time tells
nothing.
"""

from __future__ import annotations

import re
import unicodedata
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

MOST: Final = 128  # characters of a password; no longer one was ever accepted
_SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")

MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 2
LANES: Final = 1
THREADS: Final = 1  # hashing releases the GIL, so one thread is one core that the chat doesn't get
WAITING: Final = 1_000  # some twenty seconds of work: a school that logs in at nine; more are told to come again


def prepare(passwd: str) -> str:
    """A password as it is hashed: the same whichever keyboard wrote it, with `é` as one character or as two, and with
    any kind of space. As OpaqueString does it (RFC 8265, section 4.2), which would refuse more than is refused here."""
    return unicodedata.normalize("NFC", _SPACES.sub(" ", passwd))


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
        """End the thread when it has finished its current work."""
        self._pool.stop()

    async def hash(self, passwd: str) -> str:
        """The hash of a password, to be stored. `TooMany` if too many wait."""
        return await self._run(lambda: self._hasher.hash(passwd))

    async def check(self, stored: str | None, passwd: str) -> str | None:
        """The password by which a stored hash opens: `passwd` prepared or, of a hash made before passwords were, as it
        was typed. None when it is wrong; without a stored hash that takes as long."""
        typed = [passwd] if len(passwd) <= MOST and passwd != prepare(passwd) else []
        return await self._run(lambda: self._check(stored, [prepare(passwd), *typed]))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _check(self, stored: str | None, candidates: list[str]) -> str | None:
        if not self._decoy:
            self._decoy = self._hasher.hash("nobody's password")
        return next((one for one in candidates if self._opens(stored or self._decoy, one) and stored), None)

    def _opens(self, stored: str, passwd: str) -> bool:
        try:
            return self._hasher.verify(stored, passwd)
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
