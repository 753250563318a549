"""The thread that commits: one call after the other, and word of each in the reactor's thread."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from test.storage.rig import asynchronous
from twim.storage.committer import Committer
from twim.turns import Turns

reactor: Any = _reactor


class CommitterTests(TestCase):
    """`Committer`, on the test's own reactor."""

    timeout = 20

    def setUp(self) -> None:
        self.committer = Committer(reactor, Turns.of(reactor))
        self.addCleanup(self.committer.stop)
        self.ran: list[tuple[str, bool]] = []

    def run_named(self, name: str, fails: bool = False) -> Deferred[BaseException | None]:
        """Give it a call; fires in the reactor's thread with what the call raised."""
        ended: Deferred[BaseException | None] = Deferred()
        here = threading.get_ident()

        def call() -> None:
            self.ran.append((name, threading.get_ident() == here))
            if fails:
                raise ZeroDivisionError

        def done(error: BaseException | None) -> None:
            self.assertEqual(threading.get_ident(), here)
            ended.callback(error)

        self.committer.run(call, done)
        return ended

    @asynchronous
    async def test_in_order(self) -> None:
        """Calls run in the order in which they were given, in another thread; one that fails stops none."""
        waiting = [self.run_named(name, fails=name == "b") for name in "abc"]
        ended = [type(await one) for one in waiting]
        self.assertEqual(self.ran, [("a", False), ("b", False), ("c", False)])
        self.assertEqual(ended, [type(None), ZeroDivisionError, type(None)])

    @asynchronous
    async def test_bug_in_what_follows(self) -> None:
        """What follows from one call may fail: it is logged, and the next one is heard of."""
        self.committer.run(lambda: None, lambda _: 1 // 0)  # type: ignore[arg-type, return-value]
        self.assertIsNone(await self.run_named("next"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    @asynchronous
    async def test_stop(self) -> None:
        """The end waits for what was given; what is given later runs at once."""
        last = self.run_named("last")
        self.committer.stop()
        self.assertIsNone(await last)
        self.assertIsNone(await self.run_named("late"))
        self.assertEqual(self.ran, [("last", False), ("late", True)])
