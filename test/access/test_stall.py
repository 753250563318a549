"""The meter of how long the reactor is kept from its work."""

from __future__ import annotations

import os
import select
from types import SimpleNamespace

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.access.stall import EVENTS, TICK_SECONDS, WINDOW_SECONDS, ShortTurns, StallMeter, shorten_turns


class StallTests(SynchronousTestCase):
    """`StallMeter`, on a clock that jumps: a jump is a reactor that was busy so long."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.meter = StallMeter(self.clock)
        self.meter.start()

    def idle(self, seconds: float) -> None:
        """Let time pass while every timer is called when it is due."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.clock.advance(TICK_SECONDS)

    def test_idle(self) -> None:
        """A reactor that has nothing to do is never late."""
        self.idle(10)
        self.assertAlmostEqual(self.meter.longest, 0)
        self.assertAlmostEqual(self.meter.recent, 0)

    def test_longest(self) -> None:
        """The longest counts, not the last; less the tick for which nobody waited."""
        for seconds in (0.1, 0.5, 0.2):
            self.clock.advance(seconds)
            self.idle(1)
        self.assertAlmostEqual(self.meter.longest, 0.5 - TICK_SECONDS)

    def test_recent(self) -> None:
        """A stall is forgotten as recent after a minute or two, and stays the longest."""
        self.clock.advance(0.5)
        self.idle(WINDOW_SECONDS)
        self.assertAlmostEqual(self.meter.recent, 0.5 - TICK_SECONDS)
        self.idle(WINDOW_SECONDS * 1.1)
        self.assertAlmostEqual(self.meter.recent, 0)
        self.assertAlmostEqual(self.meter.longest, 0.5 - TICK_SECONDS)

    def test_stop(self) -> None:
        """A stopped meter leaves no timer."""
        self.meter.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.meter.stop()


class Reader:
    """One end of a pipe that always has something to read."""

    def __init__(self, reactor: EPollReactor) -> None:
        self.reactor = reactor
        self.reading, self.writing = os.pipe()
        os.write(self.writing, b"x")
        self.turns: list[int] = []

    def fileno(self) -> int:
        return self.reading

    def doRead(self) -> None:
        """Twisted's hook."""
        self.turns.append(self.reactor.turn)  # type: ignore[attr-defined]

    def logPrefix(self) -> str:
        return "reader"


class TurnTests(SynchronousTestCase):
    """`shorten_turns`, on a reactor that isn't the test's own."""

    def test_bounded(self) -> None:
        """However many are ready, a turn takes on a few; and everybody's turn comes before anybody's second."""
        reactor = EPollReactor()
        shorten_turns(reactor)
        readers = [Reader(reactor) for _ in range(2 * EVENTS + 10)]
        for reader in readers:
            self.addCleanup(os.close, reader.reading)
            self.addCleanup(os.close, reader.writing)
            reactor.addReader(reader)
        for turn in range(3):
            reactor.turn = turn  # type: ignore[attr-defined]
            reactor.doIteration(0)
            self.assertEqual(sum(turn in reader.turns for reader in readers), EVENTS)
        self.assertEqual({len(reader.turns) for reader in readers}, {1, 2})
        for reader in readers:
            reactor.removeReader(reader)
        reactor.doIteration(0)
        self.assertIsInstance(reactor._poller, ShortTurns)
        reactor._poller.close()

    def test_others(self) -> None:
        """A reactor without epoll is left alone, and nothing is wrapped twice."""
        other = SimpleNamespace(_poller=select.poll())
        shorten_turns(other)
        self.assertNotIsInstance(other._poller, ShortTurns)
        shorten_turns(SimpleNamespace())
        reactor = SimpleNamespace(_poller=select.epoll())
        shorten_turns(reactor)
        once = reactor._poller
        shorten_turns(reactor)
        self.assertIs(reactor._poller, once)
        once.close()
