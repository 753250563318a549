"""Who arrives and isn't known from memory: token, friends and groups, read from the storage in one hop.

Who comes while others are read is read with the next: after a restart everybody comes at once, and pays a part of two
statements instead of two hops.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from twim.access.roster import Roster
from twim.errors import NotLoggedIn, TooMany
from twim.logic.accounts import LoggedIn, Tokens
from twim.storage.relations import Circle, Relations

TOGETHER: Final = 100  # newcomers read in one hop; half a million rows if each has as many friends as one may have
WAITING: Final = 20_000  # newcomers that may wait; more are refused


class Newcomers:
    """Reads who they are. Reactor thread only."""

    def __init__(self, tokens: Tokens, relations: Relations, roster: Roster) -> None:
        self._tokens = tokens
        self._relations = relations
        self._roster = roster
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
                # What changed while this was read found nobody here to tell, and a device that ended is not to be
                # kept: read it again.
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
        return self._tokens.ended, self._roster.changes
