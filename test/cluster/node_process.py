"""A node of a cluster as a process of its own: ``python -m test.cluster.node_process URL KEY EPOCH NAME``.

It publishes its name with a number every 10 ms, and prints what it is told, a line each, until its input
ends.
"""

from __future__ import annotations

import sys

from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO

from twim.cluster.interface import EVERYONE, NodeInfo
from twim.cluster.opening import open_bus


class Printer:
    """A Listener."""

    def heard(self, node: str, event: bytes) -> None:
        print("heard", event.decode(), flush=True)

    def missed(self, node: str | None) -> None:
        print("missed", node, flush=True)

    def node_up(self, info: NodeInfo) -> None:
        print("up", info.node, flush=True)

    def node_down(self, info: NodeInfo) -> None:
        print("down", info.node, flush=True)


class UntilInputEnds(Protocol):
    """Fires when the other end of the standard input is closed."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def connectionLost(self, reason: object = None) -> None:
        self.ended.callback(None)


async def live(url: str, key: str, epoch: str, name: str) -> None:
    """Be that node."""
    bus = open_bus(url, key=bytes.fromhex(key), epoch=epoch, reactor=reactor)
    await bus.start(Printer())
    print("node", bus.node, flush=True)
    said = 0

    def say() -> None:
        nonlocal said
        said += 1
        bus.publish((EVERYONE,), f"{name} {said}".encode())

    task.LoopingCall(say).start(0.01)
    stdin = UntilInputEnds()
    StandardIO(stdin)
    await stdin.ended
    await bus.stop()


if __name__ == "__main__":
    task.react(lambda _: Deferred.fromCoroutine(live(*sys.argv[1:])))
