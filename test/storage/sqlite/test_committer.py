"""The thread that commits: it makes one call after the other, and reports each in the reactor's thread."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from test.storage.rig import asynchronous
from twim.internals.epoll import ReactorIterations
from twim.storage.sqlite.committer import Committer

reactor: Any = _reactor


class CommitterTests(TestCase):
    """`Committer`, on the test's own reactor."""

    timeout = 60

    def setUp(self) -> None:
        self.committer = Committer(reactor, ReactorIterations.of(reactor))
        self.addCleanup(self.committer.stop)
        self.ran: list[tuple[str, bool]] = []

    def run_named(self, name: str, fails: bool = False) -> Deferred[BaseException | None]:
        """Give it a call; fires in the reactor's thread with the exception of the call, if any."""
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
        """Calls run in order, in another thread; one that fails doesn't stop the next."""
        waiting = [self.run_named(name, fails=name == "b") for name in "abc"]
        ended = [type(await one) for one in waiting]
        self.assertEqual(self.ran, [("a", False), ("b", False), ("c", False)])
        self.assertEqual(ended, [type(None), ZeroDivisionError, type(None)])

    @asynchronous
    async def test_bug_in_what_follows(self) -> None:
        """A failure in what follows a call is logged, and the next call is reported."""
        self.committer.run(lambda: None, lambda _: 1 // 0)  # type: ignore[arg-type, return-value]
        self.assertIsNone(await self.run_named("next"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    @asynchronous
    async def test_stop(self) -> None:
        """Stopping waits for the calls so far; a later call runs at once."""
        last = self.run_named("last")
        self.committer.stop()
        self.assertIsNone(await last)
        self.assertIsNone(await self.run_named("late"))
        self.assertEqual(self.ran, [("last", False), ("late", True)])
