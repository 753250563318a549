"""Reads the users of new connections from the storage when they aren't known from memory: token, friends and groups.

Users who connect while others are being read are read together, with the next call. After a restart everybody connects
at once: then many users share two statements and one call to a thread, instead of two calls for each user.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twim.errors import NotLoggedIn, TooMany
from twim.hub.hub import Hub
from twim.logic.accounts import LoggedIn, Tokens
from twim.storage.interface import Circle
from twim.storage.relations import RelationStore

TOGETHER: Final = 100  # users read in one call; half a million rows if each has as many friends as one may have
WAITING: Final = 20_000  # connections that may wait to be read; more are refused


class Authentication:
    """Tells whose tokens those of new connections are. Reactor thread only."""

    def __init__(self, tokens: Tokens, relations: RelationStore, hub: Hub) -> None:
        self._tokens = tokens
        self._relations = relations
        self._hub = hub
        self._waiting: dict[Deferred[tuple[LoggedIn, Circle]], bytes] = {}
        self._reading = False

    def read(self, tokenhash: bytes) -> Deferred[tuple[LoggedIn, Circle]]:
        """Whose token this is, and whom they may write to, both as of now. `NotLoggedIn`; `TooMany` and
        `Unavailable` from the storage."""
        if len(self._waiting) >= WAITING:
            return fail(TooMany("too many arrive at once"))
        waiting: Deferred[tuple[LoggedIn, Circle]] = Deferred(self._gone)
        self._waiting[waiting] = tokenhash
        if not self._reading:
            self._read_some()
        return waiting

    def _gone(self, cancelled: Deferred[tuple[LoggedIn, Circle]]) -> None:
        self._waiting.pop(cancelled, None)

    def _read_some(self) -> None:
        asked = dict(islice(self._waiting.items(), TOGETHER))
        for waiting in asked:
            del self._waiting[waiting]
        known = {one: who for one in asked.values() if (who := self._tokens.known(one)) is not None}
        unknown = list({one for one in asked.values() if one not in known})
        self._reading = True
        reading = self._relations.arriving(unknown, [who.userid for who in known.values()])
        reading.addBoth(self._read, asked, known, self._now())

    def _read(
        self,
        result: Any,
        asked: dict[Deferred[tuple[LoggedIn, Circle]], bytes],
        known: dict[bytes, LoggedIn],
        then: tuple[int, int],
    ) -> None:
        for waiting, tokenhash in asked.items():
            if waiting.called:
                continue
            if isinstance(result, Failure):
                waiting.errback(result)
            elif self._now() != then:
                # Something changed while this was read, and the change couldn't be applied to a user who isn't here
                # yet; and the token of a device that was logged out must not be kept. So it is read again.
                self._waiting[waiting] = tokenhash
            elif tokenhash in known or tokenhash in result[0]:
                who = known.get(tokenhash) or self._tokens.learn(tokenhash, *result[0][tokenhash])
                waiting.callback((who, result[1][who.userid]))
            else:
                waiting.errback(NotLoggedIn())
        self._reading = False
        if self._waiting:
            self._read_some()

    def _now(self) -> tuple[int, int]:
        return self._tokens.ended, self._hub.changes
