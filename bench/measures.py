"""What is measured, and against which goal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.load import Figures, Load, finish
from bench.people import People
from bench.servers import Server

TALKERS = 200  # of the traffic figures, and the size of the group
RECONNECTING = 500
STRANGERS = 1_000  # connections whose memory is measured
PEOPLE = TALKERS + STRANGERS
RECONNECTS = 1_000  # a second
RATE = 3_000  # messages a second

Results = dict[str, float]
"""Figures by the title of their line."""


@dataclass(frozen=True)
class Line:
    """One line of the table: what the figure called `key` of a run means."""

    title: str
    key: str
    unit: str
    goal: float | None = None
    more_is_better: bool = False


@dataclass(frozen=True)
class Measure:
    """One run of the load generator. `storm`: while others reconnect. `answers`: only of a server that stores."""

    mode: str
    options: dict[str, object]
    lines: tuple[Line, ...]
    storm: bool = False
    answers: bool = False
    grouped: bool = field(default=False)


RATE_UNIT = "deliveries / CPU s"
MEASURES = (
    Measure(
        "idle",
        {"conns": STRANGERS, "skip": TALKERS, "seconds": 1},
        (
            Line("one connect", "connect_cpu_us", "µs CPU", 250),
            Line("an idle connection", "kib_per_conn", "KiB", 8),
        ),
    ),
    Measure(
        "pair",
        {"conns": TALKERS, "window": 4},
        (Line("1:1, 4 in flight", "per_cpu_s", RATE_UNIT, 110_000, True),),
    ),
    Measure(
        "pair",
        {"conns": TALKERS, "window": 16},
        (Line("1:1, 16 in flight", "per_cpu_s", RATE_UNIT, 125_000, True),),
    ),
    Measure(
        "group",
        {"conns": TALKERS, "senders": 4, "window": 2},
        (Line("group of 200, 2 in flight", "per_cpu_s", RATE_UNIT, 560_000, True),),
        grouped=True,
    ),
    Measure(
        "group",
        {"conns": TALKERS, "senders": 4, "window": 8},
        (Line("group of 200, 8 in flight", "per_cpu_s", RATE_UNIT, 1_200_000, True),),
        grouped=True,
    ),
    Measure(
        "pair",
        {"conns": TALKERS, "rate": RATE},
        (
            Line("3,000 messages/s, each", "cpu_us", "µs CPU", 60),
            Line("3,000 messages/s, half within", "p50_ms", "ms", 0.4),
            Line("3,000 messages/s, 99 % within", "p99_ms", "ms", 4),
        ),
    ),
    Measure(
        "pair",
        {"conns": TALKERS, "rate": RATE},
        (Line("the same while 1,000/s reconnect, 99 % within", "p99_ms", "ms", 50),),
        storm=True,
    ),
    Measure(
        "page",
        {"conns": 4, "path": "/message/history"},
        (
            Line("a page of 50 messages", "cpu_us", "µs CPU"),
            Line("a page of 50 messages, half within", "p50_ms", "ms"),
        ),
        answers=True,
        grouped=True,
    ),
)
LINES = tuple(line for measure in MEASURES for line in measure.lines)


class Bench:
    """Runs measures with these people. `seconds` is the length of one run."""

    def __init__(self, program: Path, people: People, seconds: float) -> None:
        self._program = program
        self._people = people
        self._seconds = seconds

    def load(self, server: Server, mode: str, **options: object) -> Load:
        """A run against `server`."""
        given = {"users": self._people.users, "seconds": self._seconds} | options
        return Load(self._program, server, mode, **given)

    def all_of(self, server: Server, stores: bool) -> Results:
        """Every line of the table for one server."""
        found: Results = {}
        for measure in MEASURES:
            if stores or not measure.answers:
                figures = self._run(server, measure)
                found.update({line.title: figures[line.key] for line in measure.lines})
                print(f"  {server.name}: {', '.join(line.title for line in measure.lines)}", file=sys.stderr)
        return found

    def _run(self, server: Server, measure: Measure) -> Figures:
        options = dict(measure.options)
        group = self._people.groups[TALKERS]
        if measure.mode == "page":
            options["body"] = f"scope=11&dstid={group}&limit=50"
        elif measure.grouped:
            options["gid"] = group
        load = self.load(server, measure.mode, **options)
        if not measure.storm:
            return load.run()
        storm = self._storm(server)
        figures = load.run()
        finish(storm)
        return figures

    def _storm(self, server: Server) -> subprocess.Popen[str]:
        # Longer than what is measured beside it: connecting, warming up and draining.
        seconds = self._seconds + 4
        storm = self.load(server, "storm", conns=RECONNECTING, skip=TALKERS, rate=RECONNECTS, seconds=seconds, warm=0)
        return storm.start()


def middle(rounds: list[Results]) -> Results:
    """The median of each figure."""
    return {title: median(found[title] for found in rounds) for title in rounds[0]}


def alternating(rounds: int, servers: dict[str, Callable[[], Server]]) -> Iterator[tuple[str, Callable[[], Server]]]:
    """Each server once a round, so that a machine that slows down slows all of them."""
    for _ in range(rounds):
        yield from servers.items()
