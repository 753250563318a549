"""Appending to SQLite: a commit writes the end of the log, and no thread contends for the GIL.

Python's sqlite3 releases the GIL at every row. A storage thread that inserts while the reactor is busy
therefore contends with it for the GIL 800 times a batch: 15 µs a row instead of 6 (`docs/decisions/`). So the rows of
plain messages are inserted on the reactor's thread, which takes a few milliseconds for a full batch, and only the
commit, which syncs to the disk, goes to the storage's thread. What finds the messages is written later
(see `deferred_index`). Whatever isn't plain (events, retried cids, a conversation whose head is unknown) takes the
portable transaction in the thread, after the rest of its batch (see `batch`); so does all of it when another process
has the database's lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Refusal, Unavailable, told
from twim.storage.appender import Ended, ThreadAppender
from twim.storage.interface import UNKNOWN, Post
from twim.storage.sqlite.backend import SqliteBackend
from twim.storage.sqlite.batch import Batch
from twim.storage.sqlite.checkpoints import COMMIT_PAGES, PAGE_BYTES, ROW_BYTES
from twim.storage.sqlite.committer import Committer
from twim.storage.sqlite.deferred_index import DeferredIndex


class SqliteAppender:
    """Stores batches in SQLite; `fallback` stores what isn't plain, after the rest."""

    log = Logger()

    def __init__(
        self, backend: SqliteBackend, index: DeferredIndex, fallback: ThreadAppender, committer: Committer
    ) -> None:
        self._backend = backend
        self._index = index
        self._fallback = fallback
        self._committer = committer
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def append(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        """See `Appender`."""
        self._backend.write_lock.acquire(lambda: self._begin(posts, at, ended))

    def _begin(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        cids = self._backend.dialect.cids
        batch = None
        try:
            # Here and not in the thread, where every call releases the GIL and has to acquire it again.
            self._backend.check()
            connection = self._connection or self._open()
            if not cids.loaded:
                raise Unavailable("the index of cids isn't loaded")
            hashes, stored = cids.sift(connection.execute, posts)
            batch = Batch(posts, hashes, at, self._index.cids, stored)
            if batch.plain:
                connection.execute("BEGIN IMMEDIATE")
                batch.insert(connection)
        except (Unavailable, sqlite3.Error, OSError) as error:
            if batch is not None:
                batch.undo()
            self._leave_to_fallback(error, posts, at, ended)
            return
        if not batch.plain:
            self._backend.write_lock.release()
            self._fall_back(posts, at, ended)
            return

        def commit() -> None:
            connection.execute("COMMIT")

        def committed(error: BaseException | None) -> None:
            if error is not None:
                # More cids in memory than are stored do no harm.
                for post in batch.plain:
                    post.conversation.head = UNKNOWN
                self._leave_to_fallback(error, posts, at, ended)
                return
            self._index.note_known(len(batch.plain), batch.concerned, batch.cids)
            if batch.rest:
                self._append_rest(batch.rest, at, ended)
            else:
                ended(None)
            # After it is noted: the next writer counts on it.
            self._backend.write_lock.release()
            written = sum([len(post.body) + ROW_BYTES for post in batch.plain])
            self._backend.checkpoints.wrote(COMMIT_PAGES + written // PAGE_BYTES)

        self._committer.run(commit, committed)

    def _append_rest(self, rest: Sequence[Post], at: int, ended: Ended) -> None:
        def rest_ended(failure: Failure | None) -> None:
            if failure is not None:
                # The others are stored, so this isn't told of all.
                if not failure.check(Refusal):
                    self.log.failure("{count} messages of a batch were not stored", failure, count=len(rest))
                for post in rest:
                    post.refused = told(failure.value)
            ended(None)

        self._fall_back(rest, at, rest_ended)

    def _leave_to_fallback(self, error: BaseException, posts: Sequence[Post], at: int, ended: Ended) -> None:
        if self._connection is not None and self._connection.in_transaction:
            try:
                self._connection.rollback()
            except sqlite3.Error:
                self.close()
        self._backend.write_lock.release()
        self.log.debug("a batch takes the portable way: {why}", why=str(error))
        self._fall_back(posts, at, ended)

    def _fall_back(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        # After a failure only the disk knows what it has.
        heads = {post.conversation: post.conversation.head for post in posts}
        for conversation in heads:
            conversation.head = UNKNOWN

        def settled(failure: Failure | None) -> None:
            for post in posts:
                if post.first is not None and post.conversation.head == UNKNOWN:
                    post.conversation.head = heads[post.conversation]
            ended(failure)

        self._fallback.append(posts, at, settled)

    def _open(self) -> sqlite3.Connection:
        connection = self._backend.own_connection()
        # A lock of another process must not stop the reactor: the portable way waits for it in its thread.
        connection.execute("PRAGMA busy_timeout=0")
        self._connection = connection
        return connection
