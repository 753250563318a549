"""A network in memory with the faults that a test asks for, on a clock that the test advances."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import Clock

from test.cluster.recording import RecordingListener
from twim.cluster.udp.bus import UdpBus

KEY = bytes(range(32))
WHERE = ("10.0.0.255", 3000)


class Wire:
    """One node's end of the network: the bus uses it as its transport and its port."""

    def __init__(self, network: FakeNetwork, protocol: DatagramProtocol) -> None:
        self.network = network
        self.protocol = protocol
        self.address = f"10.0.0.{len(network.wires) + 1}"
        self.cut = False
        self.full = False

    def write(self, datagram: bytes, where: tuple[str, int]) -> None:
        if self.full:
            raise BlockingIOError(11, "no room")
        self.network.carry(self, datagram)

    def stopListening(self) -> None:
        self.cut = True


class FakeNetwork:
    """Brings each datagram to all wires, the sender's own too, unless the configured faults prevent it."""

    def __init__(self, seed: int = 1, *, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0) -> None:
        self.clock = Clock()
        self.random = Random(seed)
        self.lost, self.doubled, self.late = lost, doubled, late
        self.wires: list[Wire] = []
        self.log: list[bytes] = []
        """every datagram that was sent"""
        self.censor: Callable[[bytes], bool] = lambda datagram: False
        """which datagrams reach nobody"""

    def listen(self, protocol: DatagramProtocol) -> Any:
        """As `UdpBus` wants it."""
        wire = Wire(self, protocol)
        self.wires.append(wire)
        protocol.transport = wire
        return wire

    def carry(self, sender: Wire, datagram: bytes) -> None:
        """Bring a datagram to all wires."""
        self.log.append(datagram)
        if self.censor(datagram):
            return
        reached = [wire for wire in self.wires if wire is sender or not sender.cut]
        for wire in reached:
            for _ in range(2 if self.random.random() < self.doubled else 1):
                if self.random.random() >= self.lost:
                    delay = 0.0001 + (self.random.random() * 0.03 if self.random.random() < self.late else 0)
                    self.clock.callLater(delay, self._arrive, sender, wire, datagram)

    def _arrive(self, sender: Wire, wire: Wire, datagram: bytes) -> None:
        if not wire.cut or wire is sender:
            wire.protocol.datagramReceived(datagram, (sender.address, WHERE[1]))

    def node(self, epoch: str = "epoch", key: bytes = KEY) -> tuple[UdpBus, RecordingListener]:
        """A started bus."""
        bus = UdpBus(
            where=WHERE,
            key=key,
            epoch=epoch,
            clock=self.clock,
            listen=self.listen,
            random=Random(len(self.wires)),
        )
        listener = RecordingListener()
        bus.start(listener)
        return bus, listener

    def run(self, seconds: float, step: float = 0.001) -> None:
        """Let so much time pass."""
        self.clock.pump([step] * round(seconds / step))
