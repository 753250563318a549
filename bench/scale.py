"""``python -m bench.scale``: what one, two and four nodes carry on one machine, and what the bus between them costs.

The nodes share a MariaDB; whoever writes to each other sits at different nodes. It needs MariaDB
(``TWIM_TEST_MYSQL=mysql://root@127.0.0.1:3306``), redis-server and gcc. ``--write`` puts the table into SCALE.md.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from bench import report
from bench.load import Figures, Load, compile_load
from bench.servers import ROOT, Server, free_port, metric
from twim.storage.engine import parse_url

MYSQL = os.environ.get("TWIM_TEST_MYSQL", "mysql://root@127.0.0.1:3306")
PEOPLE, SENDERS = 40, 8
HERE = Path(__file__).parent
TWISTD = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


class Ear:
    """Counts the datagrams on a bus's port, whoever sends them."""

    def __init__(self, port: int) -> None:
        self.datagrams = self.bytes = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            self._socket.setsockopt(socket.SOL_SOCKET, option, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("", port))
        self._socket.settimeout(0.2)
        self._open = True
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def close(self) -> None:
        """Stop counting."""
        self._open = False
        self._thread.join()
        self._socket.close()

    def counted(self) -> tuple[int, int]:
        """Datagrams and bytes so far."""
        return self.datagrams, self.bytes

    def _listen(self) -> None:
        while self._open:
            try:
                self.bytes += len(self._socket.recv(65536))
                self.datagrams += 1
            except TimeoutError:
                continue


class Redis:
    """A Redis server for this run, and what passed through it."""

    def __init__(self) -> None:
        self.port = free_port()
        program = shutil.which("redis-server")
        if program is None:
            raise SystemExit("the measure needs redis-server (Debian: redis-server)")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            time.sleep(0.05)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def counted(self) -> tuple[int, int]:
        """Commands, and bytes in and out, so far."""
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(b"INFO stats\r\n")
            time.sleep(0.05)
            lines = dict(line.split(":", 1) for line in sock.recv(65536).decode().splitlines() if ":" in line)
        size = int(lines["total_net_input_bytes"]) + int(lines["total_net_output_bytes"])
        return int(lines["total_commands_processed"]), size


def ports_in_a_row(count: int) -> int:
    """The first of so many consecutive free ports."""
    # Below the ports that the system uses for outgoing connections.
    for first in range(20_000 + os.getpid() % 1_000 * 10, 32_000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise SystemExit("no free ports")


@contextmanager
def database() -> Iterator[str]:
    """The URL of a new database."""
    name = f"twim_bench_{secrets.token_hex(4)}"
    engine = create_engine(parse_url(f"{MYSQL}/mysql"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{MYSQL}/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()


@contextmanager
def cluster(folder: Path, count: int, bus: str) -> Iterator[list[Server]]:
    """Nodes on consecutive ports."""
    (folder / "key").write_text("ab" * 32)
    (folder / "key").chmod(0o600)
    with database() as db, ExitStack() as stack:
        first, nodes = ports_in_a_row(count), []
        for number in range(count):
            home = folder / f"n{number}"
            home.mkdir()
            options = ["--port", f"tcp:{first + number}:interface=127.0.0.1", "--data", str(home), "--limits", "off"]
            options += ["--db", db, "--bus", bus, "--cluster-key", str(folder / "key")]
            command = [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "im", *options]
            nodes.append(stack.enter_context(Server(f"node{number}", command, first + number, folder)))
        yield nodes


def call(node: Server, path: str, **fields: object) -> Any:
    """`data` of a REST call."""
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}{path}", body) as answer:
        return json.load(answer).get("data")


def register(node: Server, users: Path) -> int:
    """Make users who are friends in pairs and all in one group. Gives the users and the group's id."""
    made = [call(node, "/user/register", mobile=13_600_000_000 + n, passwd="secret-1") for n in range(PEOPLE)]
    for one, other in zip(made[::2], made[1::2], strict=True):
        call(node, "/contact/addfriend", token=one["token"], dstid=other["id"])
    group = call(node, "/contact/createcommunity", token=made[0]["token"], name="all", icon="", cate=1, history="all")[
        "id"
    ]
    for one in made[1:]:
        call(node, "/contact/joincommunity", token=one["token"], dstid=group)
    users.write_text("".join(f"{one['id']} {one['token']}\n" for one in made))
    return int(group)


def cpu_seconds(nodes: list[Server]) -> float:
    """CPU time of the nodes so far."""
    ticks = 0
    for node in nodes:
        fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(program: Path, nodes: list[Server], users: Path, group: int, bus: Ear | Redis | None, mode: str) -> Figures:
    """One run of the load; figures per stored message."""
    stored = sum(metric(node, "twim_messages_stored_total") for node in nodes)
    cpu, before = cpu_seconds(nodes), bus.counted() if bus else (0, 0)
    options: dict[str, object] = {"users": users, "conns": PEOPLE, "ports": len(nodes), "window": 8}
    if mode == "group":
        options |= {"senders": SENDERS, "gid": group}
    began = time.monotonic()
    Load(program, nodes[0], mode, seconds=4, **options).run()
    took = time.monotonic() - began
    time.sleep(0.5)
    after = bus.counted() if bus else (0, 0)
    messages = sum(metric(node, "twim_messages_stored_total") for node in nodes) - stored
    return {
        "messages": messages,
        "rate": messages / took,
        "cpu": (cpu_seconds(nodes) - cpu) / messages * 1e6,
        "packets": (after[0] - before[0]) / messages,
        "bytes": (after[1] - before[1]) / messages,
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into bench/SCALE.md")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="twim-scale-") as name:
        program = compile_load(Path(name))
        for kind, count in [("alone", 1), ("udp", 2), ("redis", 2), ("udp", 4), ("redis", 4)]:
            folder = Path(name) / f"{kind}{count}"
            folder.mkdir()
            rows += run(program, folder, kind, count)
    table = [
        "| nodes | bus | what | messages/s | nodes' CPU µs a message | datagrams (commands) a message | its bytes |",
        "|--:|---|---|--:|--:|--:|--:|",
        *rows,
    ]
    shown = "\n".join(table) + f"\n\n{report.machine()}\n"
    print(shown)
    if given.write:
        page = HERE / "SCALE.md"
        head = page.read_text().partition("<!-- results -->")[0]
        page.write_text(f"{head}<!-- results -->\n{shown}<!-- /results -->\n")


def run(program: Path, folder: Path, kind: str, count: int) -> list[str]:
    """Both loads on one kind of cluster; lines of the table."""
    bus: Ear | Redis | None = None
    url = "alone"
    if kind == "udp":
        bus = Ear(port := free_port())
        url = f"udp://127.255.255.255:{port}"
    elif kind == "redis":
        bus = Redis()
        url = f"redis://127.0.0.1:{bus.port}"
    rows = []
    try:
        with cluster(folder, count, url) as nodes:
            group = register(nodes[0], folder / "users.txt")
            for mode, what in (("pair", "1:1"), ("group", f"group of {PEOPLE}")):
                found = measure(program, nodes, folder / "users.txt", group, bus, mode)
                numbers = f"{found['rate']:,.0f} | {found['cpu']:,.0f} | {found['packets']:.2f} | {found['bytes']:,.0f}"
                rows.append(f"| {count} | {kind} | {what} | {numbers} |")
                print(rows[-1], flush=True)
    finally:
        if bus is not None:
            bus.close()
    return rows


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
