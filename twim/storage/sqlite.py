"""Appending to SQLite: a commit writes the end of the log, and nothing hands the interpreter back and forth.

Python's sqlite3 releases the interpreter lock at every row. A storage thread that inserts while the reactor is busy
therefore fights it for the lock 800 times a batch: 15 µs a row instead of 6 (`docs/decisions/`). So the rows of a
plain batch are inserted on the reactor's thread, which takes a few milliseconds for a full batch, and only the
commit, which syncs to the disk, goes to the storage's thread. What finds the messages is written behind (`behind`).
Anything that isn't plain (events, files, retried cids, a conversation not used for long, another process's lock) takes
the portable transaction in the thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from twisted.logger import Logger

from twim.errors import Unavailable
from twim.storage.behind import Behind
from twim.storage.committer import Committer
from twim.storage.database import Database
from twim.storage.interface import UNKNOWN, Post
from twim.storage.log import Ended, ThreadAppender
from twim.wire.commands import EVENTS
from twim.wire.message import encode

_INSERT: Final = "INSERT INTO message (conversation, seq, sender, body, cid) VALUES (?, ?, ?, ?, ?)"
_SAID: Final = "SELECT 1 FROM said WHERE sender = ? AND cid = ?"


class _Unplain(Exception):
    """Something in the batch needs more than an INSERT."""


class SqliteAppender:
    """Stores batches in SQLite; `fallback` stores those that aren't plain."""

    log = Logger()

    def __init__(self, database: Database, behind: Behind, fallback: ThreadAppender, committer: Committer) -> None:
        self._database = database
        self._behind = behind
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
        self._database.turn.ask(lambda: self._begin(posts, at, ended))

    def _begin(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        try:
            # Here and not in the thread, where every call lets go of the interpreter and has to get it back.
            self._database.check_file()
            rows, said = _rows(posts, at)
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            cids = self._new_cids(connection, said) if said else ()
            connection.executemany(_INSERT, rows)
        except (_Unplain, Unavailable, sqlite3.Error, OSError) as error:
            self._leave_to_fallback(error, posts, at, ended)
            return

        def commit() -> None:
            connection.execute("COMMIT")

        def committed(error: BaseException | None) -> None:
            if error is not None:
                self._leave_to_fallback(error, posts, at, ended)
                return
            self._behind.note(len(posts), cids)
            ended(None)
            # After it is noted: whoever has the next turn counts on it.
            self._database.turn.release()

        self._committer.run(commit, committed)

    def _new_cids(self, connection: sqlite3.Connection, said: Sequence[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
        """These `(sender, cid)`, of which none was said before; `_Unplain` otherwise."""
        cids = set(said)
        if len(cids) < len(said) or not cids.isdisjoint(self._behind.cids):
            raise _Unplain
        for pair in cids:
            if connection.execute(_SAID, pair).fetchone() is not None:
                raise _Unplain
        return cids

    def _leave_to_fallback(self, error: BaseException, posts: Sequence[Post], at: int, ended: Ended) -> None:
        self._undo(posts)
        self._database.turn.release()
        self.log.debug("a batch takes the portable way: {why}", why=str(error))
        self._fallback.append(posts, at, ended)

    def _undo(self, posts: Sequence[Post]) -> None:
        for post in posts:
            post.conversation.head = UNKNOWN
        if self._connection is not None and self._connection.in_transaction:
            try:
                self._connection.rollback()
            except sqlite3.Error:
                self.close()

    def _open(self) -> sqlite3.Connection:
        raw: Any = self._database.engine.raw_connection()
        connection: sqlite3.Connection = raw.driver_connection
        raw.detach()
        # A lock of another process must not stop the reactor: the portable way waits for it in its thread.
        connection.execute("PRAGMA busy_timeout=0")
        self._connection = connection
        return connection


def _rows(posts: Sequence[Post], at: int) -> tuple[list[tuple[object, ...]], list[tuple[int, bytes]]]:
    """What is inserted for `posts`, which get their seq, and the `(sender, cid)` of those that have one. `_Unplain` for
    a batch that isn't plain; then some have a seq that they must not keep."""
    rows: list[tuple[object, ...]] = []
    named: list[tuple[int, bytes]] = []
    for post in posts:
        said = post.message
        place = post.conversation
        head = place.head
        if head == UNKNOWN or said.ref or said.url or said.pic or said.media in EVENTS:
            raise _Unplain
        said.at = at
        said.seq = place.head = head + 1
        body = post.body = encode(said)
        cid = None
        if said.cid:
            cid = said.cid.encode()
            named.append((said.userid, cid))
        rows.append((place.id, head + 1, said.userid, body, cid))
    return rows, named
