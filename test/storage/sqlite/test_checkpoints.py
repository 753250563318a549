"""Copying the write-ahead log back: when, beside what, and what a failure leaves."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from test.storage.rig import OnSqlite, asynchronous
from twim.storage.sqlite import checkpoints


class CheckpointTests(OnSqlite):
    """`Checkpoints`, by the log that it copies back."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(checkpoints, "PAGES", 50)
        self.checkpoints: Any = self.storage.database.backend.checkpoints

    def salt(self) -> bytes:
        """What tells one beginning of the write-ahead log from the next."""
        return Path(f"{self.storage.database.backend.path}-wal").read_bytes()[16:24]

    async def idle(self) -> None:
        """Wait until nothing is being copied."""
        while self.checkpoints._running:
            await self.storage.database.read(lambda connection: None)

    async def say(self, count: int) -> None:
        """So many messages, each with a commit of its own."""
        a, b = [(await self.storage.user()).id for _ in range(2)]
        for _ in range(count):
            await self.storage.say(a, b)

    @asynchronous
    async def test_log_begins_anew(self) -> None:
        """After enough commits all of the log is copied, so that the next commit is written at its beginning."""
        await self.say(2)
        await self.idle()
        before = self.salt()
        await self.say(50)
        await self.idle()
        await self.say(1)
        self.assertNotEqual(self.salt(), before)

    @asynchronous
    async def test_commits_go_on(self) -> None:
        """While a copy takes its time, messages are stored and answered."""
        await self.idle()
        go_on = threading.Event()
        copied: list[bool] = []
        checkpoint = self.checkpoints._checkpoint

        def slow() -> None:
            copied.append(go_on.wait(60))
            checkpoint()

        self.patch(self.checkpoints, "_checkpoint", slow)
        self.checkpoints.wrote(50)
        await self.say(3)
        self.assertEqual(copied, [])
        go_on.set()
        await self.idle()
        self.assertEqual(copied, [True, True])

    @asynchronous
    async def test_failure(self) -> None:
        """A copy that fails gives the write lock back, and the next one is tried."""
        await self.idle()
        tried: list[int] = []

        def fails() -> None:
            tried.append(1)
            if len(tried) == 2:
                raise sqlite3.OperationalError("disk I/O error")

        self.patch(self.checkpoints, "_checkpoint", fails)
        self.checkpoints.wrote(50)
        await self.idle()
        self.checkpoints.wrote(50)
        await self.idle()
        self.assertEqual(len(tried), 4)
        await self.say(1)

    @asynchronous
    async def test_stop_meanwhile(self) -> None:
        """The end of the database waits for a copy that runs, and begins no other."""
        await self.idle()
        began: Deferred[None] = Deferred()
        reactor = self.checkpoints._reactor
        go_on = threading.Event()
        checkpoint = self.checkpoints._checkpoint
        ran: list[int] = []

        def slow() -> None:
            reactor.callFromThread(began.callback, None)
            go_on.wait(60)
            checkpoint()
            ran.append(1)

        self.patch(self.checkpoints, "_checkpoint", slow)
        self.checkpoints.wrote(50)
        await began
        threading.Timer(0.05, go_on.set).start()
        await self.storage.close()
        self.assertEqual(ran, [1])
        self.assertIsNone(self.checkpoints._connection)
