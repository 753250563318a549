"""What the first message of a conversation costs that nobody has used since the server started.

    python -m bench.cold                 # 10,000 of them, 3,000 a second
    python -m bench.cold --source DIR    # of the program in another folder, to compare with: run them in turn

Three times one message to each of the pairs of some friends: `new`, when their conversations don't exist yet; `cold`,
after a restart of the server; `known`, once more to the same server. Each message has a `cid`. The server has core 0,
this program core 1. Figures are µs of the server's CPU a message, all its threads.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PORT = 19_377
MASK = b"\0\0\0\0"  # masks nothing: the text stays as it is
RUN = "import sys; sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"


def start(source: Path, data: Path) -> subprocess.Popen[bytes]:
    """A server, which answers."""
    options = [
        "-n",
        "--pidfile=",
        "im",
        "--port",
        f"tcp:{PORT}:interface=127.0.0.1",
        "--data",
        str(data),
        "--limits",
        "off",
    ]
    server = subprocess.Popen(
        ["taskset", "-c", "0", sys.executable, "-c", RUN, *options],
        cwd=source,
        env=os.environ | {"PYTHONPATH": str(source)},
        stdout=subprocess.DEVNULL,
    )
    for _ in range(100):
        time.sleep(0.1)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2).close()
        except OSError:
            continue
        return server
    raise SystemExit("the server doesn't start")


def stop(server: subprocess.Popen[bytes]) -> None:
    """End it in order."""
    server.terminate()
    server.wait()


def register(count: int) -> list[tuple[int, str]]:
    """So many users' ids and tokens."""
    users = []
    for number in range(count):
        form = {"mobile": f"1{secrets.randbelow(10**6):06}{number:04}", "passwd": "secret-1"}
        asked = urllib.request.Request(f"http://127.0.0.1:{PORT}/user/register", urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(asked) as answer:
            found = json.load(answer)["data"]
        users.append((found["id"], found["token"]))
    return users


def befriend(data: Path, users: list[tuple[int, str]]) -> None:
    """Make all of them friends, straight in the database: by REST it would take minutes."""
    (path,) = data.glob("*.db")
    connection = sqlite3.connect(path)
    pairs = [(a, b) for (a, _), (b, _) in itertools.permutations(users, 2)]
    connection.executemany(
        "INSERT INTO contact (ownerid, dstobj, cate, memo, createat)"
        " VALUES (?, ?, 1, '', '2026-01-01 00:00:00.000000')",
        pairs,
    )
    connection.commit()
    connection.close()


class Connection:
    """One user's device."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.answers = 0
        self.refused = 0
        self.reading = asyncio.ensure_future(self._read(reader))

    @classmethod
    async def open(cls, userid: int, token: str) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        writer.write(
            f"GET /chat?id={userid}&token={token} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            raise SystemExit(head.decode())
        return cls(reader, writer)

    def say(self, **frame: Any) -> None:
        payload = json.dumps(frame, separators=(",", ":")).encode()
        size = bytes([128 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self.writer.write(b"\x81" + size + MASK + payload)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        # Answers are told by what only they have; nothing else here has a code.
        tail = b""
        while data := await reader.read(65536):
            data = tail + data
            tail = data[-7:]
            self.answers += data.count(b'"code":') - tail.count(b'"code":')
            self.refused += data.count(b'"code":-')


async def round_of(
    users: list[tuple[int, str]], pairs: list[tuple[int, int]], rate: int, pid: int
) -> tuple[float, float]:
    """µs of the server's CPU for one message to each pair, and how many were answered within the time."""
    connections = {userid: await Connection.open(userid, token) for userid, token in users}
    await asyncio.sleep(1.5)
    run = secrets.token_hex(4)
    before, began, sent = cpu(pid), time.monotonic(), 0
    while sent < len(pairs):
        due = min(len(pairs), int((time.monotonic() - began) * rate) + 1)
        for a, b in pairs[sent:due]:
            connections[a].say(cmd=10, dstid=b, userid=a, media=1, content="x" * 60, cid=f"{run}-{a}-{b}")
        sent = max(sent, due)
        await asyncio.sleep(0.0003)
    until = time.monotonic() + 20
    while sum(one.answers for one in connections.values()) < len(pairs) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    used, took = cpu(pid) - before, time.monotonic() - began
    answered = sum(one.answers for one in connections.values())
    refused = sum(one.refused for one in connections.values())
    if answered < len(pairs) or refused:
        print(f"{len(pairs) - answered} are not answered, {refused} refused")
    for one in connections.values():
        one.reading.cancel()
        one.writer.close()
    return used / len(pairs) * 1e6, len(pairs) / took


def cpu(pid: int) -> float:
    """Seconds of all its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def main() -> None:
    """Print a line for each kind of message."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--source", type=Path, default=Path.cwd())
    options.add_argument("--conversations", type=int, default=10_000)
    options.add_argument("--rate", type=int, default=3_000)
    chosen = options.parse_args()
    os.sched_setaffinity(0, {1})
    count = next(n for n in itertools.count(2) if n * (n - 1) // 2 >= chosen.conversations)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        server = start(chosen.source.resolve(), data)
        users = register(count)
        stop(server)
        befriend(data, users)
        pairs = list(itertools.combinations([userid for userid, _ in users], 2))[: chosen.conversations]
        random.Random(1).shuffle(pairs)
        for name, restarted in (("new", True), ("cold", True), ("known", False)):
            if restarted:
                server = start(chosen.source.resolve(), data)
            used, rate = asyncio.run(round_of(users, pairs, chosen.rate, server.pid))
            print(f"{name:6} {used:6.1f} µs of CPU a message, {rate:,.0f}/s", flush=True)
            if name == "new":
                stop(server)
        stop(server)


if __name__ == "__main__":
    main()
