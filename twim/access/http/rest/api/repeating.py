"""Requests that are sent again under the same ``Idempotency-Key`` are done once, and answered alike for a day."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from twim.errors import Conflict, Malformed, Refusal
from twim.storage.idempotency import RUNNING, IdempotencyStore

NAME: Final = 200  # characters of a request's name
OK: Final = 200


class Repeating:
    """Keeps answers."""

    def __init__(self, store: IdempotencyStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    async def answer(
        self, key: int, name: str, asked: bytes, is_secret: bool, work: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """What `work` gives, or gave to the first request of this name, which asked the same. One that was refused did
        nothing, and may be sent again. `Malformed` (422) when the first one asked something else; `Conflict` while it
        runs, and where its answer had a secret or isn't kept any more."""
        if len(name) > NAME:
            raise Malformed(f"Idempotency-Key: at most {NAME} characters")
        named, hashed = _hash(name.encode("utf-8", "surrogatepass")), _hash(asked)
        kept = await self._store.begin(key, named, hashed, self._now_ms())
        if kept is None:
            return await self._do(key, named, is_secret, work)
        if kept.request != hashed:
            raise Malformed("Idempotency-Key: was used for another request", status=422)
        if kept.status == RUNNING:
            raise Conflict("the first request with this Idempotency-Key still runs")
        if not kept.answer:
            raise Conflict("the answer to this Idempotency-Key is not kept")
        return kept.answer

    async def _do(self, key: int, named: bytes, is_secret: bool, work: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            body = await work()
        except Refusal:
            await self._store.forget(key, named)
            raise
        await self._store.keep(key, named, OK, b"" if is_secret else body)
        return body


def _hash(what: bytes) -> bytes:
    return hashlib.sha256(what).digest()
