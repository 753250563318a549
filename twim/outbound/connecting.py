"""Connections to public addresses only, which end when the other side sends too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IProtocolFactory, IReactorPluggableNameResolver, IStreamClientEndpoint
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import alsoProvides, implementer

from twim.outbound.addresses import NotPublic, is_public

RECEIVED_LIMIT: Final = 2 * 1024 * 1024
"""Bytes that one answer may have with its head: the HTTP client itself bounds no head."""
CONNECT_SECONDS: Final = 10.0
"""For one address of a host."""


class PublicReactor:
    """The part of the reactor that connects: it takes public addresses, and no other.

    The address is looked at where it is connected to, after the name was resolved, so a name that stands for another
    address at the next moment is of no use.
    """

    def __init__(self, reactor: Any, private: bool) -> None:
        self._reactor = reactor
        self._private = private
        self.callLater = reactor.callLater
        self.seconds = reactor.seconds
        alsoProvides(self, IReactorPluggableNameResolver)

    @property
    def nameResolver(self) -> Any:
        """The reactor's own."""
        return self._reactor.nameResolver

    def connectTCP(self, host: str, port: int, *others: Any, **named: Any) -> Any:
        """As the reactor's, for an address. Raises `NotPublic`."""
        if not self._private and not is_public(host):
            raise NotPublic("not a public address")
        return self._reactor.connectTCP(host, port, *others, **named)


@implementer(IAgentEndpointFactory)
class PublicEndpoints:
    """Where an agent connects to for a URL."""

    def __init__(self, reactor: PublicReactor, tls: IPolicyForHTTPS) -> None:
        self._reactor = reactor
        self._tls = tls

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """By TLS, checked by the host's name, if the scheme is https."""
        endpoint = HostnameEndpoint(self._reactor, uri.host.decode("ascii"), uri.port, timeout=CONNECT_SECONDS)
        if uri.scheme == b"https":
            creator = self._tls.creatorForNetloc(uri.host, uri.port)
            return _Bounded(wrapClientTLS(creator, endpoint))
        return _Bounded(endpoint)


@implementer(IStreamClientEndpoint)
class _Bounded:
    """An endpoint whose connections end when an answer is too long."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """As the endpoint's own."""
        bounding = WrappingFactory(protocolFactory)
        bounding.protocol = _BoundedProtocol
        connecting: Deferred[Any] = self._endpoint.connect(bounding)
        return connecting.addCallback(lambda protocol: protocol.wrappedProtocol)


class _BoundedProtocol(ProtocolWrapper):
    """Counts what comes in since something was sent, which is one answer."""

    transport: Any
    _received = 0

    def write(self, data: bytes) -> None:
        self._received = 0
        self.transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self._received = 0
        self.transport.writeSequence(data)

    def loseConnection(self) -> None:
        # Otherwise it would wait for what the other side doesn't read, or for TLS's own farewell.
        self.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > RECEIVED_LIMIT:
            self.abortConnection()
        else:
            self.wrappedProtocol.dataReceived(data)
