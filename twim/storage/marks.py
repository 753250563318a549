"""Sending reads: the read marks that follow from a user's own messages.

A message already says who sent it, so with SQLite, which one process writes, the mark is kept in memory and written
once a second for all conversations together, with the newest message id it accounts for (`meta.marks_through`).
After a crash the marks are made again from the messages after that id, so none is lost.
Where several servers share the database the marks are moved in the transaction of the messages instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, select, update
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.storage.database import Database
from twim.storage.interface import Post
from twim.storage.moving import move_marks
from twim.storage.schema import message, meta

FLUSH_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 10.0  # after a refusal: messages go first when the storage is hard to get
_THROUGH: Final = "marks_through"


class SentMarks:
    """Marks noted since they were last written, by user and conversation id. Reactor thread only."""

    log = Logger()

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[tuple[int, int], int] = {}
        self._flushing: dict[tuple[int, int], int] = {}
        self._timer: IDelayedCall | None = None
        self._stopping = False

    def note(self, posts: Sequence[Post]) -> None:
        """These are stored: who sent one has read up to it."""
        if not self._database.is_sqlite:
            return
        self._noted.update({(post.message.userid, post.conversation.id): post.message.seq for post in posts})
        self._set_timer()

    def of(self, userid: int, place: int) -> int:
        """The mark not yet written, or 0."""
        key = (userid, place)
        return self._noted.get(key) or self._flushing.get(key, 0)

    def flush(self) -> Deferred[None]:
        """Write what is noted."""
        if not self._noted or self._flushing:
            return succeed(None)
        done: Deferred[None] = Deferred()

        def go() -> None:
            # In the writer's turn every committed message is noted, and none is being committed: the newest
            # message id accounts for exactly these marks.
            self._flushing, self._noted = self._noted, {}
            rows = [(user, place, seq) for (user, place), seq in self._flushing.items()]
            work = self._database.in_writer(
                lambda: self._database.transact(lambda connection: _write(connection, rows), True)
            )
            work.addCallbacks(self._done, self._failed)
            work.chainDeferred(done)
            work.addBoth(lambda _: self._database.turn.release())

        self._database.turn.ask(go)
        return done

    def stop(self) -> Deferred[None]:
        """Write what is noted, for the last time."""
        self._stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self.flush()

    def _due(self) -> None:
        self._timer = None
        self.flush()

    def _done(self, _: None) -> None:
        self._flushing = {}
        self._set_timer()

    def _failed(self, failure: Failure) -> None:
        self._noted = self._flushing | self._noted
        self._flushing = {}
        self.log.error("read marks wait for the storage: {why}", why=failure.getErrorMessage())
        self._set_timer(RETRY_SECONDS)

    def _set_timer(self, seconds: float = FLUSH_SECONDS) -> None:
        if self._noted and self._timer is None and not self._stopping:
            self._timer = self._clock.callLater(seconds, self._due)


def _write(connection: Connection, rows: list[tuple[int, int, int]]) -> None:
    move_marks(connection, rows)
    through = connection.execute(select(func.coalesce(func.max(message.c.id), 0))).scalar_one()
    _set_through(connection, through)


def _set_through(connection: Connection, through: int) -> None:
    moved = connection.execute(update(meta).where(meta.c.name == _THROUGH).values(value=str(through)))
    if not moved.rowcount:
        connection.execute(insert(meta).values(name=_THROUGH, value=str(through)))


def recover(connection: Connection) -> None:
    """Make the marks of messages sent since they were last written. Run once, at start."""
    stored = connection.execute(select(meta.c.value).where(meta.c.name == _THROUGH)).scalar_one_or_none()
    sent = (
        select(message.c.sender, message.c.conversation, func.max(message.c.seq))
        .where(message.c.id > int(stored or 0))
        .group_by(message.c.sender, message.c.conversation)
    )
    move_marks(connection, [(user, place, seq) for user, place, seq in connection.execute(sent)])
    through = connection.execute(select(func.coalesce(func.max(message.c.id), 0))).scalar_one()
    _set_through(connection, through)
