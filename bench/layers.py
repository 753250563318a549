"""Where the server's time goes: ``python -m bench.layers`` samples it under load with py-spy, by layer.

    python -m bench.layers pair:16 pair:4 rate:3000 group:8 connect:300

Each sample of a thread that isn't waiting belongs to the layer of its innermost frame that matches one. The layer's
part of the thread's samples and CPU time is what is printed: microseconds of a delivery, or of a connect.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from bench.load import compile_load, finish
from bench.measures import PEOPLE, TALKERS
from bench.people import People
from bench.report import as_markdown, number
from bench.servers import Server, ours
from bench.subjects import Bench

SECONDS = 5
SAMPLES_A_SECOND = 300
WAITING = re.compile(
    r"Condition\.wait|_loop \(twim/storage/sqlite/committer|ReactorIterations\._wait|ThreadWorker|SimpleQueue|queue\.py"
)
LAYERS = (
    ("frames in: shortcut", r"twim/wire/frames\.py|twim/internals/autobahn_frames\.py"),
    ("decode JSON", r"decode_frame"),
    ("dispatch, policy, posting", r"twim/(logic/(dispatch|policy|posting)|hub/order)"),
    ("COMMIT, with its fsync", r"\.commit \(twim/storage/sqlite/append"),
    ("is the cid stored already", r"twim/storage/sqlite/cid_"),
    (
        "encode and insert rows",
        r"twim/storage/(sqlite|server)/(append|batch)\.py|twim/storage/(log|conversations)\.py|deferred_index",
    ),
    ("handing over to the commit's thread", r"committer\.py|twisted/_threads|threadpool\.py|posixbase.*[wW]ak"),
    ("answers, routing", r"twim/logic/(routing|publishing|applying|ordered_delivery|other_nodes)|twim/wire/envelope"),
    (
        "outboxes, send()",
        r"twim/hub/(session|outbox|backlog)\.py|ChatProtocol\.send|writeSomeData|doWrite|Descriptor\.write",
    ),
    ("recv()", r"ReactorIterations\.poll|Connection\.doRead|Connection\._dataReceived"),
    ("tokens, relations (queries)", r"twim/logic/accounts|twim/storage|twim/.*/authentication|sqlalchemy"),
    ("presence, hub, admission", r"twim/logic/presence|twim/hub/hub|twim/access/websocket/admission"),
    ("HTTP request", r"twisted/web|twim/access/http|twim/access/websocket/(connection|upgrade_request)"),
    (
        "WebSocket handshake, closing",
        r"autobahn|twim/access/websocket/protocol|twim/internals/(autobahn_handshake|sockets)|txaio",
    ),
    ("accept, close sockets", r"tcp\.py"),
    ("reactor", r"twisted/internet|twisted/python/(log|context)"),
)
INDEXING = "deferred indexing"  # whatever it calls
RULES = tuple((layer, re.compile(pattern)) for layer, pattern in LAYERS)


def layer_of(stack: list[str]) -> str | None:
    """The layer of one sample; None when the thread was waiting."""
    if WAITING.search(stack[-1]):
        return None
    if any("_write_index (twim/storage/sqlite/deferred_index" in frame for frame in stack):
        return INDEXING
    for frame in reversed(stack):
        for layer, pattern in RULES:
            if pattern.search(frame):
                return layer
    return "other"


def cpu_of_threads(pid: int) -> dict[str, int]:
    """Nanoseconds of CPU that each thread has used."""
    tasks = Path(f"/proc/{pid}/task")
    return {task.name: int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()}


def sample(server: Server, folder: Path, seconds: float) -> Counter[str]:
    """The nanoseconds of CPU spent in each layer while it was watched.

    A thread that waits for the disk looks as busy as one that works, so each thread's CPU time is what is divided.
    """
    out = folder / "samples"
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    command = [spy, "record", "--pid", str(server.pid), "--rate", str(SAMPLES_A_SECOND), "--threads"]
    command += ["--duration", str(int(seconds)), "--format", "raw", "--function", "--output", str(out)]
    before = cpu_of_threads(server.pid)
    subprocess.run(command, check=True, capture_output=True)
    after = cpu_of_threads(server.pid)
    met: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in out.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        layer = layer_of(frames) if frames else None
        if layer is not None:
            met[thread][layer] += int(count)
    spent: Counter[str] = Counter()
    for thread, layers in met.items():
        number_of = re.search(r"\d+", thread)
        assert number_of, thread
        cpu = after.get(number_of[0], 0) - before.get(number_of[0], 0)
        for layer, count in layers.items():
            spent[layer] += cpu * count // layers.total()
    return spent


def profile(bench: Bench, folder: Path, group: int, what: str) -> dict[str, float]:
    """Microseconds of CPU of each layer for one delivery, or one connect; and their sum."""
    kind, _, count = what.partition(":")
    mode, options = {
        "pair": ("pair", {"conns": TALKERS, "window": count}),
        "rate": ("pair", {"conns": TALKERS, "rate": count}),
        "group": ("group", {"conns": TALKERS, "senders": 4, "window": count, "gid": group}),
        "connect": ("storm", {"conns": 500, "skip": TALKERS, "rate": count}),
    }[kind]
    with ours(folder) as server:
        running = bench.load(server, mode, **options).start()
        time.sleep(2)
        spent = sample(server, folder, SECONDS - 1)
        whole = finish(running)["cpu_us"]
    found = {
        layer: whole * spent[layer] / spent.total() for layer in [name for name, _ in LAYERS] + [INDEXING, "other"]
    }
    return found | {"together": whole}


def main() -> None:
    """Print the layers of each load named."""
    loads = sys.argv[1:] or ["pair:16", "pair:4", "rate:3000", "group:8", "connect:300"]
    with tempfile.TemporaryDirectory(prefix="twim-bench-") as name:
        folder = Path(name)
        people = People(folder, PEOPLE, [TALKERS])
        bench = Bench(compile_load(folder), people, SECONDS)
        found = [profile(bench, folder, people.groups[TALKERS], what) for what in loads]
    rows = [("µs", *loads)]
    rows += [(layer, *(number(one[layer]) for one in found)) for layer in found[0]]
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
