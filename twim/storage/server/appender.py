"""Appending to a database server, and what a connection that is lost during a commit leaves open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from twim.errors import Unavailable
from twim.storage.appender import ThreadAppender
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Post

DOUBTFUL: Final = 4_000  # posts remembered of which it isn't known whether they are stored: one batch


class ServerAppender(ThreadAppender):
    """See `Appender`. `appeared` is told, before anything else is, of messages whose storing was taken for failed, and
    that are on disk all the same: the connection was lost while they were committed."""

    def __init__(self, database: Database, indexing: Indexing, appeared: Callable[[Sequence[Post]], None]) -> None:
        super().__init__(database, indexing)
        self._appeared = appeared
        self._doubtful: list[Post] = []

    async def _store(self, posts: Sequence[Post], at: int) -> None:
        if self._doubtful:
            await self._settle_doubts()
        try:
            await super()._store(posts, at)
        except Unavailable:
            # The session is told that nothing is stored: should it be, nobody waits for an answer any more.
            self._doubtful += [Post(None, one.message, one.conversation, one.body) for one in posts if one.body]
            del self._doubtful[:-DOUBTFUL]
            raise

    async def _settle_doubts(self) -> None:
        asked = self._doubtful
        found = await self._database.read(lambda connection: [one for one in asked if self._is_stored(connection, one)])
        self._doubtful = []
        if found:
            self.log.info("{count} messages were stored though the database was lost meanwhile", count=len(found))
            self._appeared(found)

    def _is_stored(self, connection: Connection, post: Post) -> bool:
        stored = self._database.dialect.messages.body_at(connection, post.conversation.id, post.message.seq)
        return stored == post.body
