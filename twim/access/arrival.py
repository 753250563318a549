"""An upload on its way from the socket to the spool."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from twim.access.parts import Upload, UploadBody, fields_ahead
from twim.storage.files.threads import FileThreads

ENOUGH_BYTES = 1 << 18
"""What may wait for a thread; then the socket is read no more until it is taken."""

AHEAD_BYTES = 1 << 16
"""Within which a token that is a field of the body must have come."""


class Gone(Exception):
    """The client went away before its body was whole."""


class Arrival:
    """Bytes come in by `take` on the reactor's thread and are parsed, hashed and written in another.

    `pause` and `resume` act on the socket. In memory is no more than `ENOUGH_BYTES` and one read of the
    socket, and as much again in the thread.
    """

    def __init__(self, threads: FileThreads, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._threads = threads
        self._pause = pause
        self._resume = resume
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._ended = self._lost = False
        self._waiting: Deferred[None] | None = None

    def take(self, data: bytes) -> None:
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes >= ENOUGH_BYTES:
            self._pause()
        self._wake()

    def end(self) -> None:
        """The body is whole."""
        self._ended = True
        self._wake()

    def lose(self) -> None:
        """No more will come, and nobody waits for an answer."""
        self._lost = True
        self._wake()

    async def ahead(self, boundary: str) -> dict[str, str]:
        """The fields that come before the file; takes nothing."""
        while True:
            fields, begun = fields_ahead(boundary, b"".join(self._pieces))
            if begun or self._ended or self._bytes >= AHEAD_BYTES:
                return fields
            await self._change()

    async def into(self, body: UploadBody) -> Upload:
        """Everything from here to the end, into `body`; nothing is left on disk unless it was whole and
        right."""
        try:
            while piece := await self._next():
                await self._threads.run(body.take, piece)
            return await self._threads.run(body.finish)
        except BaseException:
            await self._threads.run(body.discard)
            raise

    async def _next(self) -> bytes:
        """All that has come; b"" at the end."""
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
