"""Catch-up: what a device missed, then the list of its conversations.

While a catch-up runs, the session is held (see `hub.outbox`): live messages wait, and those that the catch-up gave
already are dropped. So a device gets every message once and in order. The missed messages may be much larger than what
may wait for a slow reader. So they are read in pieces, and the next piece is read only when the socket has taken the
last one. Devices of one user that catch up at once share a quota (see `twim/hub/backlog.py`), and wait for each other
when it is used up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal, told
from twim.hub.backlog import ROW_BYTES, Backlogs, Quota
from twim.hub.session import Session
from twim.logic.history import shown
from twim.logic.routing import Routing
from twim.storage.conversation_list import Row
from twim.storage.conversation_pages import PAGE, SeqRange
from twim.storage.conversations import Conversations
from twim.wire import envelope
from twim.wire.frames import text_frames
from twim.wire.message import Frame

PIECE: Final = 64 * 1024  # bytes of messages read in one transaction, and taken by the socket before more are read
TOGETHER: Final = 250  # conversations that are read in one transaction
READING: Final = 256 * 1024  # quota while a user's conversations are read; then `ROW_BYTES` for each, and `IN_HAND`
IN_HAND: Final = 2 * PIECE  # read and framed; what the socket doesn't take then counts as what waits there
DRAIN_SECONDS: Final = 0.02  # how often it is checked whether a slow reader has read
DRAIN_TRIES: Final = 1_500  # checks (30 s) after which the connection is given up
CROWDED_TRIES: Final = 500  # the same (10 s) while other devices of the user wait for its quota


class CatchUp:
    """Answers `cmd` 4. `sign` gives a stored message with the URLs of its files signed."""

    log = Logger()

    def __init__(
        self,
        conversations: Conversations,
        routing: Routing,
        epoch: str,
        clock: IReactorTime,
        backlogs: Backlogs,
        sign: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._sign = sign
        self._conversations = conversations
        self._routing = routing
        self._epoch = epoch
        self._clock = clock
        self._backlogs = backlogs

    def answer(self, session: Session, asked: Frame) -> None:
        """Begin to answer. A session has only one catch-up at a time."""
        if session.catching_up:
            raise Refusal("a catch-up is running")
        session.catching_up = True
        session.hold()
        running = Deferred.fromCoroutine(self._within_quota(session, asked))
        running.addErrback(self._failed, session, asked)

    async def _within_quota(self, session: Session, asked: Frame) -> None:
        quota = self._backlogs.catch_ups(session.user.id)
        await quota.take(session, READING)
        try:
            if session.socket is not None:
                await self._run(session, asked, quota)
        finally:
            quota.leave(session)

    async def _run(self, session: Session, asked: Frame, quota: Quota) -> None:
        reset = bool(asked.epoch) and asked.epoch != self._epoch
        have = {} if reset or asked.have is None else asked.have
        await self._routing.other_nodes.settled(session.user)
        rows = await self._conversations.rows(session.user.id)
        quota.change(session, IN_HAND + ROW_BYTES * len(rows))
        wanted = _wanted(rows, have)
        while wanted and session.socket is not None:
            bodies, begun = await self._conversations.after(session.user.id, wanted[:TOGETHER], PIECE)
            wanted[:TOGETHER] = begun
            session.put(text_frames([self._sign(body) for body in bodies]))
            del bodies
            await self._taken(session, rows, quota)
        await self._give_rows(session, rows, have, reset, quota)
        if session.socket is not None:
            self._end(session, rows)

    async def _give_rows(
        self, session: Session, rows: list[Row], have: dict[str, int], reset: bool, quota: Quota
    ) -> None:
        """The last frame, or as many as it needs (RFC 6455, section 5.4): the newest messages of all conversations
        may be larger than what may wait."""
        lines: list[bytes] = []
        begin, size = envelope.catch_up_begin(self._epoch, reset), 0
        async for some in shown(self._conversations, rows, PIECE):
            for row in some:
                lines.append(self._sign(row.json(more=row.seq - _had(row, have) > PAGE)))
                size += len(lines[-1])
            if size >= PIECE and session.socket is not None:
                session.say_part(begin + b",".join(lines), is_last=False)
                begin, lines, size = b"", [b""], 0
                await self._taken(session, rows, quota)
            if session.socket is None:
                return
        session.say_part(begin + b",".join(lines) + envelope.CATCH_UP_END, is_last=True)

    async def _taken(self, session: Session, rows: list[Row], quota: Quota) -> None:
        self._routing.flush()
        if not session.paused:
            return
        tries = 0
        quota.change(session, ROW_BYTES * len(rows))
        while session.socket is not None and session.paused:
            tries += 1
            if tries > (CROWDED_TRIES if quota.waiting else DRAIN_TRIES):
                session.shut(1013, "too slow")
                return
            await deferLater(self._clock, DRAIN_SECONDS)
        quota.change(session, IN_HAND + ROW_BYTES * len(rows))

    def _end(self, session: Session, rows: list[Row]) -> None:
        session.catching_up = False
        if session.socket is not None:
            undelivered = self._routing.other_nodes.undelivered(session.user.id, rows)
            session.release({row.name: row.seq for row in rows}, undelivered)
        self._routing.flush()

    def _failed(self, failure: Failure, session: Session, asked: Frame) -> None:
        refused = told(failure.value)
        if refused is not failure.value:
            self.log.failure("a catch-up failed", failure)
        if session.in_parts:
            # Nothing can be said in the middle of a message.
            session.shut(1013, "try again later")
            return
        session.refuse(refused, asked.id, asked.cid, self._clock.seconds())
        self._end(session, [])


def _wanted(rows: Sequence[Row], have: dict[str, int]) -> list[SeqRange]:
    """What is missed of the conversations that miss no more than a page."""
    missed = ((row.conversation_id, _had(row, have), row.seq) for row in rows if row.is_listed)
    return [one for one in missed if 0 < one[2] - one[1] <= PAGE]


def _had(row: Row, have: dict[str, int]) -> int:
    """Up to which seq nothing is missed: the device has it, or its user may not read it."""
    return max(have.get(row.name, 0), row.floor - 1)
