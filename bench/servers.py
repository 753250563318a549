"""The servers that are measured: ours and plain Autobahn. Each is a process on a loopback port, on its own core."""

from __future__ import annotations

import http.client
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[1]
SERVER_CORE, LOAD_CORE = 0, 1
START_SECONDS = 60
STOP_SECONDS = 30
FILES = 65_536
SETTLE_SECONDS = 10.0  # at most
LOOK_SECONDS = 0.2
QUIET = 0.03  # of a core: less than this is nothing to do


def pin(core: int) -> None:
    """Keep this process on one core if there are two. It is called in a child process before that starts the
    program."""
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {core})


def _prepare() -> None:
    pin(SERVER_CORE)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, most), most))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process so far."""
    spent = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # the thread has ended
            spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


class Server:
    """A running server; `with` stops it. Its output goes to `log`; `settings` are added to the environment."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        folder: Path,
        tree: Path = ROOT,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        self._command = command
        self._folder = folder
        self._settings = {"PYTHONPATH": str(tree)} | dict(settings or {})

    def __enter__(self) -> Server:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=os.environ | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_prepare,
            )
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def settle(self) -> None:
        """Wait until it has done what it put off, so that this isn't counted for who is measured next."""
        until = time.monotonic() + SETTLE_SECONDS
        busy = True
        while busy and time.monotonic() < until:
            before = cpu_seconds(self.pid)
            time.sleep(LOOK_SECONDS)
            busy = cpu_seconds(self.pid) - before > QUIET * LOOK_SECONDS

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        self.__exit__(None, None, None)
        raise SystemExit(f"{self.name} doesn't start:\n{self.log.read_text(errors='replace')[-4000:]}")


def metric(server: Server, name: str) -> float:
    """One value of `/metrics`."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


def ours(folder: Path, tree: Path = ROOT, python: str = sys.executable, data: str = "data") -> Server:
    """`twistd im` of a checkout with its data in folder `data` of `folder`, as installed but without rate limits."""
    port = free_port()
    twistd = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"
    listen = f"tcp:{port}:interface=127.0.0.1"
    options = ["-n", "--pidfile=", "im", "--port", listen, "--data", str(folder / data), "--limits", "off"]
    return Server("twim", [python, "-c", twistd, *options], port, folder, tree)


def yardstick(folder: Path, users: Path, group: int) -> Server:
    """Plain Autobahn, which knows these users and this group."""
    port = free_port()
    command = [sys.executable, "-m", "bench.plain_autobahn", str(port), str(users), str(group)]
    return Server("plain", command, port, folder)
