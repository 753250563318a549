"""The parts that write the log of one database, chosen by its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from twim.internals.epoll import ReactorIterations
from twim.storage.appender import Appender, ThreadAppender
from twim.storage.database import Database
from twim.storage.indexing import Indexing
from twim.storage.interface import Post
from twim.storage.server.appender import ServerAppender
from twim.storage.server.indexing import ImmediateIndex
from twim.storage.sqlite.append import SqliteAppender
from twim.storage.sqlite.backend import SqliteBackend
from twim.storage.sqlite.committer import Committer
from twim.storage.sqlite.deferred_index import DeferredIndex


class LogWriting(NamedTuple):
    """What stores batches, what indexes them, and what ends the threads of both."""

    appender: Appender
    indexing: Indexing
    end_threads: Callable[[], None]

    async def stop(self) -> None:
        """Write what was deferred and end the threads; no batch is being stored."""
        await self.indexing.stop()
        self.end_threads()


def log_writing(
    database: Database, iterations: ReactorIterations, reactor: Any, appeared: Callable[[Sequence[Post]], None]
) -> LogWriting:
    """The parts for `database`. `appeared` is told of messages that were taken for lost and are stored all the same."""
    if not isinstance(database.backend, SqliteBackend):
        indexing = ImmediateIndex()
        return LogWriting(ServerAppender(database, indexing, appeared), indexing, lambda: None)
    index = DeferredIndex(database, database.backend.dialect.cids, reactor)
    committer = Committer(reactor, iterations)
    appender = SqliteAppender(database.backend, index, ThreadAppender(database, index), committer)
    return LogWriting(appender, index, committer.stop)
