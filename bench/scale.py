"""``python -m bench.scale``: what one, two and four nodes carry on one machine, and what the database and the bus
between them cost.

The nodes share a MariaDB or a PostgreSQL; whoever writes to each other sits at different nodes. It needs MariaDB
(``TWIM_TEST_MYSQL=mysql://root@127.0.0.1:3306``), PostgreSQL
(``TWIM_TEST_POSTGRESQL=postgresql://postgres@127.0.0.1:5432``), redis-server and gcc. ``--write`` puts the table into
SCALE.md.
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
from bench.servers import ROOT, Server, cpu_seconds, free_port, metric
from twim.storage.engine import parse_url

SQLITE, MYSQL, POSTGRESQL = "SQLite", "MariaDB", "PostgreSQL"
URLS = {
    MYSQL: os.environ.get("TWIM_TEST_MYSQL", "mysql://root@127.0.0.1:3306"),
    POSTGRESQL: os.environ.get("TWIM_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432"),
}
FIRST = {MYSQL: "mysql", POSTGRESQL: "postgres"}  # a database that is always there
PROGRAMS = {MYSQL: ("mariadbd", "mysqld"), POSTGRESQL: ("postgres",)}
PEOPLE, SENDERS, WINDOWS = 100, 4, {"pair": 8, "group": 4}
RUNS = [(SQLITE, "alone", 1)] + [
    (database, *run)
    for database in (MYSQL, POSTGRESQL)
    for run in (("alone", 1), ("udp", 2), ("redis", 2), ("udp", 4), ("redis", 4))
]
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
def database(kind: str) -> Iterator[str]:
    """The URL of a new database."""
    if kind == SQLITE:
        yield ""
        return
    name = f"twim_bench_{secrets.token_hex(4)}"
    engine = create_engine(parse_url(f"{URLS[kind]}/{FIRST[kind]}"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield f"{URLS[kind]}/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()


@contextmanager
def cluster(folder: Path, count: int, kind: str, bus: str) -> Iterator[list[Server]]:
    """Nodes on consecutive ports."""
    (folder / "key").write_text("ab" * 32)
    (folder / "key").chmod(0o600)
    with database(kind) as db, ExitStack() as stack:
        first, nodes = ports_in_a_row(count), []
        for number in range(count):
            home = folder / f"n{number}"
            home.mkdir()
            options = ["--port", f"tcp:{first + number}:interface=127.0.0.1", "--data", str(home), "--limits", "off"]
            if db:
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


def database_seconds(kind: str) -> float:
    """CPU time so far of the processes of a database server that live."""
    spent = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() in PROGRAMS.get(kind, ()):
                spent += cpu_seconds(int(process.name))
        except OSError:
            continue
    return spent


def measure(
    program: Path, nodes: list[Server], users: Path, group: int, kind: str, bus: Ear | Redis | None, mode: str
) -> Figures:
    """One run of the load; figures per stored message."""
    stored = sum(metric(node, "twim_messages_stored_total") for node in nodes)
    cpu, database_cpu = sum(cpu_seconds(node.pid) for node in nodes), database_seconds(kind)
    before = bus.counted() if bus else (0, 0)
    options: dict[str, object] = {"users": users, "conns": PEOPLE, "ports": len(nodes), "window": WINDOWS[mode]}
    if mode == "group":
        options |= {"senders": SENDERS, "gid": group}
    began = time.monotonic()
    loaded = Load(program, nodes[0], mode, seconds=4, **options).run()
    took = time.monotonic() - began
    time.sleep(0.5)
    after = bus.counted() if bus else (0, 0)
    messages = sum(metric(node, "twim_messages_stored_total") for node in nodes) - stored
    return {
        "messages": messages,
        "rate": messages / took,
        "p99": loaded["p99_ms"],
        "cpu": (sum(cpu_seconds(node.pid) for node in nodes) - cpu) / messages * 1e6,
        "database": (database_seconds(kind) - database_cpu) / messages * 1e6,
        "packets": (after[0] - before[0]) / messages,
        "bytes": (after[1] - before[1]) / messages,
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into bench/SCALE.md")
    parser.add_argument("--only", default="", metavar="WORDS", help="rows that have these words: MariaDB,udp,2")
    given = parser.parse_args()
    wanted = {word for word in given.only.split(",") if word}
    rows = []
    alone: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="twim-scale-") as name:
        program = compile_load(Path(name))
        for kind, bus, count in RUNS:
            if kind != SQLITE and not wanted <= {kind, bus, str(count)}:
                continue
            folder = Path(name) / f"{kind}{bus}{count}"
            folder.mkdir()
            rows += run(program, folder, kind, bus, count, alone)
    table = [
        "| database | nodes | bus | what | messages/s | 99 % within, ms | nodes' CPU µs a message | the database's"
        " | together, times SQLite | datagrams (commands) a message | its bytes |",
        "|---|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
        *rows,
    ]
    shown = "\n".join(table) + f"\n\n{report.machine()}\n"
    print(shown)
    if given.write:
        page = HERE / "SCALE.md"
        head = page.read_text().partition("<!-- results -->")[0]
        page.write_text(f"{head}<!-- results -->\n{shown}<!-- /results -->\n")


def run(program: Path, folder: Path, kind: str, between: str, count: int, alone: dict[str, float]) -> list[str]:
    """Both loads on one kind of cluster; lines of the table. `alone` has the CPU of a node on SQLite by load."""
    bus: Ear | Redis | None = None
    url = "alone"
    if between == "udp":
        bus = Ear(port := free_port())
        url = f"udp://127.255.255.255:{port}"
    elif between == "redis":
        bus = Redis()
        url = f"redis://127.0.0.1:{bus.port}"
    rows = []
    try:
        with cluster(folder, count, kind, url) as nodes:
            group = register(nodes[0], folder / "users.txt")
            for mode, what in (("pair", "1:1"), ("group", f"group of {PEOPLE}")):
                found = measure(program, nodes, folder / "users.txt", group, kind, bus, mode)
                together = found["cpu"] + found["database"]
                times = together / alone.setdefault(mode, together)
                numbers = f"{found['rate']:,.0f} | {found['p99']:,.1f} | {found['cpu']:,.1f} | {found['database']:,.1f}"
                numbers += f" | {times:.2f} | {found['packets']:.2f} | {found['bytes']:,.0f}"
                rows.append(f"| {kind} | {count} | {between} | {what} | {numbers} |")
                print(rows[-1], flush=True)
    finally:
        if bus is not None:
            bus.close()
    return rows


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
