"""One iteration of the reactor: what is read without Twisted's dispatch, and how much at once."""

from __future__ import annotations

import os
import select
import socket
from types import SimpleNamespace
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twim.internals.epoll import EVENTS, ReactorIterations


class Reader:
    """One end of a socket pair, in the reactor; the test holds the other."""

    def __init__(self, reactor: EPollReactor) -> None:
        self.reactor = reactor
        self.mine, self.theirs = socket.socketpair()
        self.mine.setblocking(False)
        self.read_in: list[int] = []
        self.lost: Failure | None = None
        reactor.addReader(self)

    def fileno(self) -> int:
        return self.mine.fileno()

    def doRead(self) -> Exception | None:
        """Twisted's hook."""
        self.read_in.append(self.reactor.iteration)  # type: ignore[attr-defined]
        with_peek = self.mine.recv(1, socket.MSG_PEEK)
        return None if with_peek else ConnectionDone()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted's hook."""
        self.lost = reason

    def logPrefix(self) -> str:
        return "reader"

    def close(self) -> None:
        """Close both ends."""
        self.mine.close()
        self.theirs.close()


class ReactorIterationsTests(SynchronousTestCase):
    """`ReactorIterations`, on a reactor that isn't the test's own."""

    def setUp(self) -> None:
        self.reactor: Any = EPollReactor()
        self.reactor.iteration = 0
        self.iterations = ReactorIterations.of(self.reactor)
        self.addCleanup(self.reactor._poller.close)
        self.heard: list[bytes] = []

    def reader(self) -> Reader:
        """One more that the reactor watches."""
        made = Reader(self.reactor)
        self.addCleanup(made.close)
        self.addCleanup(self.reactor.removeReader, made)
        return made

    def watched(self, take: Any = None) -> Reader:
        """One whose bytes are taken here."""
        made = self.reader()
        self.iterations.watch(made.fileno(), made.mine.recv, take or self.heard.append)
        return made

    def test_bounded(self) -> None:
        """However many sockets are ready, an iteration handles a few, and each once before any twice."""
        readers = [self.reader() for _ in range(2 * EVENTS + 10)]
        for reader in readers:
            reader.theirs.send(b"x")
        for iteration in range(3):
            self.reactor.iteration = iteration
            self.reactor.doIteration(0)
            self.assertEqual(sum(iteration in reader.read_in for reader in readers), EVENTS)
        self.assertEqual({len(reader.read_in) for reader in readers}, {1, 2})

    def test_taken(self) -> None:
        """A watched socket is read by our code only, any other by Twisted."""
        one, other = self.watched(), self.reader()
        one.theirs.send(b"hello")
        other.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual((self.heard, one.read_in, other.read_in), ([b"hello"], [], [0]))

    def test_forgotten(self) -> None:
        """A socket that is no longer watched is read by Twisted again."""
        one = self.watched()
        self.iterations.forget(one.fileno())
        self.iterations.forget(one.fileno())
        one.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual((self.heard, one.read_in), ([], [0]))

    def test_end_of_connection(self) -> None:
        """Twisted is told of the end of a connection, after the bytes before it."""
        one = self.watched()
        one.theirs.send(b"bye")
        self.reactor.doIteration(0)
        one.theirs.shutdown(socket.SHUT_WR)
        self.reactor.doIteration(0)
        self.assertEqual(self.heard, [b"bye"])
        self.assertIsInstance(one.lost and one.lost.value, ConnectionDone)

    def test_nothing_there(self) -> None:
        """A socket without bytes is left alone."""
        one = self.reader()
        calls: list[int] = []

        def recv(_: int) -> bytes:
            calls.append(1)
            raise BlockingIOError

        self.iterations.watch(one.fileno(), recv, self.heard.append)
        one.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual((calls, self.heard, one.read_in, one.lost), ([1], [], [], None))

    def test_broken_socket(self) -> None:
        """A socket that fails is left to Twisted, which meets the same error."""
        one = self.reader()

        def recv(_: int) -> bytes:
            raise ConnectionResetError

        self.iterations.watch(one.fileno(), recv, self.heard.append)
        one.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual((self.heard, one.read_in), ([], [0]))

    def test_bug(self) -> None:
        """An exception is logged and ends that connection; the others of the iteration are served."""

        def take(_: bytes) -> None:
            raise ZeroDivisionError

        broken, good = self.watched(take), self.watched()
        broken.theirs.send(b"x")
        good.theirs.send(b"y")
        self.reactor.doIteration(0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.heard, [b"y"])
        self.assertIsNotNone(broken.lost)
        self.assertIsNone(good.lost)

    def test_gone_meanwhile(self) -> None:
        """A connection that was closed because of another one in the same iteration isn't read any more."""
        readers: list[Reader] = []

        def take(data: bytes) -> None:
            self.heard.append(data)
            for one in readers:
                self.iterations.forget(one.fileno())
                self.reactor.removeReader(one)

        readers += [self.watched(take), self.watched(take)]
        for one in readers:
            one.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual(self.heard, [b"x"])
        self.assertEqual([one.read_in for one in readers], [[], []])

    def test_at_end(self) -> None:
        """The end of an iteration comes after all that was readable in it, once; a failure there is logged."""

        def take(data: bytes) -> None:
            self.heard.append(data)
            self.iterations.at_end(lambda: self.heard.append(b"end"))
            self.iterations.at_end(lambda: 1 / 0)  # type: ignore[arg-type, return-value]

        for one in (self.watched(take), self.watched(take)):
            one.theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual(self.heard, [b"x", b"x", b"end", b"end"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.reactor.doIteration(0)
        self.assertEqual(len(self.heard), 4)

    def test_at_end_of_no_iteration(self) -> None:
        """While nothing is being read, the end is the reactor's next iteration."""
        clock = Clock()
        ReactorIterations(clock).at_end(lambda: self.heard.append(b"end"))
        self.assertEqual(self.heard, [])
        clock.advance(0)
        self.assertEqual(self.heard, [b"end"])

    def test_at_next_end(self) -> None:
        """The end of the next iteration comes in the one after, which doesn't wait for anything to be readable."""

        def take(data: bytes) -> None:
            self.heard.append(data)
            self.iterations.at_next_end(lambda: self.heard.append(b"next"))

        self.watched(take).theirs.send(b"x")
        self.reactor.doIteration(0)
        self.assertEqual(self.heard, [b"x"])
        self.reactor.doIteration(None)
        self.assertEqual(self.heard, [b"x", b"next"])
        self.iterations.at_next_end(lambda: self.heard.append(b"outside"))
        self.reactor.doIteration(None)
        self.assertEqual(self.heard, [b"x", b"next", b"outside"])

    def test_one_of_a_reactor(self) -> None:
        """Each reactor has only one `ReactorIterations`, whoever asks."""
        self.assertIs(ReactorIterations.of(self.reactor), self.iterations)

    def test_without_epoll(self) -> None:
        """A reactor without epoll is left alone."""
        other = SimpleNamespace(_poller=select.poll())
        ReactorIterations.of(other).watch(os.getpid(), bytes, self.heard.append)
        self.assertNotIsInstance(other._poller, ReactorIterations)
        self.assertIsInstance(ReactorIterations.of(SimpleNamespace()), ReactorIterations)
