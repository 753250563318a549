"""Deleting files of the store as soon as nothing refers to them any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from twisted.logger import Logger

from twim.errors import Refusal
from twim.storage.files.interface import THUMB, FileStore, stem_of
from twim.storage.files.sweep import Referenced

THUMB_SUFFIX: Final = f"{THUMB}.webp"


class UnusedFiles:
    """Deletes files that were referred to."""

    log = Logger()

    def __init__(self, store: FileStore, referenced: Referenced) -> None:
        self._store = store
        self._referenced = referenced

    async def delete(self, names: Collection[str], before: float) -> tuple[int, int]:
        """Delete those of these files, and their thumbnails, that nothing refers to and that were stored before the
        time `before` (seconds since 1970). Gives how many there were, and their bytes. What the store refuses now is
        left to the daily sweep."""
        stems = {stem_of(name) for name in names}
        kept = set(await self._referenced(stems)) if stems else set()
        files = size = 0
        for name in sorted({*names, *(stem + THUMB_SUFFIX for stem in stems)}):
            if stem_of(name) in kept:
                continue
            try:
                found = await self._store.find(name)
                if found is not None and await self._store.delete(name, before):
                    files, size = files + 1, size + found.size
            except Refusal as refused:
                self.log.warn("a file can't be deleted now: {why}", why=refused.msg)
        return files, size
