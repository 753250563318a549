"""Listeners for the tests of the bus."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from twim.cluster.interface import NodeInfo


class RecordingListener:
    """A listener that keeps the calls. `order` has each as one word and what it was about."""

    def __init__(self) -> None:
        self.order: list[tuple[str, object]] = []
        self.events: list[bytes] = []
        self.by_node: dict[str, list[bytes]] = {}
        self.gaps: list[str | None] = []
        self.up: dict[str, NodeInfo] = {}
        self.downs: list[str] = []

    def heard(self, node: str, event: bytes) -> None:
        self.order.append(("heard", event))
        self.events.append(event)
        self.by_node.setdefault(node, []).append(event)

    def missed(self, node: str | None) -> None:
        self.order.append(("missed", node))
        self.gaps.append(node)

    def node_up(self, info: NodeInfo) -> None:
        self.order.append(("up", info.node))
        self.up[info.node] = info

    def node_down(self, info: NodeInfo) -> None:
        self.order.append(("down", info.node))
        self.downs.append(info.node)
        del self.up[info.node]


async def until(clock: IReactorTime, condition: Callable[[], bool], what: str, *, within: float = 60.0) -> None:
    """Wait until `condition` holds; AssertionError if it doesn't `within` seconds."""
    end = clock.seconds() + within
    while not condition():
        if clock.seconds() > end:
            raise AssertionError(f"after {within} s still not: {what}")
        await pause(clock, 0.01)


def pause(clock: IReactorTime, seconds: float) -> Deferred[None]:
    """Wait for so many seconds."""
    return deferLater(clock, seconds, lambda: None)
