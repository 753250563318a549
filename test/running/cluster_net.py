"""A LAN for nodes: a network namespace each, joined by a bridge; where none can be made, this machine's loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import TracebackType

DROPPED = "twim_test"  # the table of nftables in each namespace; it is deleted with its namespace


def run(*command: str) -> None:
    """Run a command; AssertionError with what it said when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


class Loopback:
    """Nodes side by side on 127.0.0.1."""

    can_drop = False

    def __init__(self, bus_port: int) -> None:
        self.bus = f"udp://127.255.255.255:{bus_port}"
        self.broadcast = ("127.255.255.255", bus_port)

    def __enter__(self) -> Loopback:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def host(self, number: int) -> str:
        """Where node `number` (from 1) listens."""
        return "127.0.0.1"

    def inside(self, number: int) -> list[str]:
        """What comes before a command that is to run there."""
        return []

    def drop(self, percent: int) -> None:
        """Lose so many of the datagrams that come to a node."""

    def cut(self, one: int, other: int) -> None:
        """Let no datagram pass between the two."""

    def heal(self) -> None:
        """Lose nothing any more."""


class Lan(Loopback):
    """Namespaces ``PREFIXn1`` … on a bridge whose own address is .254."""

    can_drop = True

    def __init__(self, count: int, bus_port: int = 3000) -> None:
        self._name = f"tw{os.getpid() % 100_000}"
        self._count = count
        self._net = f"10.{os.getpid() % 200 + 20}.7"
        self.bus = f"udp://{self._net}.255:{bus_port}"
        self.broadcast = (f"{self._net}.255", bus_port)
        self._port = bus_port

    def __enter__(self) -> Lan:
        try:
            self._make()
        except AssertionError:
            self.__exit__(None, None, None)
            raise
        return self

    def _make(self) -> None:
        run("ip", "link", "add", self._name, "type", "bridge")
        run("ip", "addr", "add", f"{self._net}.254/24", "broadcast", f"{self._net}.255", "dev", self._name)
        run("ip", "link", "set", self._name, "up")
        for number in range(1, self._count + 1):
            space, outer = self._space(number), f"{self._name}v{number}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("ip", "link", "set", outer, "master", self._name, "up")
            address = ["addr", "add", f"{self.host(number)}/24", "broadcast", f"{self._net}.255", "dev", "eth0"]
            for what in (address, ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
                run("ip", "-n", space, *what)
            self._nft(number, f"add table inet {DROPPED}")
            self._nft(number, f"add chain inet {DROPPED} come {{ type filter hook input priority 0; }}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in range(1, self._count + 1):
            subprocess.run(["ip", "netns", "del", self._space(number)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._name], capture_output=True, check=False)

    def host(self, number: int) -> str:
        return f"{self._net}.{number}"

    def inside(self, number: int) -> list[str]:
        return ["ip", "netns", "exec", self._space(number)]

    def drop(self, percent: int) -> None:
        for number in range(1, self._count + 1):
            self._rule(number, f"udp dport {self._port} numgen random mod 100 < {percent} counter drop")

    def cut(self, one: int, other: int) -> None:
        for here, there in ((one, other), (other, one)):
            self._rule(here, f"ip saddr {self.host(there)} udp dport {self._port} counter drop")

    def heal(self) -> None:
        for number in range(1, self._count + 1):
            self._nft(number, f"flush chain inet {DROPPED} come")

    def _rule(self, number: int, rule: str) -> None:
        self._nft(number, f"add rule inet {DROPPED} come {rule}")

    def _nft(self, number: int, command: str) -> None:
        run(*self.inside(number), "nft", command)

    def _space(self, number: int) -> str:
        return f"{self._name}n{number}"


def can_make_namespaces() -> bool:
    """Whether this process may make namespaces, bridges and nftables' rules."""
    if os.geteuid() != 0 or not shutil.which("ip") or not (shutil.which("nft") or shutil.which("/usr/sbin/nft")):
        return False
    try:
        with Lan(1):
            return True
    except AssertionError:
        return False
