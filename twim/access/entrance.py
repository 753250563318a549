"""The way in: what a connection says first decides who goes on with it.

An ordinary upgrade that came whole is admitted here, and the connection becomes a WebSocket at once. Everything else
is twisted.web's from its first byte: any other request, an upgrade that came in pieces, one that is refused, and
whatever comes through TLS.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from twim.access.door import Door, check_own
from twim.access.fields import Fields, read_query
from twim.access.handshake import take_over
from twim.access.lobby import Lobby, Pass
from twim.access.upgrade import Upgrade, read_upgrade
from twim.access.websocket import ChatUpgrade
from twim.errors import Refusal

REQUEST_SECONDS: Final = 60  # of silence, after which an HTTP connection is closed
EARLY_BYTES: Final = 16 * 1024  # what a connection may say before it is admitted; then it isn't read for the moment


class Entrance(Site):
    """The factory to listen with: a site whose chat is entered without twisted.web."""

    def __init__(self, root: Resource, door: Door, lobby: Lobby, upgrade: ChatUpgrade, reactor: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, timeout=REQUEST_SECONDS, reactor=reactor, parsePOSTFormSubmission=False
        )
        self.door = door
        self.lobby = lobby
        self.upgrade = upgrade
        self._silent: dict[Visitor, float] = {}
        self._closing: IDelayedCall | None = None

    def buildProtocol(self, addr: object) -> Any:
        """Who listens to what a connection says first."""
        return Visitor(self)

    def build_channel(self) -> Any:
        """twisted.web's protocol."""
        return super().buildProtocol(None)  # type: ignore[no-untyped-call]

    def came(self, visitor: Visitor) -> None:
        """A connection that must say something soon. One timer for all of them, who come in the order of their
        times."""
        self._silent[visitor] = self.reactor.seconds()
        if self._closing is None:
            self._closing = self.reactor.callLater(REQUEST_SECONDS, self._close_silent)

    def spoke(self, visitor: Visitor) -> None:
        """It has said something, or is gone."""
        self._silent.pop(visitor, None)

    def _close_silent(self) -> None:
        self._closing = None
        now = self.reactor.seconds()
        while self._silent:
            visitor, since = next(iter(self._silent.items()))
            if now < since + REQUEST_SECONDS:
                self._closing = self.reactor.callLater(since + REQUEST_SECONDS - now, self._close_silent)
                return
            del self._silent[visitor]
            visitor.transport.loseConnection()

    def stopFactory(self) -> None:
        """Nothing listens any more."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        super().stopFactory()


class Visitor(Protocol):
    """A connection that hasn't been told yet whether it may enter."""

    transport: Any
    _log = Logger()
    _entering: Deferred[Any] | None = None
    _paused = False

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._said = b""

    def makeConnection(self, transport: Any) -> None:
        """What is wrapped, as by TLS, has no way past its wrapper: twisted.web has it from the start."""
        self.transport = transport
        if getattr(transport, "protocol", None) is self:
            self._entrance.came(self)
        else:
            self._pass_on()

    def dataReceived(self, data: bytes) -> None:
        self._said += data
        if self._entering is None:
            self._entrance.spoke(self)
            self._begin()
        elif len(self._said) > EARLY_BYTES and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._entrance.spoke(self)
        if self._entering is not None:
            self._entering.cancel()

    def _begin(self) -> None:
        found = read_upgrade(self._said)
        if found is None:
            self._pass_on()
            return
        asked, end = found
        try:
            fields = read_query(asked)
            token = self._entrance.door.token_of(asked, fields, upgrade=True)
            admitted = self._entrance.lobby.recall(token)
        except Refusal:
            self._pass_on()
            return
        if admitted is not None:
            self._enter(admitted, asked, fields, end)
            return
        self._entering = Deferred.fromCoroutine(self._entrance.lobby.admit(token))
        self._entering.addCallbacks(self._enter, self._not_admitted, (asked, fields, end))
        self._entering.addErrback(self._broken)

    def _enter(self, admitted: Pass, asked: Upgrade, fields: Fields, end: int) -> None:
        try:
            check_own(fields, admitted.who.userid, "id")
        except Refusal:
            self._pass_on()
            return
        opened = self._entrance.upgrade.open(self.transport, asked.key, admitted)
        if self._paused:
            self.transport.resumeProducing()
        if len(self._said) > end:
            opened.dataReceived(self._said[end:])

    def _not_admitted(self, failure: Failure) -> None:
        # Of our bugs, too, twisted.web's way tells: it meets the same.
        if not failure.check(CancelledError):
            self._pass_on()

    def _pass_on(self) -> None:
        channel = self._entrance.build_channel()
        take_over(self.transport, channel)
        if self._paused:
            self.transport.resumeProducing()
        if self._said:
            channel.dataReceived(self._said)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("a connection couldn't be opened", failure)
        self.transport.abortConnection()
