"""How much a deletion by age slows messages down: the time to each answer while nothing is deleted, and meanwhile.

    python -m bench.deleting [MESSAGES [SECONDS [FOLDER]]]

It makes a log of so many messages (300,000) on SQLite and posts at a steady rate, first alone and then while what was
there is deleted, for so many seconds (40) at most. With a FOLDER the log is made there and stays; if there is one
already, it is copied and used.
"""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
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
NAME: Final = "im.db"


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


class _Writer:
    """A log on SQLite, and somebody who writes to a thousand others in turn."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(parse_url(f"sqlite:///{folder / NAME}"), reactor)
        open_database(self.database)
        self.database.start()
        iterations = ReactorIterations.of(reactor)
        self.writing = log_writing(self.database, iterations, reactor, lambda posts: None)
        self.now = int(time.time() * 1000)
        self.log = SqlLog(self.writing.appender, iterations, reactor, lambda: self.now)
        self.times = self.log.listener = _Times()
        self.conversations = Conversations(self.database, self.writing.indexing)
        self.sent = 0

    async def post(self, timed: bool) -> None:
        chat, self.sent = self.sent % CHATS, self.sent + 1
        found = await self.conversations.find(key_of(SINGLE, 1, chat + 2))
        assert found is not None
        said = Message(
            userid=1, cmd=SINGLE, dstid=chat + 2, media=TEXT, content="x" * 60, cid=f"c{secrets.token_hex(8)}"
        )
        self.log.append(Post(time.perf_counter() if timed else None, said, found))

    async def fill(self, messages: int) -> None:
        for number in range(messages):
            await self.post(False)
            if number % 4_000 == 0:
                await self.log.drained()

    async def run(self, until: Callable[[], bool]) -> None:
        while not until():
            await self.post(True)
            await deferLater(reactor, 1 / EACH_SECOND)

    async def count(self) -> int:
        return await self.database.read(lambda c: c.execute(select(func.count()).select_from(message)).scalar_one())

    async def stop(self) -> None:
        await self.log.drained()
        await self.writing.indexing.written()
        await self.writing.stop()
        self.database.stop()


async def _make(folder: Path, messages: int) -> None:
    writer = _Writer(folder)
    writer.now -= 400 * DAY_MS
    await writer.fill(messages)
    await writer.stop()


async def _measure(folder: Path, seconds: float) -> None:
    writer = _Writer(folder)
    times = writer.times
    before = await writer.count()
    end = reactor.seconds() + ALONE_SECONDS
    await writer.run(lambda: reactor.seconds() > end)
    print("alone:   ", times.told(), flush=True)

    async def nothing(stems: object) -> set[str]:
        return set()

    store = RetentionStore(writer.database, writer.writing.indexing)
    unused = UnusedFiles(None, nothing)  # type: ignore[arg-type]
    pauses = Pauses(reactor)
    deleting = Deferred.fromCoroutine(
        Retention(store, writer.conversations, unused, pauses, lambda: writer.now).delete_older(200)
    ).addErrback(lambda failure: failure.trap(Unavailable) and None)
    began = reactor.seconds()
    await writer.run(lambda: deleting.called or reactor.seconds() - began > seconds)
    print("deleting:", times.told(), flush=True)
    pauses.stop()
    await deleting
    took = reactor.seconds() - began
    gone = before + writer.sent - await writer.count()
    print(f"deleted {gone} of {before} in {took:.1f} s")
    await writer.stop()


async def _run(messages: int, seconds: float, kept: Path | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = kept or folder
        if not (made / NAME).exists():
            made.mkdir(exist_ok=True)
            await _make(made, messages)
        if kept:
            shutil.copytree(kept, folder, dirs_exist_ok=True)  # with its write-ahead log
        await _measure(folder, seconds)


def _main(_reactor: Any, messages: str = "300000", seconds: str = "40", folder: str = "") -> Any:
    return Deferred.fromCoroutine(_run(int(messages), float(seconds), Path(folder) if folder else None))


if __name__ == "__main__":
    react(_main, sys.argv[1:])
