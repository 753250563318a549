"""Measures how the cost grows with the connections, with the size of a group, and with the length of the log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.load import Figures, compile_load
from bench.measures import RATE
from bench.people import People
from bench.report import number
from bench.servers import Server, metric, ours
from bench.subjects import Bench

CONNECTIONS = (10, 100, 1_000, 10_000)
GROUPS = (2, 20, 200, 2_000)
LOGS = (10**4, 10**6, 10**7)
LOGGED = 200  # the size of the group whose log grows
CROWD = 5_000  # the largest group; with two devices each, 10,000 connections get every message

Rows = list[Sequence[str]]


def measure(folder: Path, seconds: float, most_messages: int) -> dict[str, Rows]:
    """The tables, by their titles."""
    people = People(folder, max(CONNECTIONS), (*GROUPS, CROWD))
    bench = Bench(compile_load(folder), people, seconds)
    return {
        f"Connections, {RATE:,} 1:1 messages a second among them": _connections(folder, bench),
        "Members of a group, 2 senders with 4 messages in flight": _groups(folder, bench, people),
        "One message to many connections, two devices a member": _bursts(folder, bench, people),
        "Messages in the log": _logs(folder, bench, people, most_messages),
    }


def _each(folder: Path, sizes: Sequence[int], run: Callable[[Server, int], Sequence[str]]) -> Rows:
    rows: Rows = []
    for size in sizes:
        print(f"  {run.__name__} {size:,}", file=sys.stderr)
        with ours(folder) as server:
            rows.append((f"{size:,}", *run(server, size)))
    return rows


def _connections(folder: Path, bench: Bench) -> Rows:
    def connections(server: Server, size: int) -> Sequence[str]:
        # Ten connections are too few to measure the memory of one.
        idle = bench.load(server, "idle", conns=size, seconds=1).run() if size > 20 else {}
        # Long enough for each connection to have sent something, since a server reads once what it knows of a
        # conversation.
        said = bench.load(server, "pair", conns=size, rate=RATE, warm=1 + 1.5 * size / RATE).run()
        return _cells(idle, "connect_cpu_us", "kib_per_conn") + _cells(said, "cpu_us", "p50_ms", "p99_ms", "max_ms")

    head = ("connections", "a connect, µs CPU", "KiB each", "a message, µs CPU", "p50 ms", "p99 ms", "max ms")
    return [head, *_each(folder, CONNECTIONS, connections)]


def _groups(folder: Path, bench: Bench, people: People) -> Rows:
    def members(server: Server, size: int) -> Sequence[str]:
        options = {"conns": size, "senders": 2, "window": 4, "gid": people.groups[size]}
        return _cells(bench.load(server, "group", **options).run(), "per_cpu_s", "cpu_us", "p50_ms", "p99_ms")

    head = ("members", "deliveries / CPU s", "a delivery, µs CPU", "p50 ms", "p99 ms")
    return [head, *_each(folder, GROUPS, members)]


def _bursts(folder: Path, bench: Bench, people: People) -> Rows:
    twice = folder / "twice.txt"
    lines = people.users.read_text().splitlines(keepends=True)[:CROWD]
    twice.write_text("".join(line + line for line in lines))

    def burst(server: Server, size: int) -> Sequence[str]:
        options = {"conns": size, "users": twice, "gid": people.groups[CROWD], "rate": 2}
        said = bench.load(server, "group", **options).run()
        stalled = 1e3 * metric(server, "twim_reactor_stall_seconds_max")
        return [*_cells(said, "cpu_us", "p50_ms", "max_ms"), number(stalled)]

    head = ("connections", "a delivery, µs CPU", "half have it, ms", "all have it, ms", "longest stall of all, ms")
    return [head, *_each(folder, (1_000, 10_000), burst)]


def _logs(folder: Path, bench: Bench, people: People, most: int) -> Rows:
    group = people.groups[LOGGED]
    here = people.head(LOGGED)

    def messages(server: Server, size: int) -> Sequence[str]:
        pages = {"conns": 4, "path": "/message/history"}
        body = f"scope=11&dstid={group}&limit=50"
        newest = bench.load(server, "page", body=body, **pages).run()
        middle = bench.load(server, "page", body=f"{body}&before={size // 2}", **pages).run()
        posted = bench.load(server, "group", conns=LOGGED, rate=300, senders=4, gid=group).run()
        found = _cells(newest, "cpu_us", "p50_ms") + _cells(middle, "cpu_us", "p50_ms")
        return [*found, number(posted["cpu_us"] * (LOGGED - 1)), *_cells(posted, "p50_ms", "p99_ms")]

    head = ("messages", "newest page, µs CPU", "p50 ms", "middle page, µs CPU", "p50 ms")
    rows: Rows = [(*head, "a message to 200, µs CPU", "p50 ms", "p99 ms")]
    for size in LOGS:
        if size <= most:
            people.say(LOGGED, here + 1, size)
            rows += _each(folder, [size], messages)
            # These runs sent messages, too; the next messages are appended after them.
            here = people.head(LOGGED)
    return rows


def _cells(figures: Figures, *keys: str) -> list[str]:
    return [number(figures.get(key)) for key in keys]
