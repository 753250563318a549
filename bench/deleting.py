"""How much a deletion by age slows messages down: the time to each answer while nothing is deleted, and meanwhile.

    python -m bench.deleting [MESSAGES]

It makes a log of so many messages (300,000) on SQLite and posts at a steady rate, first alone and then while all that
was there is deleted.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from twim.errors import Refusal, Unavailable
from twim.internals.epoll import ReactorIterations
from twim.logic.pauses import Pauses
from twim.logic.retention import DAY_MS, Retention
from twim.logic.unused_files import UnusedFiles
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.interface import Post, key_of
from twim.storage.log import SqlLog
from twim.storage.log_writing import log_writing
from twim.storage.opening import open_database
from twim.storage.retention import RetentionStore
from twim.storage.schema import message
from twim.wire.commands import SINGLE, TEXT
from twim.wire.message import Message

reactor: Any = _reactor
CHATS: Final = 1_000
EACH_SECOND: Final = 200  # messages posted
ALONE_SECONDS: Final = 10.0
DELETING_SECONDS: Final = 40.0  # after which the deletion is stopped, if it takes longer


class _Times:
    """Hears the log, and notes how long each message took."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def committed(self, posts: Sequence[Post]) -> None:
        now = time.perf_counter()
        self.taken += [1000 * (now - post.origin) for post in posts if post.origin]

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        raise refused

    def told(self) -> str:
        """The median and the slow ones, in milliseconds, of those since the last call."""
        ordered, self.taken = sorted(self.taken), []
        p50, p99 = (ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
        return f"{len(ordered)} messages, p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {ordered[-1]:.2f} ms"


async def _measure(folder: Path, messages: int) -> None:
    database = Database(parse_url(f"sqlite:///{folder / 'im.db'}"), reactor)
    open_database(database)
    database.start()
    iterations = ReactorIterations.of(reactor)
    writing = log_writing(database, iterations, reactor, lambda posts: None)
    now = int(time.time() * 1000)
    clock = [now - 400 * DAY_MS]
    log = SqlLog(writing.appender, iterations, reactor, lambda: clock[0])
    times = log.listener = _Times()
    conversations = Conversations(database, writing.indexing)

    async def post(number: int, timed: bool) -> None:
        chat = number % CHATS
        found = await conversations.find(key_of(SINGLE, 1, chat + 2))
        assert found is not None
        said = Message(userid=1, cmd=SINGLE, dstid=chat + 2, media=TEXT, content="x" * 60, cid=f"c{number}")
        log.append(Post(time.perf_counter() if timed else None, said, found))

    for number in range(messages):
        await post(number, False)
        if number % 4_000 == 0:
            await log.drained()
    await log.drained()
    await writing.indexing.written()
    clock[0] = now
    sent = messages

    async def run(until: Any) -> None:
        nonlocal sent
        while not until():
            await post(sent, True)
            sent += 1
            await deferLater(reactor, 1 / EACH_SECOND)

    end = reactor.seconds() + ALONE_SECONDS
    await run(lambda: reactor.seconds() > end)
    print("alone:   ", times.told(), flush=True)

    async def nothing(stems: object) -> set[str]:
        return set()

    store = RetentionStore(database, writing.indexing)
    unused = UnusedFiles(None, nothing)  # type: ignore[arg-type]
    pauses = Pauses(reactor)
    deleting = Deferred.fromCoroutine(
        Retention(store, conversations, unused, pauses, lambda: now).delete_older(200)
    ).addErrback(lambda failure: failure.trap(Unavailable) and None)
    began = reactor.seconds()
    await run(lambda: deleting.called or reactor.seconds() - began > DELETING_SECONDS)
    print("deleting:", times.told(), flush=True)
    pauses.stop()
    await deleting
    took = reactor.seconds() - began
    left = await database.read(lambda c: c.execute(select(func.count()).select_from(message)).scalar_one())
    print(f"deleted {sent - left} in {took:.1f} s")
    await log.drained()
    await writing.stop()
    database.stop()


def _main(_reactor: Any, messages: str = "300000") -> Any:
    folder = tempfile.TemporaryDirectory()
    measuring = Deferred.fromCoroutine(_measure(Path(folder.name), int(messages)))
    return measuring.addBoth(lambda result: (folder.cleanup(), result)[1])


if __name__ == "__main__":
    react(_main, sys.argv[1:])
