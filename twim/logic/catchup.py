"""Catch-up: what a device missed, then the list of its conversations.

While it runs the session is held (see `access.session`): live messages wait, and those the catch-up gave already are
dropped. So a device gets every message once and in order. What is missed may be much larger than what may wait for
a slow reader, so it is read in pieces and the next piece waits until the socket has taken the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.access.session import OUTBOX, Session
from twim.errors import Refusal, told
from twim.logic.routing import Routing
from twim.storage.conversations import PAGE, Conversations, Row
from twim.wire import envelope
from twim.wire.frames import text_frame
from twim.wire.message import Frame

PIECE: Final = 250  # messages read in one hop; a conversation's are read together, so it may be a PAGE more
SLICE: Final = OUTBOX // 4  # bytes given to the socket before it must have taken them
DRAIN_SECONDS: Final = 0.02  # how often a slow reader is looked at
DRAIN_TRIES: Final = 1_500  # looks (30 s) after which the connection is given up


class CatchUp:
    """Answers `cmd` 4."""

    log = Logger()

    def __init__(self, conversations: Conversations, routing: Routing, epoch: str, clock: IReactorTime) -> None:
        self._conversations = conversations
        self._routing = routing
        self._epoch = epoch
        self._clock = clock

    def answer(self, session: Session, asked: Frame) -> None:
        """Begin to answer; one at a time for a session."""
        if session.catching_up:
            raise Refusal("a catch-up is running")
        session.catching_up = True
        session.hold()
        running = Deferred.fromCoroutine(self._run(session, asked))
        running.addErrback(self._failed, session, asked)

    async def _run(self, session: Session, asked: Frame) -> None:
        reset = bool(asked.epoch) and asked.epoch != self._epoch
        have = {} if reset or asked.have is None else asked.have
        await self._routing.elsewhere.settled(session.user)
        rows = await self._conversations.rows(session.user.id)
        lines = []
        wanted = []
        for row in rows:
            had = have.get(row.name, 0)
            missing = row.seq - had
            lines.append(row.json(more=missing > PAGE))
            if 0 < missing <= PAGE:
                wanted.append((row.place, had, row.seq))
        for piece in _pieces(wanted):
            found = await self._conversations.after(piece)
            await self._give(session, [body for bodies in found for body in bodies])
            if session.socket is None:
                return
        session.say(envelope.caught_up(self._epoch, lines, reset))
        self._end(session, rows)

    async def _give(self, session: Session, bodies: list[bytes]) -> None:
        size = 0
        for body in bodies:
            session.put(text_frame(body))
            size += len(body)
            if size >= SLICE:
                size = 0
                await self._taken(session)
        await self._taken(session)

    async def _taken(self, session: Session) -> None:
        self._routing.flush()
        tries = 0
        while session.socket is not None and session.paused:
            tries += 1
            if tries > DRAIN_TRIES:
                session.shut(1013, "too slow")
                return
            await deferLater(self._clock, DRAIN_SECONDS)

    def _end(self, session: Session, rows: list[Row]) -> None:
        session.catching_up = False
        if session.socket is not None:
            floors = self._routing.elsewhere.behind(session.user.id, rows)
            session.release({row.name: row.seq for row in rows}, floors)
        self._routing.flush()

    def _failed(self, failure: Failure, session: Session, asked: Frame) -> None:
        refused = told(failure.value)
        if refused is not failure.value:
            self.log.failure("a catch-up failed", failure)
        session.refuse(refused, asked.id, asked.cid, self._clock.seconds())
        self._end(session, [])


def _pieces(wanted: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    piece: list[tuple[int, int, int]] = []
    size = 0
    for one in wanted:
        piece.append(one)
        size += one[2] - one[1]
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
