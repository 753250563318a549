"""Hands each frame of a device to the part that handles it: a table says by `cmd` which part that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Failed, Malformed, Refusal, TooMany, told
from twim.hub.session import Session
from twim.logic.catchup import CatchUp
from twim.logic.policy import check_participant, is_told
from twim.logic.posting import Posting
from twim.logic.reading import Reading
from twim.logic.routing import Routing
from twim.logs.context import log_id_of
from twim.wire import envelope
from twim.wire.commands import CATCH_UP, GROUP, HEARTBEAT, READ, SINGLE, TYPING
from twim.wire.message import Frame, decode_frame, marks_of

MARKS: Final = 200  # read marks of one device that may wait for the storage; more are refused


class Dispatch:
    """Takes every frame of every session. Never raises."""

    log = Logger()

    def __init__(
        self,
        posting: Posting,
        catchup: CatchUp,
        reading: Reading,
        routing: Routing,
        seconds: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._posting = posting
        self._catchup = catchup
        self._reading = reading
        self._routing = routing
        self._seconds = seconds
        self._now_ms = now_ms
        self._table: Final[dict[int, Callable[[Session, Frame], None]]] = {
            HEARTBEAT: self._heartbeat,
            CATCH_UP: catchup.answer,
            TYPING: self._typing,
            READ: self._read,
            SINGLE: posting.say,
            GROUP: posting.say,
        }

    def received(self, session: Session, payloads: Sequence[bytes]) -> None:
        """Do what the frames ask for. A wrong frame is answered with a refusal, and the next one is handled."""
        table = self._table
        for payload in payloads:
            # One of the frames before may have closed the connection.
            if session.socket is None:
                return
            try:
                frame = decode_frame(payload)
            except Refusal as refused:
                self._refuse(session, refused, *marks_of(payload))
                continue
            if session.opening is not None and frame.cmd != CATCH_UP:
                session.release({})
            try:
                table.get(frame.cmd, _unknown)(session, frame)
            except Refusal as refused:
                self._refuse(session, refused, frame.id, frame.cid)
            except Exception:
                self._log_bug(Failure(), session, frame)
                self._refuse(session, Failed(), frame.id, frame.cid)

    def _refuse(self, session: Session, refused: Refusal, its_id: int, cid: str) -> None:
        session.refuse(refused, its_id, cid, self._seconds())

    def _heartbeat(self, session: Session, frame: Frame) -> None:
        session.say(envelope.heartbeat(self._now_ms()))

    def _typing(self, session: Session, frame: Frame) -> None:
        user = session.user
        check_participant(user, frame.scope, frame.dstid)
        if not is_told(user, frame.scope, frame.dstid):
            return
        if frame.scope == GROUP:
            self._routing.to_group(frame.dstid, envelope.typing(GROUP, frame.dstid, user.id), but=session)
        elif frame.dstid != user.id:
            self._routing.to_users([frame.dstid], envelope.typing(SINGLE, user.id, user.id))

    def _read(self, session: Session, frame: Frame) -> None:
        if frame.seq < 1:
            raise Malformed("seq: from 1 on")
        if session.marks >= MARKS:
            raise TooMany("too many read marks at once")
        session.marks += 1
        running = Deferred.fromCoroutine(self._reading.read(session, frame.scope, frame.dstid, frame.seq))
        running.addErrback(self._failed, session, frame)
        running.addBoth(self._marked, session)

    def _marked(self, _: object, session: Session) -> None:
        session.marks -= 1

    def _failed(self, failure: Failure, session: Session, frame: Frame) -> None:
        refused = told(failure.value)
        if refused is not failure.value:
            self._log_bug(failure, session, frame)
        self._refuse(session, refused, frame.id, frame.cid)
        self._routing.flush()

    def _log_bug(self, failure: Failure, session: Session, frame: Frame) -> None:
        self.log.failure(
            "cmd {cmd} of user {userid} failed",
            failure,
            cmd=frame.cmd,
            userid=session.user.id,
            connection=log_id_of(session.socket),
        )


def _unknown(session: Session, frame: Frame) -> None:
    raise Malformed("cmd: unknown")
