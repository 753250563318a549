"""Removing files that nothing refers to: uploads whose message was never sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from twisted.logger import Logger

from twim.storage.files.interface import FileStore, Stored, stem_of

OLDER_THAN = 86400.0
"""Seconds a file may wait for the message that refers to it."""

ASKED_TOGETHER = 500
"""Stems in one question to the database."""

Referenced = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Of some stems (``ab/cdef…``, see `twim.storage.files.interface`), those that a message, an avatar or a
group's icon refers to. Whoever finds out may refuse by an exception: then nothing more is removed."""

Forget = Callable[[Collection[str], float], Awaitable[None]]
"""Told of the stems of files that were removed, and until when (seconds since 1970) they had been stored."""

_log = Logger()


async def sweep(
    store: FileStore, referenced: Referenced, forget: Forget, now: float, older_than: float = OLDER_THAN
) -> tuple[int, int]:
    """Removes the files stored before `now` (seconds since 1970) less `older_than` that aren't referred to,
    and gives how many there were and their bytes.

    A file and its thumbnail have one stem, and so one fate.
    """
    before = now - older_than
    gone: list[int] = []
    some: list[Stored] = []
    async for found in store.stored():
        if found.modified < before:
            some.append(found)
        if len(some) >= ASKED_TOGETHER:
            gone += await _remove(store, referenced, forget, some, before)
            some = []
    gone += await _remove(store, referenced, forget, some, before)
    _log.info("swept {count} files, {size} bytes", count=len(gone), size=sum(gone))
    return len(gone), sum(gone)


async def _remove(
    store: FileStore, referenced: Referenced, forget: Forget, some: list[Stored], before: float
) -> list[int]:
    """The sizes of those removed."""
    kept = set(await referenced({stem_of(found.name) for found in some})) if some else set()
    orphans = [found for found in some if stem_of(found.name) not in kept]
    gone = [found for found in orphans if await store.delete(found.name, before)]
    if gone:
        await forget({stem_of(found.name) for found in gone}, before)
    return [found.size for found in gone]
