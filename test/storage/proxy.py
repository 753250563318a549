"""A TCP proxy that simulates a bad network between a server and its database."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Protocol
from twisted.protocols.portforward import ProxyFactory, ProxyServer


class _Server(ProxyServer):
    factory: Any

    def connectionMade(self) -> None:
        self.factory.open.append(self)
        if self.factory.hanging:
            self.transport.pauseProducing()
        else:
            super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self.factory.open.remove(self)
        super().connectionLost(reason)


class Proxy(ProxyFactory):
    """Forwards a port of this machine to another, from the moment it is made."""

    noisy = False
    protocol = _Server

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.open: list[_Server] = []
        self.hanging = False
        self.number = 0
        self._listening: IListeningPort | None = None
        self.mend()

    def mend(self) -> None:
        """Forward again. Connections that hung are gone."""
        if self.hanging:
            self.hanging = False
            self._drop()
        if self._listening is None:
            self._listening = reactor.listenTCP(self.number, self, interface="127.0.0.1")
            self.number = self._listening.getHost().port

    def hang(self) -> None:
        """Forward nothing, and accept connections without sending anything."""
        self.hanging = True
        for one in self.open:
            for end in (one, one.peer):
                if isinstance(end, Protocol) and end.transport is not None:
                    end.transport.pauseProducing()

    async def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.stopListening()
        self._drop()

    def _drop(self) -> None:
        for one in list(self.open):
            if one.peer is not None and one.peer.transport is not None:
                one.peer.transport.abortConnection()
            one.transport.abortConnection()
