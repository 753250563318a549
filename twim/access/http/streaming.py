"""Answers that are made piece by piece, as fast as the client reads them, so that little of them waits in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from twisted.web.server import Request

from twim.errors import Refusal
from twim.storage.files.gate import Gate
from twim.wire import envelope

PIECE: Final = 64 * 1024  # bytes written at once; as much again may wait in a transport
TOGETHER: Final = 50  # rows of users and groups read in one hop: at most 1.5 KiB each
_log = Logger()


async def send_pieces(
    request: Request,
    pieces: AsyncIterator[bytes],
    begin: Callable[[], object],
    sign: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """Write the pieces of an answer, each when the one before has been taken. `begin` sets the headers, once there is
    a first piece: what fails until then is raised, later it breaks the answer off. `sign` signs the URLs of files in
    it. Gives what is left to write."""
    async with aclosing(cast(Any, pieces)) as made:
        first = await _next(made)
        begin()
        gate = Gate()
        request.registerProducer(gate, True)
        try:
            request.write(sign(first))
            while await gate.passed() and (piece := await _next(made)):
                if not gate.stopped:
                    request.write(sign(piece))
        except CancelledError:
            raise
        except Exception as error:
            # The status is said already; only a broken connection tells that this is not all.
            if isinstance(error, Refusal):
                _log.warn("an answer to {path} broke off: {why}", path=request.path, why=error.msg)
            else:
                _log.failure("an answer to {path} broke off", path=request.path)
            request.loseConnection()
        finally:
            if request.channel is not None:
                request.unregisterProducer()
    return b""


async def _next(pieces: AsyncIterator[bytes]) -> bytes:
    # Not anext(): with a default it can't wait for a Deferred.
    async for piece in pieces:
        return piece
    return b""


async def rows_in_pieces(
    slices: AsyncIterator[Sequence[bytes]], total: int = -1, **more: object
) -> AsyncIterator[bytes]:
    """The envelope of a list around rows that are JSON already; `total` is their number unless told."""
    piece = [envelope.ROWS]
    size = count = 0
    async for rows in slices:
        for row in rows:
            piece += (b",", row) if count else (row,)
            count += 1
            size += len(row)
            if size >= PIECE:
                yield b"".join(piece)
                piece, size = [], 0
    yield b"".join(piece) + envelope.rows_end(count if total < 0 else total, **more)


async def listed(
    ids: Sequence[int], read: Callable[[Sequence[int]], Awaitable[Sequence[object]]]
) -> AsyncIterator[list[bytes]]:
    """The rows of these, read some at a time."""
    for start in range(0, len(ids), TOGETHER):
        yield [envelope.encode(row) for row in await read(ids[start : start + TOGETHER])]
