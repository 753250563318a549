"""The bus over real sockets on the loopback's broadcast address."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import TestCase

from test.cluster.contract import BusOfMany, asynchronous
from test.cluster.recording import RecordingListener, pause, until
from twim.cluster.interface import DOWN_WITHIN, EVERYONE, Bus
from twim.cluster.opening import open_bus

KEY = bytes(range(32))


def free_port() -> int:
    """A UDP port that is not in use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return int(sock.getsockname()[1])


class UdpTests(BusOfMany, TestCase):
    """The contract."""

    def setUp(self) -> None:
        self.url = f"udp://127.255.255.255:{free_port()}"

    def make(self, epoch: str = "epoch", key: bytes = KEY) -> Bus:
        return open_bus(self.url, key=key, epoch=epoch, reactor=reactor)

    @asynchronous
    async def test_another_key(self) -> None:
        """Nodes with another key are ignored."""
        listener, foreign = RecordingListener(), RecordingListener()
        await self.started(listener)
        strange = self.make(key=bytes(32))
        self.addCleanup(strange.stop)
        await strange.start(foreign)
        strange.publish((EVERYONE,), b"strange")
        await pause(reactor, 0.7)
        self.assertEqual(listener.order + foreign.order, [])

    @asynchronous
    async def test_a_port_that_is_taken(self) -> None:
        """A port that somebody has for himself is an OSError."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 0))
            self.url = f"udp://127.255.255.255:{sock.getsockname()[1]}"
            with self.assertRaises(OSError):
                await self.make().start(RecordingListener())


class Member(ProcessProtocol):
    """A node in a process of its own."""

    def __init__(self, url: str, name: str) -> None:
        self.lines: list[str] = []
        self._rest = ""
        self.ended = False
        root = Path(__file__).parents[3]
        arguments = [sys.executable, "-m", "test.cluster.node_process", url, KEY.hex(), "epoch", name]
        env = {**os.environ, "PYTHONPATH": str(root)}
        self.process = reactor.spawnProcess(self, sys.executable, arguments, env=env, path=str(root))

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data.decode()).split("\n")
        self.lines += lines

    def errReceived(self, data: bytes) -> None:
        sys.stderr.write(data.decode())

    def processEnded(self, reason: object) -> None:
        self.ended = True

    def said_by(self, name: str) -> list[int]:
        """The numbers that were heard of the node with that name."""
        words = (line.split() for line in self.lines)
        return [int(word[2]) for word in words if word[:2] == ["heard", name]]

    async def end(self) -> None:
        if not self.ended:
            self.process.closeStdin()
            await until(reactor, lambda: self.ended, "the process ended")


class ProcessesTests(TestCase):
    """Nodes that share a machine and a port, each in a process of its own."""

    @asynchronous
    async def test_three(self) -> None:
        """All receive everything in order; a killed node is down in time, one that ends is down at once."""
        url = f"udp://127.255.255.255:{free_port()}"
        names = ("anna", "bert", "carl")
        members = [Member(url, name) for name in names]
        for member in members:
            self.addCleanup(member.end)
        for name, member in zip(names, members, strict=True):
            for other in names:
                if other != name:
                    await until(
                        reactor,
                        lambda m=member, o=other: len(m.said_by(o)) >= 100,
                        "all are heard",
                        within=20,
                    )
                    numbers = member.said_by(other)
                    self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        anna, bert, carl = members
        bert_node = bert.lines[0].split()[1]
        killed_at = reactor.seconds()
        bert.process.signalProcess(signal.SIGKILL)
        await until(reactor, lambda: f"down {bert_node}" in anna.lines, "the killed one is down")
        self.assertLess(reactor.seconds() - killed_at, DOWN_WITHIN + 0.2)
        carl_node = carl.lines[0].split()[1]
        await carl.end()
        await until(reactor, lambda: f"down {carl_node}" in anna.lines, "the ended one is down", within=1)
        self.flushLoggedErrors(ProcessTerminated)
