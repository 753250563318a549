"""A Redis of the tests' own, which can be killed and started again on the same port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

from test.ports import free_port


class RedisServer:
    """A Redis that isn't started yet. It is killed by its process id only."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; returns when it accepts connections."""
        program = shutil.which("redis-server") or "redis-server"
        self._process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self._options],
            stdout=subprocess.DEVNULL,
        )
        end = time.monotonic() + 10
        while not reachable(self.port):
            if time.monotonic() > end:
                raise AssertionError("redis-server doesn't start")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)


def reachable(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
