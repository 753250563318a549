"""What reading costs: ``python -m bench.reading [TREE]`` measures this tree, and another checkout by turns with it.

A page of history of 50 messages, four readers at once; a list of 500 conversations; and a catch-up, over the WebSocket,
of 200 conversations of which 50 messages each are missed. Printed is the CPU time of the whole server process for one
of each, how long the client waited (half of them at most so long), and how many times the other tree's figure that is.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import msgspec

from bench.load import Load, compile_load
from bench.report import as_text, number
from bench.servers import LOAD_CORE, ROOT, Server, ours, pin
from twim.logic.accounts import hash_token
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode

READERS = 4  # of pages of history, who are the members of the group
LOGGED = 10_000  # messages in that group
LISTER, LISTED = 5, 500  # who has a list of so many conversations
MISSER, MISSING = 6, 200  # who catches up with so many
SAID = 50  # messages in each of these conversations, none of which is read
CATCH_UPS = 10  # in one turn
THEN = "2026-01-01 00:00:00.000"

Figure = tuple[float, float]
"""CPU µs and half-within ms of one answer."""


class Readers:
    """A data folder of one tree, with people who have something to read."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self.folder = folder
        self.tree = tree
        folder.mkdir()
        with ours(folder, tree):
            pass  # makes the schema
        self.tokens = [secrets.token_urlsafe(32) for _ in range(MISSER)]
        database = sqlite3.connect(folder / "data/im.db")
        with database:
            self._add_people(database)
            self._add_group(database)
            _add_singles(database, 1_000, LISTER, LISTED)
            _add_singles(database, 2_000, MISSER, MISSING)
        database.close()

    def users(self, *ids: int) -> Path:
        """A file of "id token" lines, for the load generator."""
        path = self.folder / f"users-{ids[0]}.txt"
        path.write_text("".join(f"{n} {self.tokens[n - 1]}\n" for n in ids))
        return path

    def _add_people(self, database: sqlite3.Connection) -> None:
        people = [(n, str(10**10 + n), "!", THEN) for n in range(1, MISSER + 1)]
        database.executemany(
            "INSERT INTO user (id, mobile, passwd, avatar, sex, nickname, salt, online, token, memo,"
            " createat) VALUES (?, ?, ?, '', 'U', '', '', 0, '', '', ?)",
            people,
        )
        devices = [(n, hash_token(token), THEN) for n, token in enumerate(self.tokens, 1)]
        database.executemany(
            "INSERT INTO device (userid, tokenhash, agent, address, createat) VALUES (?, ?, '', '', ?)", devices
        )

    def _add_group(self, database: sqlite3.Connection) -> None:
        database.execute(
            "INSERT INTO community (id, name, ownerid, icon, cate, memo, createat)"
            " VALUES (1, 'readers', 1, '', 0, '', ?)",
            (THEN,),
        )
        members = range(1, READERS + 1)
        database.executemany(
            "INSERT INTO contact (ownerid, dstobj, cate, memo, createat) VALUES (?, 1, 2, '', ?)",
            [(n, THEN) for n in members],
        )
        _add_conversation(database, 1, GROUP, 1, 0, [(n, 1) for n in members])
        _say(database, 1, GROUP, 1, list(members), LOGGED)


def _add_singles(database: sqlite3.Connection, first: int, reader: int, count: int) -> None:
    for n in range(first, first + count):
        _add_conversation(database, n, SINGLE, reader, n, [(reader, n), (n, reader)])
        _say(database, n, SINGLE, reader, [n], SAID)


def _add_conversation(
    database: sqlite3.Connection, number: int, scope: int, a: int, b: int, participants: list[tuple[int, int]]
) -> None:
    database.execute("INSERT INTO conversation (id, scope, a, b, head) VALUES (?, ?, ?, ?, 0)", (number, scope, a, b))
    database.executemany(
        "INSERT INTO participant (userid, conversation, scope, dstid, read) VALUES (?, ?, ?, ?, 0)",
        [(userid, number, scope, dstid) for userid, dstid in participants],
    )


def _say(database: sqlite3.Connection, number: int, cmd: int, dstid: int, senders: list[int], count: int) -> None:
    def said() -> Iterator[tuple[object, ...]]:
        for seq in range(1, count + 1):
            sender, cid = senders[seq % len(senders)], secrets.token_hex(8)
            at = 1_790_000_000_000 + seq
            body = Message(userid=sender, cmd=cmd, dstid=dstid, media=1, content="x" * 60, cid=cid, seq=seq, at=at)
            yield number, seq, sender, cid.encode(), encode(body)

    database.executemany("INSERT INTO message (conversation, seq, sender, cid, body) VALUES (?, ?, ?, ?, ?)", said())


class Chat:
    """A WebSocket in as few lines as reading a catch-up needs."""

    def __init__(self, port: int, userid: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.sendall(
            f"GET /chat?id={userid}&token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._data = bytearray()
        while b"\r\n\r\n" not in self._data:
            self._more()
        if not self._data.startswith(b"HTTP/1.1 101"):
            raise SystemExit(f"no WebSocket: {bytes(self._data[:200])!r}")
        del self._data[: self._data.index(b"\r\n\r\n") + 4]

    def catch_up(self) -> tuple[int, bytes]:
        """How many messages came, and the frame at the end."""
        asked = b'{"cmd":4}'
        self._socket.sendall(bytes((0x81, 0x80 | len(asked), 0, 0, 0, 0)) + asked)
        count, text = 0, b""
        while True:
            kind, payload = self._frame()
            text += payload
            if kind & 0x80:
                if text.startswith(b'{"cmd":4,'):
                    return count, text
                count, text = count + 1, b""

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _frame(self) -> tuple[int, bytes]:
        head = self._take(2)
        size = head[1]
        if size > 125:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        return head[0], self._take(size)

    def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            self._more()
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken

    def _more(self) -> None:
        got = self._socket.recv(1 << 18)
        if not got:
            raise SystemExit("the connection was closed")
        self._data += got


def cpu_us(pid: int) -> float:
    """What all threads of a process have used."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e3


def catch_ups(server: Server, readers: Readers) -> Figure:
    """Catch-ups, one after the other, each of a device that was connected already."""
    spent, waited = [], []
    for _ in range(CATCH_UPS):
        chat = Chat(server.port, MISSER, readers.tokens[MISSER - 1])
        time.sleep(0.05)
        cpu, begun = cpu_us(server.pid), time.monotonic()
        count, last = chat.catch_up()
        waited.append(time.monotonic() - begun)
        time.sleep(0.02)
        spent.append(cpu_us(server.pid) - cpu)
        chat.close()
        rows = msgspec.json.decode(last)["rows"]
        if count != MISSING * SAID or len(rows) != MISSING or any(row["unread"] != SAID for row in rows):
            raise SystemExit(f"a catch-up of {count} messages and {len(rows)} rows")
    return median(spent), 1e3 * median(waited)


class Measures:
    """What is measured of one server, by name."""

    def __init__(self, program: Path, server: Server, readers: Readers, seconds: float) -> None:
        self._program = program
        self._server = server
        self._readers = readers
        self._seconds = seconds
        self.named: dict[str, Callable[[], Figure]] = {
            "a page of 50 messages": self._history,
            f"a list of {LISTED} conversations": self._list,
            f"a catch-up of {MISSING} conversations": lambda: catch_ups(server, readers),
        }

    def _history(self) -> Figure:
        users = self._readers.users(*range(1, READERS + 1))
        return self._pages(users, READERS, "/message/history", f"scope={GROUP}&dstid=1&limit=50")

    def _list(self) -> Figure:
        return self._pages(self._readers.users(LISTER, LISTER), 2, "/message/conversations", "x=1")

    def _pages(self, users: Path, conns: int, path: str, body: str) -> Figure:
        options = {"users": users, "conns": conns, "path": path, "body": body, "seconds": self._seconds}
        found = Load(self._program, self._server, "page", **options).run()
        return found["cpu_us"], found["p50_ms"]


def measure(folder: Path, trees: list[Path], rounds: int, seconds: float, only: str) -> dict[str, list[list[Figure]]]:
    """The figures of each round and tree, by what was measured. The servers run at the same time, and are asked by
    turns."""
    program = compile_load(folder)
    found: dict[str, list[list[Figure]]] = {}
    with ExitStack() as running:
        measured = []
        for number_of, tree in enumerate(trees):
            readers = Readers(folder / str(number_of), tree)
            server = running.enter_context(ours(readers.folder, tree))
            measured.append(Measures(program, server, readers, seconds))
        for name in measured[0].named:
            if only in name:
                for one in measured:
                    one.named[name]()  # what is read for the first time isn't in memory
                found[name] = [[one.named[name]() for one in measured] for _ in range(rounds)]
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser("python -m bench.reading", description=__doc__)
    parser.add_argument("tree", nargs="?", type=Path, help="another checkout to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, of which the median counts [5]")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one run [1.5]")
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    given = parser.parse_args()
    if len(os.sched_getaffinity(0)) > 1:
        pin(LOAD_CORE)
    trees = [ROOT] if given.tree is None else [given.tree.resolve(), ROOT]
    with tempfile.TemporaryDirectory(prefix="twim-reading-") as name:
        found = measure(Path(name), trees, given.rounds, given.seconds, given.only)
    rows: list[tuple[str, ...]] = [
        ("", "µs CPU", "half within, ms", "CPU before", "ms before", "CPU times", "ms times")
    ]
    for name, rounds in found.items():
        (cpu, ms), *before = [
            tuple(median(one) for one in zip(*turns, strict=True))
            for turns in reversed(list(zip(*rounds, strict=True)))
        ]
        ratios = [number(cpu / before[0][0]), number(ms / before[0][1])] if before else ["", ""]
        was = [number(figure) for figure in before[0]] if before else ["", ""]
        rows.append((name, number(cpu), number(ms), *was, *ratios))
    print(as_text(rows))


if __name__ == "__main__":
    main()
