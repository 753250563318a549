"""A real server for a test: one `twistd -n im` process on a loopback port of its own, with a data folder.

    with Server(tmp_path) as server:
        server.url, server.port          # "http://127.0.0.1:40123", 40123
        server.kill9(); server.start()   # the same port and data again

Everything here blocks and needs no reactor; `restarted` is for tests that run one.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from test.ports import free_port as free_port

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 120  # busy cores, argon2 and a fresh schema
STOP_SECONDS = 30
POLL_SECONDS = 0.05
LOG_TAIL = 4_000  # characters of its log shown when it doesn't start

TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


class Server:
    """`options` go after `im`, `environment` is added to this process's own."""

    def __init__(
        self,
        folder: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        limits: str = "off",
    ) -> None:
        self.data = folder / "im-data"
        self.port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "server.log"
        self._folder = folder
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._arguments = [
            *(sys.executable, "-c", TWISTD, "-n", "--pidfile=", "im"),
            *("--port", f"tcp:{self.port}:interface=127.0.0.1"),
            *("--data", str(self.data), "--limits", limits),
            *options,
        ]

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None, "the server isn't running"
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it has written to its log, over all its starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def spawn(self) -> None:
        """Start the process, without waiting for it to answer."""
        assert self._process is None, "the server is running"
        environment = os.environ | {"PYTHONPATH": str(PROJECT)} | self._environment
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        """Start it and wait until it answers HTTP; `AssertionError` with its log if it doesn't."""
        self.spawn()
        self.wait_until_answering()

    def wait_until_answering(self) -> None:
        """Poll until there is any HTTP answer; the process is stopped if there is none in time."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise AssertionError("the server did not start:\n" + self.log[-LOG_TAIL:])
            time.sleep(POLL_SECONDS)

    def answers(self) -> bool:
        """Whether it answers HTTP, with any status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/user/login.shtml")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def stop(self) -> None:
        """Send TERM, then KILL if that takes too long. Does nothing if it isn't running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill9(self) -> None:
        """End it at once, as a power failure would."""
        process, self._process = self._process, None
        assert process is not None, "the server isn't running"
        process.send_signal(signal.SIGKILL)
        process.wait()

    def restarted(self) -> Deferred[None]:
        """Start it again while the reactor runs; fires when it answers."""
        self.spawn()
        return deferToThread(self.wait_until_answering)

    def limit_file_size(self, size: int | None) -> None:
        """Let no file of the running server grow beyond `size` bytes; None removes the limit."""
        soft = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (soft, resource.RLIM_INFINITY))
