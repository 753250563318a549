"""Deleting messages and files by their age, while the server runs: a little at a time, with pauses for everybody
else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from twisted.logger import Logger

from twim.errors import Conflict, Malformed, NotFound
from twim.logic.pauses import Pauses
from twim.logic.unused_files import UnusedFiles
from twim.storage.conversations import Conversations
from twim.storage.files.sweep import OLDER_THAN
from twim.storage.interface import Key
from twim.storage.retention import Aged, RetentionStore
from twim.wire.commands import GROUP, SINGLE

DAYS: Final = 36_500  # the most that may be asked for
DAY_MS: Final = 24 * 3600 * 1000
TOGETHER: Final = 8  # single chats whose floors rise in one transaction; of groups, which may be large, one


class Retention:
    """Deletes what is older than some days."""

    log = Logger()

    def __init__(
        self,
        store: RetentionStore,
        conversations: Conversations,
        files: UnusedFiles,
        pauses: Pauses,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._files = files
        self._pauses = pauses
        self._now_ms = now_ms
        self._running = False

    async def delete_older(self, days: int, group: int = 0) -> dict[str, int]:
        """Delete the messages that are older than `days` (1 to 36,500), of all conversations or of one group, and the
        files that only they carried. Gives `messages`, `files` and `bytes` (of the files). `Malformed`; `NotFound` for
        a group that isn't there; `Conflict` while another deletion runs on this node. What a refusal or a stop
        interrupts is done by the next deletion."""
        if not 1 <= days <= DAYS:
            raise Malformed(f"days: 1 to {DAYS}")
        if self._running:
            raise Conflict("a deletion is running")
        self._running = True
        try:
            return await self._delete(self._now_ms(), days, (GROUP, group, 0) if group else None)
        finally:
            self._running = False

    async def _delete(self, now: int, days: int, only: Key | None) -> dict[str, int]:
        if only is not None and not await self._store.conversation_exists(only):
            raise NotFound("no such group")
        messages = files = size = after = 0
        while True:
            began = self._pauses.now()
            aged, after = await self._store.aged(after, now - days * DAY_MS, only)
            await self._pauses.after(began)
            await self._raise_floors(aged)
            while aged:
                began = self._pauses.now()
                done = await self._store.delete(aged)
                await self._pauses.after(began)
                # As the daily sweep does, this leaves what somebody has uploaded lately, perhaps to send it again.
                gone = await self._files.delete(done.files, now / 1000 - OLDER_THAN)
                messages, files, size = messages + done.messages, files + gone[0], size + gone[1]
                aged = done.left
            if not after:
                break
        self.log.info("deleted {messages} messages and {files} files by their age", messages=messages, files=files)
        return {"messages": messages, "files": files, "bytes": size}

    async def _raise_floors(self, aged: Sequence[Aged]) -> None:
        for some in _together(aged):
            began = self._pauses.now()
            await self._store.raise_floors(some)
            for one in some:
                self._conversations.cut(one.key, one.floor)
            await self._pauses.after(began)


def _together(aged: Sequence[Aged]) -> Iterator[list[Aged]]:
    singles = [one for one in aged if one.key[0] == SINGLE]
    for start in range(0, len(singles), TOGETHER):
        yield singles[start : start + TOGETHER]
    for one in aged:
        if one.key[0] != SINGLE:
            yield [one]
