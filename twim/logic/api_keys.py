"""Keys of other programs: who has which, what each may do, and that one that is revoked opens nothing at once.

All keys are in memory. A node that changes them tells the others on the bus; one that wasn't told reads them within
`POLL_SECONDS`, when it also writes down which ones were used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import NotLoggedIn, NotYours
from twim.logic.routing import Routing
from twim.storage.api_keys import ApiKey, ApiKeyStore

KEY_PREFIX: Final = "twk_"
KEY_CHARS: Final = 100  # a longer text can't be a key of ours
READ: Final = "read"
ADMIN: Final = "admin"
POLL_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 1.0  # an unknown key is looked for in the database at most so often
NO_KEY: Final = "no such key"


def hash_key(key: str) -> bytes:
    """What is stored of a key. It has 192 random bits, so a plain hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def check_scope(key: ApiKey, scope: str, reads: bool = False) -> None:
    """`NotYours` for a key without this scope; what only `reads` may be done with the scope `read` as well."""
    has = key.scopes.split(",")
    if scope not in has and not (reads and READ in has):
        raise NotYours(f"the key has no scope {scope}")


class ApiKeys:
    """The keys as this node knows them."""

    log = Logger()

    def __init__(self, store: ApiKeyStore, routing: Routing, clock: IReactorTime, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._routing = routing
        self._clock = clock
        self._now_ms = now_ms
        self._keys: dict[bytes, ApiKey] = {}
        self._used: set[int] = set()
        self._looked: float | None = None
        self._reading = self._learned = 0
        self._polling = LoopingCall(self._poll)
        self._polling.clock = clock

    def start(self) -> None:
        """Read them, and go on reading from time to time."""
        self._polling.start(POLL_SECONDS)

    def stop(self) -> None:
        """Read them no more."""
        if self._polling.running:
            self._polling.stop()

    def known(self, key: str) -> ApiKey | None:
        """The key, if it is known without a query."""
        if not key.startswith(KEY_PREFIX) or len(key) > KEY_CHARS:
            return None
        return self._keys.get(hash_key(key))

    async def check(self, key: str) -> ApiKey:
        """The key. `NotLoggedIn` if there is none."""
        found = self.known(key)
        if found is None and key.startswith(KEY_PREFIX) and self._may_look():
            await self.read()
            found = self.known(key)
        if found is None:
            raise NotLoggedIn(NO_KEY)
        self._used.add(found.id)
        return found

    def _may_look(self) -> bool:
        now = self._clock.seconds()
        if self._looked is not None and now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        return True

    async def read(self) -> None:
        """Learn what the database has."""
        self._reading += 1
        this = self._reading
        keys = await self._store.by_hash()
        # Of two readings under way the one that began later knows more.
        if this > self._learned:
            self._learned = this
            self._keys = keys

    async def changed(self) -> None:
        """Keys were changed here: learn it, and tell the other nodes."""
        self._routing.other_nodes.settings_changed()
        await self.read()

    def heard(self) -> None:
        """Another node says that something changed, or may have."""
        Deferred.fromCoroutine(self.read()).addErrback(self._failed)

    def _poll(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._tell_and_read()).addErrback(self._failed)

    async def _tell_and_read(self) -> None:
        used, self._used = self._used, set()
        if used:
            await self._store.touch(sorted(used), self._now_ms())
        await self.read()

    def _failed(self, failure: Failure) -> None:
        self.log.warn("the keys can't be read now: {why}", why=failure.getErrorMessage())
