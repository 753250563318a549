"""What webhooks cost the node: CPU a message, and messages a second, without one, with one that hears of another group,
and with one that is told of every message. The CPU is that of posting alone, and that until all is delivered.

    python -m bench.webhooks [MESSAGES [ROUNDS]]

Each round posts so many messages (10,000), by lists of 500 over ``/api/v1``, to each of three servers in turn; of the
rounds (5) the median ratio to the server without a webhook in the same round counts. Posts are counted as stored when
they are answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from bench.servers import ROOT, cpu_seconds, free_port

TOGETHER: Final = 500
QUIET_SECONDS: Final = 1.0  # without more CPU than an idle server takes, after which everything is done
IDLE: Final = 0.02  # of a core
START_SECONDS: Final = 60
KINDS: Final = ("none", "another group", "everything")

_TWISTD: Final = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"
_RECEIVER: Final = """
import sys
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
class Told(Resource):
    isLeaf = True
    def render_POST(self, request):
        return b""
reactor.listenTCP(int(sys.argv[1]), Site(Told()), interface="127.0.0.1")
reactor.run()
"""


class Cost(NamedTuple):
    """Of one message, in microseconds: on the clock until it is answered, of CPU until then, and of CPU until all is
    done."""

    clock: float
    posting: float
    all: float


class Subject:
    """One server, and the key by which it is used."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, data: Path) -> None:
        self.process = process
        self._url = url
        command = [sys.executable, "-m", "twim", "key", "create", "bench", "--data", str(data), "--json"]
        made = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
        self._key = json.loads(made.stdout)["key"]

    def call(self, method: str, path: str, loose: object) -> Any:
        """What an answer has."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self._url}/api/v1{path}", json.dumps(loose).encode(), headers, method=method)
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    def post(self, messages: int) -> Cost:
        """Post so many messages."""
        began, then = cpu_seconds(self.process.pid), time.monotonic()
        said = [{"from": "ann", "to": {"group": "g"}, "content": "hello, this is a message"}] * TOGETHER
        for _ in range(messages // TOGETHER):
            self.call("POST", "/messages", said)
        count = messages // TOGETHER * TOGETHER
        took = time.monotonic() - then
        posted = spent = cpu_seconds(self.process.pid)
        while True:
            time.sleep(QUIET_SECONDS)
            now = cpu_seconds(self.process.pid)
            if now - spent < IDLE * QUIET_SECONDS:
                return Cost(1e6 * took / count, 1e6 * (posted - began) / count, 1e6 * (now - began) / count)
            spent = now


@contextmanager
def _running(*command: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *command], cwd=cwd, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _server(stack: ExitStack, folder: Path, kind: str, receiver: str) -> Subject:
    folder.mkdir()
    port, data = free_port(), folder / "data"
    listen = ("--port", f"tcp:{port}:interface=127.0.0.1", "--data", str(data), "--limits", "off")
    started = ("-c", _TWISTD, "-n", "--pidfile=", "im", *listen, "--webhooks", "private")
    process = stack.enter_context(_running(*started, cwd=ROOT))
    _wait(f"http://127.0.0.1:{port}")
    made = Subject(process, f"http://127.0.0.1:{port}", data)
    for name in ("ann", "ben"):
        made.call("PUT", f"/users/{name}", {"nickname": name})
    for group in ("g", "h"):
        made.call("PUT", f"/groups/{group}", {"name": group, "owner": "ann", "members": ["ann", "ben"]})
    if kind != "none":
        only = {"filter": {"group": "h"}} if kind == "another group" else {}
        made.call("POST", "/webhooks", {"url": receiver, "events": ["message"]} | only)
    return made


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/health/live").close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def main() -> None:
    """Measure, and print a line for each kind."""
    messages, rounds = (int(one) for one in (*sys.argv[1:], *("10000", "5")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        stack.enter_context(_running("-c", _RECEIVER, str(port), cwd=ROOT))
        url = f"http://127.0.0.1:{port}/"
        subjects = [_server(stack, folder / str(number), kind, url) for number, kind in enumerate(KINDS)]
        for subject in subjects:
            subject.post(2 * TOGETHER)
        taken = [[subject.post(messages) for subject in subjects] for _ in range(rounds)]
    print("µs a message, and how many times that without a webhook")
    for number, kind in enumerate(KINDS):
        parts = []
        for part, name in enumerate(Cost._fields):
            microseconds = median(one[number][part] for one in taken)
            ratio = median(one[number][part] / one[0][part] for one in taken)
            parts.append(f"{name} {microseconds:7.1f} ({ratio:.2f})")
        print(f"{kind:14} {', '.join(parts)}")


if __name__ == "__main__":
    main()
