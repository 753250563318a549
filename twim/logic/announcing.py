"""The lists of connected users that the nodes of a cluster send each other, besides each single coming and going."""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from twim.cluster.interface import EVERYONE, Bus
from twim.hub.hub import Hub
from twim.logic import cluster_events
from twim.logic.cluster_events import PIECE

LIST_SECONDS: Final = 0.5  # the users here are listed at most so often, however many ask
DESCRIBE_SECONDS: Final = 1.0  # how often the other nodes are told how many connections are here


class Announcing:
    """Lists the users of this node for the others, and asks the others for theirs."""

    log = Logger()

    def __init__(self, bus: Bus, hub: Hub, clock: IReactorTime) -> None:
        self._bus = bus
        self._hub = hub
        self._clock = clock
        self._listing: IDelayedCall | None = None
        self._listed_at = -LIST_SECONDS
        self._asking: IDelayedCall | None = None
        self._to_ask: set[str] = set()
        self._describing = LoopingCall(self._describe)
        self._describing.clock = clock

    def start(self) -> None:
        """Tell the other nodes how many connections are here, from now on."""
        self._describing.start(DESCRIBE_SECONDS).addErrback(
            lambda failure: self.log.failure("the node is no longer described", failure)
        )

    def stop(self) -> None:
        """Tell and ask nothing more."""
        self._describing.stop()
        for call in (self._listing, self._asking):
            if call is not None:
                call.cancel()
        self._listing = self._asking = None

    def _describe(self) -> None:
        self._bus.describe(connections=self._hub.connections)

    def ask(self, node: str | None) -> None:
        """Ask this node, or all of them if None, for the list of its users."""
        self._to_ask.add(node or "")
        if self._asking is None:
            self._ask()

    def _ask(self) -> None:
        self._asking = None
        if not self._to_ask:
            return
        asked = next(iter(self._to_ask)) if len(self._to_ask) == 1 else ""
        self._to_ask.clear()
        self._bus.publish([EVERYONE], cluster_events.encode(cluster_events.WhoIsThere(asked)))
        # If many are to be asked, they are asked together, a moment later.
        self._asking = self._clock.callLater(LIST_SECONDS, self._ask)

    def asked(self, node: str) -> None:
        """Another node has asked for the list of users of `node`, or of every node if `node` is empty."""
        if node in ("", self._bus.node):
            self.list_soon()

    def list_soon(self) -> None:
        """List the users here in a moment."""
        if self._listing is None:
            # The more users are here, the more seldom they are listed, whoever asks for it.
            pieces = 1 + len(self._hub.users) // PIECE
            again = self._listed_at + pieces * LIST_SECONDS - self._clock.seconds()
            self._listing = self._clock.callLater(max(LIST_SECONDS, again), self._list)

    def _list(self) -> None:
        self._listing = None
        self._listed_at = self._clock.seconds()
        here = list(self._hub.users)
        for start in range(0, max(1, len(here)), PIECE):
            end = start + PIECE
            self._bus.publish(
                [EVERYONE], cluster_events.encode(cluster_events.Online(here[start:end], more=end < len(here)))
            )
