"""How a batch of posts becomes a transaction: as a role, and the way that works on every database.

`server.appender` adds what a lost connection leaves open; `sqlite.append` inserts without changing threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sqlalchemy import Connection
from sqlalchemy import exc as sql_errors
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from twim.errors import Failed, Refusal, TooMany, told
from twim.storage.append import Outsiders, append
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Post

# The errors that concern one row: another transaction has inserted the same row, or the row doesn't fit.
_OF_ONE: Final = (sql_errors.IntegrityError, sql_errors.DataError)

Ended = Callable[[Failure | None], None]
"""Called with None after the commit, or with the reason why nothing is stored. It is no Deferred, since that would take
a tenth of the time of a small batch."""


class Appender(Protocol):
    """Stores one batch and writes on each post what became of it."""

    def append(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        """Begin to store `posts`, accepted at `at` (ms)."""


class ThreadAppender:
    """See `Appender`: the portable transaction, in the storage's thread."""

    log = Logger()

    def __init__(self, database: Database, indexing: Indexing) -> None:
        self._database = database
        self._indexing = indexing

    def append(self, posts: Sequence[Post], at: int, ended: Ended) -> None:
        """See `Appender`."""
        done = Deferred.fromCoroutine(self._store(posts, at))
        done.addCallback(self._settle, posts)
        done.addCallbacks(ended, ended)

    async def _store(self, posts: Sequence[Post], at: int) -> None:
        try:
            await self._write(posts, at)
        except _OF_ONE as error:
            if len(posts) == 1:
                self._refuse(posts[0], error)
            else:
                await self._store_apart(posts, at)

    async def _write(self, posts: Sequence[Post], at: int) -> None:
        outsiders: set[tuple[int, int]] = set()

        def work(connection: Connection) -> None:
            append(self._database.dialect, connection, posts, at, outsiders)

        while True:
            try:
                return await self._database.write(work)
            except Outsiders as found:
                # Another server ended these memberships. They are more each time, and no more than the posts.
                outsiders |= found.pairs

    async def _store_apart(self, posts: Sequence[Post], at: int) -> None:
        """One of the posts can't be stored, now or later. The others are stored without it."""
        half = len(posts) // 2
        for part in (posts[:half], posts[half:]):
            try:
                await self._store(part, at)
            except (Refusal, sql_errors.DBAPIError) as error:
                # The other part may be stored, so not all posts have failed.
                for post in part:
                    post.refused = told(error)

    def _refuse(self, post: Post, error: sql_errors.DBAPIError) -> None:
        self.log.error(
            "a message of conversation {conversation} can't be stored: {why}",
            conversation=post.conversation.id,
            why=str(error.orig),
        )
        is_race = isinstance(error, sql_errors.IntegrityError)
        post.refused = TooMany("the server is busy") if is_race else Failed()

    def _settle(self, _: None, posts: Sequence[Post]) -> None:
        stored = [post for post in posts if post.first is None and post.refused is None]
        for post in stored:
            post.conversation.head = post.message.seq
        self._indexing.note(len(stored), [(one.message.userid, one.message.cid) for one in stored if one.message.cid])
