"""Erasing a user, who stays as the nameless author of recalled messages.

The user is cut off first. Then what lies in the log is emptied, some messages at a time. An erasure that a stop of the
server interrupts is finished at the next start of a node, or by asking for it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal, Unavailable
from twim.logic.accounts import Accounts
from twim.logic.groups import Groups
from twim.logic.leaving import leave_all
from twim.logic.pauses import Pauses
from twim.logic.relations import Relations
from twim.logic.routing import Routing
from twim.logic.unused_files import UnusedFiles
from twim.storage.attempts import key_of
from twim.storage.erasure import EMPTIED, LOOKED_AT, ErasureStore
from twim.storage.interface import Key
from twim.wire import envelope
from twim.wire.commands import SINGLE

PASSES: Final = 2  # over the log; the second finds what was taken just before the user was cut off
_TOLD_TOGETHER: Final = 500  # conversations whose participants are looked for in one transaction


class Erasure:
    """Erases users. `decided` gives a Deferred that fires when every message that this node has taken is stored."""

    log = Logger()

    def __init__(
        self,
        store: ErasureStore,
        accounts: Accounts,
        relations: Relations,
        groups: Groups,
        files: UnusedFiles,
        routing: Routing,
        decided: Callable[[], Awaitable[None]],
        pauses: Pauses,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._relations = relations
        self._groups = groups
        self._files = files
        self._routing = routing
        self._decided = decided
        self._pauses = pauses
        self._now_ms = now_ms

    async def erase(self, userid: int) -> None:
        """Erase the user's name, mobile, avatar, devices, relations and words. Once more does what is left. `NotFound`;
        `Conflict` for the last administrator; `Unavailable` when the node stops meanwhile."""
        begun = await self._store.begin(userid, _counts_of)
        for deviceid in begun.devices:
            self._accounts.forget(userid, deviceid)
        await self._leave(userid)
        await self._delete_files(begun.files)
        spoken = await self._empty(userid)
        await self._tell(userid, spoken)
        await self._store.finish(userid)
        self.log.info("erased user {userid}", userid=userid)

    def begin_resuming(self) -> None:
        """Begin to `resume`, while the node does everything else."""
        Deferred.fromCoroutine(self.resume()).addErrback(self._not_resumed)

    def _not_resumed(self, failure: Failure) -> None:
        if failure.check(Refusal):
            self.log.warn("erasures wait for the next start: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("erasures wait for the next start", failure)

    async def resume(self) -> None:
        """Finish the erasures that a stop of the server interrupted."""
        for userid in await self._store.unfinished():
            try:
                await self.erase(userid)
            except Unavailable:
                raise
            except Refusal as refused:
                self.log.error("user {userid} can't be erased: {why}", userid=userid, why=refused.msg)

    async def _leave(self, userid: int) -> None:
        """End friendships and memberships, so that all nodes know it at once."""
        await leave_all(userid, self._relations, self._groups)
        await self._store.forget_relations(userid)

    async def _empty(self, userid: int) -> set[int]:
        """Empty the user's messages. Gives the ids of their conversations."""
        spoken: set[int] = set()
        start = 0
        for _ in range(PASSES):
            await self._decided()
            newest = await self._store.newest()
            while start < newest:
                end = min(start + LOOKED_AT, newest)
                began = self._pauses.now()
                places = await self._store.said(userid, start, end)
                await self._pauses.after(began)
                for first in range(0, len(places), EMPTIED):
                    began = self._pauses.now()
                    await self._delete_files(await self._store.empty(userid, places[first : first + EMPTIED]))
                    await self._pauses.after(began)
                spoken.update(place.conversation_id for place in places)
                start = end
        return spoken

    async def _delete_files(self, names: set[str]) -> None:
        await self._files.delete(names, self._now_ms() / 1000)

    async def _tell(self, userid: int, spoken: set[int]) -> None:
        """Let those who may have the user's words in memory forget them."""
        ordered = sorted(spoken)
        for start in range(0, len(ordered), _TOLD_TOGETHER):
            keys = await self._store.keys(ordered[start : start + _TOLD_TOGETHER])
            for payload in (envelope.changed("erased", userid=userid), envelope.changed("profile", userid=userid)):
                self._routing.to_users(_peers(userid, keys), payload)
                for scope, group, _ in keys:
                    if scope != SINGLE:
                        self._routing.to_group(group, payload)
            self._routing.flush()


def _counts_of(userid: int, mobile: str) -> list[bytes]:
    """The keys of what is counted of the user's attempts."""
    return [key_of("login", "account", mobile), key_of("search", "user", userid)]


def _peers(userid: int, keys: Sequence[Key]) -> list[int]:
    return sorted({a if b == userid else b for scope, a, b in keys if scope == SINGLE} - {userid})
