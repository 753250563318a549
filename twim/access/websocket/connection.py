"""New connections: what one sends first decides which protocol goes on with it (the shortcut ``upgrade``).

An ordinary upgrade that came whole is admitted here, and the connection becomes a WebSocket at once. Everything else
is twisted.web's from its first byte: any other request, an upgrade that came in pieces, one that is refused, and
whatever comes through TLS.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, INegotiated, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import Site

from twim.access.http.authentication import Authenticator, check_named, check_own
from twim.access.http.channel import Channel
from twim.access.http.fields import Fields, read_query
from twim.access.http.http2 import HTTP1, HTTP2, find_http2
from twim.access.websocket.admission import Admission, Admitted
from twim.access.websocket.upgrade import ChatUpgrade
from twim.access.websocket.upgrade_request import Upgrade, read_upgrade, upgrade_head
from twim.errors import Refusal
from twim.internals.autobahn_handshake import take_over

REQUEST_SECONDS: Final = 60  # without a byte, after which an HTTP connection is closed
EARLY_BYTES: Final = 16 * 1024  # what a connection may send before it is admitted; then reading is paused


class ConnectionFactory(Site):
    """The factory to listen with: a site whose ordinary upgrades twisted.web doesn't see."""

    protocol: Any = Channel

    def __init__(
        self,
        root: Resource,
        authenticator: Authenticator,
        admission: Admission,
        upgrade: ChatUpgrade,
        reactor: IReactorTime,
        prefix: str = "",
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, timeout=REQUEST_SECONDS, reactor=reactor, parsePOSTFormSubmission=False
        )
        self.authenticator = authenticator
        self.admission = admission
        self.upgrade = upgrade
        self.ordinary_upgrade = upgrade_head(prefix)
        self.reads_upgrades = "upgrade" in upgrade.shortcuts
        self._http2 = find_http2()
        self._silent: dict[NewConnection, float] = {}
        self._closing: IDelayedCall | None = None

    def buildProtocol(self, addr: object) -> Any:
        """Make the protocol that reads what a connection sends first, or twisted.web's if nothing is to be decided."""
        return NewConnection(self) if self.reads_upgrades or self._http2 is not None else self.build_channel()

    def build_channel(self) -> Any:
        """Make twisted.web's protocol."""
        return super().buildProtocol(None)  # type: ignore[no-untyped-call]

    def acceptableProtocols(self) -> list[bytes]:
        """What TLS offers, the best first. WebSockets need HTTP/1.1."""
        return [HTTP1] if self._http2 is None else [HTTP2, HTTP1]

    def build_protocol(self, transport: Any) -> Any:
        """The protocol that a connection has agreed upon, if it comes by TLS; else twisted.web's."""
        if self._http2 is not None and getattr(transport, "negotiatedProtocol", None) == HTTP2:
            return self._http2(self, self.reactor, REQUEST_SECONDS)
        return self.build_channel()

    def opened(self, connection: NewConnection) -> None:
        """Close `connection` unless it sends something soon. There is one timer for all of them, since they are in the
        order of their times."""
        self._silent[connection] = self.reactor.seconds()
        if self._closing is None:
            self._closing = self.reactor.callLater(REQUEST_SECONDS, self._close_silent)

    def began(self, connection: NewConnection) -> None:
        """It has sent something, or is gone."""
        self._silent.pop(connection, None)

    def _close_silent(self) -> None:
        self._closing = None
        now = self.reactor.seconds()
        while self._silent:
            connection, since = next(iter(self._silent.items()))
            if now < since + REQUEST_SECONDS:
                self._closing = self.reactor.callLater(since + REQUEST_SECONDS - now, self._close_silent)
                return
            del self._silent[connection]
            connection.transport.loseConnection()

    def stopFactory(self) -> None:
        """Nothing listens any more."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        super().stopFactory()


class NewConnection(Protocol):
    """A connection that is neither admitted nor twisted.web's yet."""

    transport: Any
    _log = Logger()
    _admitting: Deferred[Any] | None = None
    _paused = False
    _by_tls = False

    def __init__(self, factory: ConnectionFactory) -> None:
        self._factory = factory
        self._received = b""

    def makeConnection(self, transport: Any) -> None:
        """A transport that is wrapped is twisted.web's from the start, since nothing goes past its wrapper. With TLS
        the first bytes tell which protocol was agreed upon."""
        self.transport = transport
        self._by_tls = INegotiated.providedBy(transport)
        is_plain = getattr(transport, "protocol", None) is self
        if self._by_tls or (is_plain and self._factory.reads_upgrades):
            self._factory.opened(self)
        else:
            self._pass_on()

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        if self._admitting is None:
            self._factory.began(self)
            self._begin()
        elif len(self._received) > EARLY_BYTES and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._factory.began(self)
        if self._admitting is not None:
            self._admitting.cancel()

    def _begin(self) -> None:
        found = None if self._by_tls else read_upgrade(self._received, self._factory.ordinary_upgrade)
        if found is None:
            self._pass_on()
            return
        asked, end = found
        asked.transport = self.transport
        try:
            fields = read_query(asked)
            token = self._factory.authenticator.token_of(asked, fields, upgrade=True)
            admitted = self._factory.admission.recall(token)
        except Refusal:
            self._pass_on()
            return
        if admitted is not None:
            self._open(admitted, asked, fields, end)
            return
        self._admitting = Deferred.fromCoroutine(self._factory.admission.admit(token))
        self._admitting.addCallbacks(self._open, self._not_admitted, (asked, fields, end))
        self._admitting.addErrback(self._broken)

    def _open(self, admitted: Admitted, asked: Upgrade, fields: Fields, end: int) -> None:
        try:
            check_named(asked, admitted.who.userid)
            check_own(fields, admitted.who.userid, "id")
            admitted.address = self._factory.authenticator.peers.of(asked).remote
            self._factory.admission.limits.connect(admitted.address)
        except Refusal:
            self._pass_on()
            return
        opened = self._factory.upgrade.open(self.transport, asked.key, admitted)
        if self._paused:
            self.transport.resumeProducing()
        if len(self._received) > end:
            opened.dataReceived(self._received[end:])

    def _not_admitted(self, failure: Failure) -> None:
        # An error of ours, too, is answered by twisted.web's way, which meets the same.
        if not failure.check(CancelledError):
            self._pass_on()

    def _pass_on(self) -> None:
        channel = self._factory.build_protocol(self.transport)
        take_over(self.transport, channel)
        if self._paused:
            self.transport.resumeProducing()
        if self._received:
            channel.dataReceived(self._received)

    def _broken(self, failure: Failure) -> None:
        self._log.failure("a connection couldn't be opened", failure)
        self.transport.abortConnection()
