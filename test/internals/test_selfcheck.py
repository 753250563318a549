"""The check at the start: each thing that a shortcut assumes is made to differ, and the server works without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, cast
from unittest.mock import patch

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.tcp import Connection
from twisted.logger import globalLogPublisher
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOProtocol
from twisted.trial.unittest import TestCase
from twisted.web.http import HTTPChannel, Request

from test.access.websocket.test_conformance import (
    BYE,
    HELLO,
    NORMAL,
    Case,
    Client,
    Echo,
    forget_timers,
    without_twisted_web,
)
from test.access.websocket.test_conformance import said as answers
from twim.access.websocket.admission import Admission
from twim.access.websocket.upgrade import ChatFactory
from twim.hub.backlog import Backlogs
from twim.internals import autobahn_assumptions as autobahn
from twim.internals.epoll import ReactorIterations
from twim.internals.selfcheck import CHECKS, NEEDED, found_by, usable
from twim.internals.shortcuts import ALL, without

reactor: Any = _reactor
SECONDS = 20
Change = Callable[[Any], Any]


Version = Callable[[], AbstractContextManager[object]]
"""Another version of a library, as long as the context lasts."""


class Difference(NamedTuple):
    """A version in which something is otherwise, and what the log must say of it."""

    shortcut: str
    words: str
    version: Version


def opened(change: Change) -> Version:
    """Autobahn opens connections that differ in what `change` does to one, as far as the check sees."""
    real = autobahn._opened

    def changed(*given: Any, **named: Any) -> Any:
        made, wire = real(*given, **named)
        change(made)
        return made, wire

    return lambda: patch.object(autobahn, "_opened", changed)


def after(owner: Any, name: str, then: Change) -> Version:
    """A method that goes on to do `then` with its object, for everybody."""
    real = getattr(owner, name)

    def changed(self: Any, *given: Any, **named: Any) -> Any:
        result = real(self, *given, **named)
        then(self)
        return result

    return lambda: patch.object(owner, name, changed)


def replaced(owner: Any, name: str, value: Any) -> Version:
    """An attribute with another value, for everybody."""
    return lambda: patch.object(owner, name, value, create=True)


def removed(owner: Any, name: str) -> Version:
    """A class without an attribute."""

    @contextmanager
    def without_it() -> Iterator[None]:
        with patch.object(owner, name, None):
            delattr(owner, name)
            yield

    return without_it


def setting(name: str, value: object) -> Change:
    """Sets an attribute."""
    return lambda one: setattr(one, name, value)


def lacking(name: str) -> Change:
    """Removes an attribute."""
    return lambda one: delattr(one, name)


def _other_poll(self: Any, timeout: Any) -> None:
    for fd, event in self._poller.poll(timeout):
        selectable = self._selectables.get(fd)
        if selectable is not None:
            self._doReadOrWrite(selectable, fd, event)


def _read_elsewhere(self: Any, data: bytes) -> Any:
    # The name of a protocol is known from the start.
    return None if data else FileDescriptor


def moved(name: str, to: str) -> Change:
    """Gives an attribute another name."""

    def move(one: Any) -> None:
        setattr(one, to, getattr(one, name))
        delattr(one, name)

    return move


EMPTY = property(lambda self: [], lambda self, value: None)
NOTHING = property(lambda self: 0, lambda self, value: None)
DIFFERENCES = [
    Difference("epoll", "_poller.poll(timeout, maxevents)", replaced(EPollReactor, "doPoll", _other_poll)),
    Difference("frames", "data of an open connection", opened(lacking("data"))),
    Difference("frames", "current_frame of an open", opened(setting("current_frame", 1))),
    Difference("frames", "inside_message of an open", opened(lacking("inside_message"))),
    Difference("frames", "not STATE_OPEN", opened(setting("state", 7))),
    Difference("frames", "no autoPingTimeoutCall", opened(lacking("autoPingTimeoutCall"))),
    Difference("frames", "no autoPingRestartOnAnyTraffic", opened(lacking("autoPingRestartOnAnyTraffic"))),
    Difference(
        "frames",
        "_cancelAutoPingTimeoutCall()",
        replaced(WebSocketProtocol, "_cancelAutoPingTimeoutCall", lambda self, why: None),
    ),
    Difference("frames", "that a message has begun", opened(setting("dataReceived", lambda data: None))),
    Difference("writes", "_tempDataBuffer", replaced(FileDescriptor, "_tempDataBuffer", EMPTY)),
    Difference(
        "writes", "pull producer", after(FileDescriptor, "registerProducer", setting("streamingProducer", True))
    ),
    Difference("writes", "not disconnecting", after(FileDescriptor, "loseConnection", setting("disconnecting", False))),
    Difference("options", "utf8validator", opened(lacking("utf8validator"))),
    Difference("options", "is not copied from the factory", opened(setting("webStatus", 7))),
    Difference(
        "options", "copied all the same", after(WebSocketProtocol, "_connectionMade", setting("failByDrop", False))
    ),
    Difference("options", "does not open", opened(setting("state", 7))),
    Difference(
        "handshake", "also has novelty", after(WebSocketServerProtocol, "_connectionMade", setting("novelty", 1))
    ),
    Difference("handshake", "has no triggered", opened(lacking("triggered"))),
    Difference("handshake", "send_state of an open connection is 5", opened(setting("send_state", 5))),
    Difference("handshake", "trafficStats", after(TrafficStats, "reset", setting("incomingWords", 0))),
    Difference(
        "handshake",
        "another answer",
        replaced(autobahn, "acceptance", lambda key: b"HTTP/1.1 101 Well\r\n\r\n"),
    ),
    Difference("upgrade", "to its protocol", replaced(Connection, "_dataReceived", _read_elsewhere)),
]
BREAKING = frozenset({"to its protocol", "_tempDataBuffer", "pull producer", "not disconnecting"})
"""Differences with which Twisted itself would not work: only the check runs on such a version here."""


class Warned(TestCase):
    """What the log says."""

    def setUp(self) -> None:
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)

    def _note(self, event: Any) -> None:
        if event.get("log_namespace") == "twim.internals.selfcheck":
            self.lines.append(event["log_format"].format(**event))


class SelfCheckTests(Warned):
    """With what is installed, and with what differs."""

    timeout = 120

    def test_installed(self) -> None:
        """Everything is as assumed, which is known within milliseconds."""
        usable(ALL)
        began = time.process_time()
        self.assertEqual(usable(ALL), ALL)
        self.assertLess(time.process_time() - began, 0.2)
        self.assertEqual(self.lines, [])

    def test_only_what_is_wanted(self) -> None:
        """A shortcut that is off anyway is not spoken of."""
        with patch.object(WebSocketProtocol, "_cancelAutoPingTimeoutCall", None):
            self.assertEqual(usable(ALL - {"frames"}), ALL - {"frames"})
        self.assertEqual(self.lines, [])

    def test_failing_check(self) -> None:
        """An exception is a difference, too, told in one line."""
        self.patch(autobahn, "_opened", lambda **named: {}["two\nlines"])
        self.assertEqual(usable(ALL), {"epoll", "writes"})
        self.assertTrue(all("\n" not in line and "KeyError" in line for line in self.lines), self.lines)

    def test_every_check_has_a_case(self) -> None:
        """The table below has a difference for each shortcut."""
        self.assertEqual({one.shortcut for one in DIFFERENCES}, set(CHECKS))

    def test_falls_back(self) -> Deferred[None]:
        """One line names what differs, the shortcut is off with those that build on it, and the server works."""
        return Deferred.fromCoroutine(self.fall_back())

    async def fall_back(self) -> None:
        for one in DIFFERENCES:
            with one.version():
                found = self.check(one)
                if one.words not in BREAKING:
                    await self.serves(found)
            if one.words in BREAKING:
                await self.serves(found)

    def check(self, one: Difference) -> frozenset[str]:
        """The shortcuts that are left, after the log has been looked at."""
        del self.lines[:]
        found = usable(ALL)
        told = [line for line in self.lines if line.startswith(f"the shortcut {one.shortcut} is off: ")]
        self.assertEqual(len(told), 1, (one, self.lines))
        self.assertIn(one.words, told[0])
        self.assertLessEqual(found, without(ALL, {one.shortcut}), one)
        return found

    async def serves(self, shortcuts: frozenset[str]) -> None:
        """A server with these shortcuts says everything again."""
        iterations = ReactorIterations.of(reactor) if "epoll" in shortcuts else ReactorIterations(reactor)
        factory = ChatFactory(cast(Admission, Echo()), iterations, reactor, Backlogs(reactor), shortcuts)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(without_twisted_web(factory))
        client = Client(Case("hello", [HELLO * 3, BYE], NORMAL, answers(*[b"hello"] * 3)))
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
        await client.lost.addTimeout(SECONDS, reactor)
        self.assertEqual((client.frames, client.code), (answers(*[b"hello"] * 3), NORMAL), sorted(shortcuts))
        forget_timers(factory)
        await port.stopListening()


class NeededTests(Warned):
    """What the server relies on without shortcuts, too."""

    def test_told(self) -> None:
        """The log names what differs; no shortcut is switched off for it."""
        for what, words, version in (
            ("slow readers", "how much it holds", replaced(FileDescriptor, "_tempDataLen", NOTHING)),
            ("slow readers", "collects", after(BufferingTLSTransport, "__init__", moved("_aggregator", "_collector"))),
            (
                "slow readers",
                "holds until",
                after(TLSMemoryBIOProtocol, "_bufferedWrite", moved("_appSendBuffer", "_b")),
            ),
            ("HTTP request", "no _disconnected", removed(Request, "_disconnected")),
            ("HTTP request", "no _waitingForTransport", removed(HTTPChannel, "_waitingForTransport")),
            ("WebSocket", "_closeConnection", replaced(WebSocketProtocol, "dropConnection", lambda self, abort: None)),
        ):
            del self.lines[:]
            with version():
                self.assertEqual(usable(ALL), ALL)
            (line,) = self.lines
            self.assertIn(what, line)
            self.assertIn(words, line)
        self.assertEqual([found_by(check) for check in NEEDED.values()], ["", "", ""])
