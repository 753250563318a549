"""A reactor of Twisted's on a running loop of asyncio, for `twim.client.aio`.

It is made for the loop, is not the one that `twisted.internet.reactor` names, and is never run: the loop runs it. Names
are looked up by the loop, so it has no threads that would have to be ended.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from txaio import tx
from zope.interface import implementer

_FAMILIES: Final[dict[int, type[IPv4Address] | type[IPv6Address]]] = {
    socket.AF_INET: IPv4Address,
    socket.AF_INET6: IPv6Address,
}
_reactors: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()


def reactor_of(loop: asyncio.AbstractEventLoop) -> Any:
    """The reactor on this loop, which runs; always the same one."""
    reactor = _reactors.get(loop)
    if reactor is None:
        reactor = _reactors[loop] = AsyncioSelectorReactor(loop)
        reactor.installNameResolver(_LoopResolver(loop))
        reactor.startRunning(installSignalHandlers=False)
    # Autobahn's timers are on the one that is set here.
    tx.config.loop = reactor  # type: ignore[assignment]  # it infers None
    return reactor


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Twisted's hook."""
        if self.task is not None:
            self.task.cancel()


@implementer(IHostnameResolver)
class _LoopResolver:
    """Looks names up as asyncio does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Twisted's hook."""
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        resolution.task = self._loop.create_task(self._resolve(resolutionReceiver, hostName, portNumber))
        return resolution

    async def _resolve(self, receiver: IResolutionReceiver, name: str, port: int) -> None:
        try:
            found = await self._loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except OSError:
            found = []  # as Twisted's own resolver tells that there is none
        for family, _, _, _, address in found:
            if family in _FAMILIES:
                receiver.addressResolved(_FAMILIES[family]("TCP", str(address[0]), int(address[1])))
        receiver.resolutionComplete()
