"""What is measured, and against which goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

TALKERS = 200  # of the traffic figures, and the size of the group
FEW = 40  # connections of the row with few of them
RECONNECTING = 500
STRANGERS = 1_000  # connections whose memory is measured
PEOPLE = TALKERS + STRANGERS
RECONNECTS = 1_000  # a second
RATE = 3_000  # messages a second
LARGE = 4_096  # bytes of text

Results = dict[str, float]
"""Figures by the title of their line."""


@dataclass(frozen=True)
class Line:
    """One line of the table: what the figure called `key` of a run means.

    `goal` is what it should be (machines differ by three times), `times` how many times the figure of commit a23365b.
    """

    title: str
    key: str
    unit: str
    goal: float | None = None
    times: float | None = None
    more_is_better: bool = False


@dataclass(frozen=True)
class Measure:
    """One run of the load generator, called `name` on the command line. `storm`: while others reconnect. `answers`:
    only of a server that stores. `grouped`: in the group of 200. `returning`: by the user who comes back."""

    name: str
    mode: str
    options: dict[str, object]
    lines: tuple[Line, ...]
    storm: bool = False
    answers: bool = False
    grouped: bool = False
    returning: bool = False


CPU_RATE, WALL_RATE = "deliveries / CPU s", "deliveries / s"
CPU, WAIT, MEMORY = "µs CPU", "ms", "KiB"


Goals = tuple[float | None, float | None]
"""A figure's goal, and that of its ratio to an earlier tree's."""
NO_GOAL: Goals = (None, None)


def _rates(title: str, cpu: Goals, wall: Goals) -> tuple[Line, Line]:
    """Deliveries per second of the server's CPU, and of wall time."""
    return (
        Line(title, "per_cpu_s", CPU_RATE, *cpu, more_is_better=True),
        Line(f"{title}, on the clock", "per_s", WALL_RATE, *wall, more_is_better=True),
    )


def _bare(title: str) -> Line:
    return Line(f"{title}, no cid", "per_cpu_s", CPU_RATE, more_is_better=True)


MEASURES = (
    Measure(
        "connect",
        "idle",
        {"conns": STRANGERS, "skip": TALKERS, "seconds": 1},
        (
            Line("one connect", "connect_cpu_us", CPU, 250, 1),
            Line("an idle connection", "kib_per_conn", MEMORY, 8, 1),
        ),
    ),
    Measure(
        "pair-1",
        "pair",
        {"conns": TALKERS, "window": 1},
        (
            *_rates("1:1, 1 in flight", NO_GOAL, (55_000, 2.5)),
            Line("1:1, 1 in flight, half within", "p50_ms", WAIT),
        ),
    ),
    Measure(
        "pair-4",
        "pair",
        {"conns": TALKERS, "window": 4},
        (
            *_rates("1:1, 4 in flight", (150_000, 1.6), (130_000, 2)),
            Line("1:1, 4 in flight, half within", "p50_ms", WAIT),
            Line("1:1, 4 in flight, 99 % within", "p99_ms", WAIT),
        ),
    ),
    Measure(
        "pair-16",
        "pair",
        {"conns": TALKERS, "window": 16},
        (
            *_rates("1:1, 16 in flight", (190_000, 1.7), NO_GOAL),
            Line("1:1, 16 in flight, 99 % within", "p99_ms", WAIT, 25, 0.4),
            Line("1:1, 16 in flight, the longest", "max_ms", WAIT, 40, 0.4),
        ),
    ),
    Measure(
        "few",
        "pair",
        {"conns": FEW, "window": 2},
        _rates(f"{FEW} connections, 2 in flight", NO_GOAL, (60_000, 4.5)),
    ),
    Measure(
        "rate",
        "pair",
        {"conns": TALKERS, "rate": RATE},
        (
            Line("3,000 messages/s, each", "cpu_us", CPU, 65, 0.75),
            Line("3,000 messages/s, half within", "p50_ms", WAIT, 0.3),
            Line("3,000 messages/s, 99 % within", "p99_ms", WAIT, 3),
            Line("3,000 messages/s, 99.9 % within", "p999_ms", WAIT, 10),
            Line("3,000 messages/s, the longest", "max_ms", WAIT),
        ),
    ),
    Measure(
        "large",
        "pair",
        {"conns": TALKERS, "window": 4, "pad": LARGE},
        (
            *_rates("1:1, 4 KiB, 4 in flight", (30_000, 1.5), NO_GOAL),
            Line("1:1, 4 KiB, 4 in flight, 99 % within", "p99_ms", WAIT, 50, 0.3),
        ),
    ),
    Measure(
        "group-2",
        "group",
        {"conns": TALKERS, "senders": 4, "window": 2},
        (Line("group of 200, 2 in flight", "per_cpu_s", CPU_RATE, 900_000, 1, True),),
        grouped=True,
    ),
    Measure(
        "group-8",
        "group",
        {"conns": TALKERS, "senders": 4, "window": 8},
        (Line("group of 200, 8 in flight", "per_cpu_s", CPU_RATE, 3_000_000, 1, True),),
        grouped=True,
    ),
    Measure(
        "storm",
        "pair",
        {"conns": TALKERS, "rate": RATE},
        (Line("3,000 messages/s while 1,000/s reconnect, 99 % within", "p99_ms", WAIT, 50, 1),),
        storm=True,
    ),
    Measure(
        "page",
        "page",
        {"conns": 4, "path": "/message/history"},
        (
            Line("a page of 50 messages", "cpu_us", CPU, 300, 0.25),
            Line("a page of 50 messages, half within", "p50_ms", WAIT, 1.5),
        ),
        answers=True,
        grouped=True,
    ),
    Measure(
        "catch-up",
        "catchup",
        {"conns": 1, "skip": PEOPLE},
        (
            Line("catch-up: 200 conversations, 50 messages of each", "cpu_us", CPU, 15_000),
            Line("catch-up, half within", "p50_ms", WAIT),
        ),
        answers=True,
        returning=True,
    ),
    Measure("bare-4", "pair", {"conns": TALKERS, "window": 4, "cid": 0}, (_bare("1:1, 4 in flight"),)),
    Measure("bare-16", "pair", {"conns": TALKERS, "window": 16, "cid": 0}, (_bare("1:1, 16 in flight"),)),
    Measure(
        "bare-rate",
        "pair",
        {"conns": TALKERS, "rate": RATE, "cid": 0},
        (Line("3,000 messages/s, each, no cid", "cpu_us", CPU),),
    ),
)
STALL = Line("longest stall of the reactor in all these", "stall_ms", WAIT, times=1)
LINES = (*(line for measure in MEASURES for line in measure.lines), STALL)


def chosen(patterns: Sequence[str]) -> list[Measure]:
    """The measures whose names fit one of the shell patterns; all without any. `SystemExit` for one that fits none."""
    for pattern in patterns:
        if not any(fnmatchcase(measure.name, pattern) for measure in MEASURES):
            names = ", ".join(measure.name for measure in MEASURES)
            raise SystemExit(f"no row is called {pattern}; there are {names}")
    wanted = patterns or ("*",)
    return [one for one in MEASURES if any(fnmatchcase(one.name, pattern) for pattern in wanted)]
