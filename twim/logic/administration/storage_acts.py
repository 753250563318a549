"""What administrators see of the file store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twim.logic.administration.acts import Actor, Result
from twim.logic.administration.values import Longest
from twim.storage.storage_use import StorageUse


class StorageActs:
    """The act `storage.list`."""

    def __init__(self, use: StorageUse) -> None:
        self._use = use
        self.acts: dict[str, Callable[..., Awaitable[Result]]] = {"storage.list": self.list}

    async def list(self, values: Longest, actor: Actor) -> Result:
        """Who takes how much, the most first: `user, nickname, files, bytes`; and beside the rows `files` and `bytes`
        of all users together."""
        rows, files, size = await self._use.largest(values.limit)
        return {"rows": rows, "next": 0, "files": files, "bytes": size}
