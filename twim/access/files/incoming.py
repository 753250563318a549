"""The body of an upload on its way from the connection to the spool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred

from twim.access.files.multipart import Upload, UploadBody, fields_ahead
from twim.errors import Refusal
from twim.storage.files.threads import FileThreads

ENOUGH_BYTES: Final = 1 << 18
"""How many bytes may wait for a thread. With more, the connection isn't read until the thread has taken them."""

AHEAD_BYTES: Final = 1 << 16
"""If the token is a field of the body, it must come within so many bytes."""


class Gone(Exception):
    """The client has gone, or was refused, before the whole body had come."""


class IncomingBody:
    """Takes the bytes of a body on the reactor's thread (`take`), and has them parsed, hashed and written in another
    one.

    `pause` and `resume` act on the connection. The memory holds at most `ENOUGH_BYTES` and one read of the connection,
    and as much again in the thread. `take` raises `too_large` when there are more than `most` bytes in all.
    """

    def __init__(
        self,
        threads: FileThreads,
        pause: Callable[[], None],
        resume: Callable[[], None],
        most: int,
        too_large: Refusal,
    ) -> None:
        self._threads = threads
        self._pause = pause
        self._resume = resume
        self._most = most
        self._too_large = too_large
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._bytes_in_all = 0
        self._ended = self._lost = False
        self._waiting: Deferred[None] | None = None

    def take(self, data: bytes) -> None:
        """The next piece has come."""
        self._bytes_in_all += len(data)
        if self._bytes_in_all > self._most:
            raise self._too_large
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes >= ENOUGH_BYTES:
            self._pause()
        self._wake()

    def end(self) -> None:
        """The whole body has come."""
        self._ended = True
        self._wake()

    def lose(self) -> None:
        """The client has gone: no more will come, and nobody waits for an answer."""
        self._lost = True
        self._wake()

    async def ahead(self, boundary: str) -> dict[str, str]:
        """The fields that come before the file, as soon as they are there. It leaves all bytes where they are."""
        while True:
            fields, begun = fields_ahead(boundary, b"".join(self._pieces))
            if begun or self._ended or self._bytes >= AHEAD_BYTES:
                return fields
            await self._change()

    async def into(self, body: UploadBody) -> Upload:
        """Give everything to `body`, up to the end. Unless the body is complete and correct, nothing is left on the
        disk."""
        try:
            while piece := await self._next():
                await self._threads.run(body.take, piece)
            return await self._threads.run(body.finish)
        except BaseException:
            await self._threads.run(body.discard)
            raise

    async def _next(self) -> bytes:
        """All bytes that have come, or b"" at the end."""
        while not self._pieces and not self._ended:
            await self._change()
        if self._lost:
            raise Gone
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        self._resume()
        return b"".join(pieces)

    async def _change(self) -> None:
        if self._lost:
            raise Gone
        self._waiting = Deferred()
        await self._waiting
        if self._lost:
            raise Gone

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
