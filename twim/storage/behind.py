"""What is written behind the log because it follows from it: on SQLite, where one process writes.

A commit that answers a message writes the end of table `message` and nothing else. A moment later one transaction
brings up to date, from the messages stored meanwhile, what can be made again from them at any time:

- `run` and `said`, by which a message is found: by its place (see `places`), and by its sender's `cid`;
- the read marks that follow from one's own messages: who sent it has read it.

`meta.written_through` is the newest message id that they account for, so a crash loses none of it: the same is done at
the next start. Whoever needs it sooner calls `catch_up` in the same transaction, or waits for `Behind.written`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, func, insert, select, update
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.storage.database import Database
from twim.storage.moving import move_marks
from twim.storage.schema import message, meta

BEHIND_SECONDS: Final = 3.0  # how long it may wait: the more at once, the fewer pages for each
BEHIND_MESSAGES: Final = 10_000  # or how many messages may be behind: some 10 ms in which no other commit runs
RETRY_SECONDS: Final = 10.0  # after a refusal: messages go first when the storage is hard to get
PIECE: Final = 100_000  # messages in one statement, whose rows SQLite sorts in memory
THROUGH: Final = "written_through"

# A run begins with each message whose neighbour in the log isn't the one before it, and ends before the next begins.
# Nothing is taken for granted of the order of ids within a conversation, nor that none is missing: logs that were
# copied, or made by the first schema, are not so orderly.
_RUNS: Final = (
    "INSERT INTO run (conversation, first, last, id) SELECT conversation, seq,"
    " seq + (SELECT max(id) FROM message WHERE id < next) - id, id FROM"
    " (SELECT conversation, seq, id, lead(id, 1, :newest + 1) OVER (ORDER BY id) AS next FROM"
    " (SELECT m.conversation, m.seq, m.id FROM message AS m"
    " LEFT JOIN message AS before ON before.id = m.id - 1 AND before.id > :through"
    " WHERE m.id > :through AND m.id <= :newest"
    " AND (before.seq IS NOT m.seq - 1 OR before.conversation <> m.conversation)))"
)
_SAID: Final = (
    "INSERT INTO said (sender, cid, id) SELECT sender, cid, id FROM message"
    " WHERE id > :through AND id <= :newest AND cid IS NOT NULL ORDER BY sender, cid"
)
_MARKS: Final = (
    "UPDATE participant SET read = sent.seq FROM"
    " (SELECT sender, conversation, max(seq) AS seq FROM message WHERE id > :through AND id <= :newest"
    " GROUP BY sender, conversation) AS sent"
    " WHERE participant.userid = sent.sender AND participant.conversation = sent.conversation"
    " AND participant.read < sent.seq"
)


class Behind:
    """Decides when it is written. Reactor thread only; on a database server there is nothing to do."""

    log = Logger()

    def __init__(self, database: Database, clock: IReactorTime) -> None:
        self._database = database
        self._clock = clock
        self._count = 0
        self._waiting: list[Deferred[None]] = []
        self._writing = False
        self._timer: IDelayedCall | None = None
        self._stopping = False
        self.cids: set[tuple[int, bytes]] = set()
        """`(sender, cid)` of messages that `said` may not know yet."""

    def note(self, count: int, cids: Iterable[tuple[int, bytes]] = ()) -> None:
        """So many messages have been stored, with these `(sender, cid)`. Called in the writer's turn."""
        if not self._database.is_sqlite:
            return
        self._count += count
        self.cids.update(cids)
        if self._count >= BEHIND_MESSAGES:
            self._write()
        elif self._timer is None and not self._stopping:
            self._timer = self._clock.callLater(BEHIND_SECONDS, self._due)

    def written(self) -> Deferred[None]:
        """Fires when everything is written that follows from the messages stored until now."""
        if not self._count:
            return succeed(None)
        # Also when it is being written: nothing is stored meanwhile.
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        self._write()
        return waiting

    def stop(self) -> Deferred[None]:
        """Write, for the last time. What fails is done at the next start."""
        self._stopping = True
        self._end_timer()
        return self.written().addErrback(lambda _: None)

    def _due(self) -> None:
        self._timer = None
        self._write()

    def _write(self) -> None:
        if not self._writing:
            self._writing = True
            self._database.write(catch_up, synced=False).addCallbacks(self._done, self._failed)

    def _done(self, _: None) -> None:
        self._writing = False
        self._count = 0
        self.cids.clear()
        self._end_timer()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _failed(self, failure: Failure) -> None:
        self._writing = False
        self.log.error("what follows from messages waits for the storage: {why}", why=failure.getErrorMessage())
        self._end_timer()
        if not self._stopping:
            self._timer = self._clock.callLater(RETRY_SECONDS, self._due)
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.errback(failure)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def catch_up(connection: Connection) -> None:
    """Write what follows from the messages stored since it was last written; this transaction's own, too. On a
    database server there is nothing to do."""
    if connection.dialect.name != "sqlite":
        return
    through, newest = _through(connection), _newest(connection)
    if newest <= through:
        return
    for start in range(through, newest, PIECE):
        for statement in (_RUNS, _SAID, _MARKS):
            connection.exec_driver_sql(statement, {"through": start, "newest": min(start + PIECE, newest)})
    _set_through(connection, newest)


def recover_marks(connection: Connection) -> None:
    """On a database server: make the marks of messages that were copied without them."""
    sent = (
        select(message.c.sender, message.c.conversation, func.max(message.c.seq))
        .where(message.c.id > _through(connection))
        .group_by(message.c.sender, message.c.conversation)
    )
    move_marks(connection, [(user, place, seq) for user, place, seq in connection.execute(sent)])
    _set_through(connection, _newest(connection))


def _newest(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(message.c.id), 0))).scalar_one())


def _through(connection: Connection) -> int:
    return int(connection.execute(select(meta.c.value).where(meta.c.name == THROUGH)).scalar_one_or_none() or 0)


def _set_through(connection: Connection, newest: int) -> None:
    moved = connection.execute(update(meta).where(meta.c.name == THROUGH).values(value=str(newest)))
    if not moved.rowcount:
        connection.execute(insert(meta).values(name=THROUGH, value=str(newest)))
