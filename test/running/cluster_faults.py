"""A faulty machine on the nodes' LAN: it repeats every datagram late, so that each comes twice and out of order, and
adds datagrams that are forged, cut short, damaged or very old.
"""

from __future__ import annotations

import heapq
import os
import socket
import threading
import time
from contextlib import suppress
from random import Random

OLD = 200  # datagrams that are kept and repeated much later
LATE = 0.03  # seconds after which a repetition is sent at the latest


class FaultInjector:
    """Runs in a thread of its own between `start` and `stop`."""

    def __init__(self, where: tuple[str, int], seed: int = 1, forge: bool = True) -> None:
        self._where = where
        self._random = Random(seed)
        self._forge = forge
        self._ends = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.bind(("", where[1]))
        self._socket.settimeout(0.005)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._seen: set[int] = set()
        self._due: list[tuple[float, bytes]] = []
        self._old: list[bytes] = []
        self.repeated = self.forged = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ends = True
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._ends:
            with suppress(TimeoutError):
                self._came(self._socket.recv(65536))
            now = time.monotonic()
            while self._due and self._due[0][0] < now:
                self._send(heapq.heappop(self._due)[1])

    def _came(self, datagram: bytes) -> None:
        if hash(datagram) in self._seen:  # a repetition by us or by a node
            return
        self._seen.add(hash(datagram))
        random = self._random
        heapq.heappush(self._due, (time.monotonic() + random.random() * LATE, datagram))
        self.repeated += 1
        if len(self._old) < OLD:
            self._old.append(datagram)
        if self._forge and random.random() < 0.3:
            self.forged += 1
            self._send(self._bad(datagram))

    def _bad(self, datagram: bytes) -> bytes:
        random, at = self._random, self._random.randrange(len(datagram))
        kind = random.randrange(4)
        if kind == 0:
            return datagram[:at]
        if kind == 1:
            return datagram[:at] + bytes((datagram[at] ^ (1 << random.randrange(8)),)) + datagram[at + 1 :]
        if kind == 2:
            return os.urandom(random.randrange(1, 1400))
        return random.choice(self._old)

    def _send(self, datagram: bytes) -> None:
        self._seen.add(hash(datagram))
        with suppress(OSError):
            self._socket.sendto(datagram, self._where)
