"""Whatever is measured: chat servers here, and what other programs take for a stored message in `bench.peers`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bench.load import Figures, Load, finish
from bench.measures import RECONNECTING, RECONNECTS, STALL, TALKERS, Measure, Results
from bench.people import People, Return
from bench.servers import ROOT, Server, metric, ours, yardstick

BACK = Return()


class Subject(Protocol):
    """A program under test. `with` starts and stops it; `name` heads its column."""

    name: str

    def __enter__(self) -> Subject: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, measure: Measure) -> Figures | None:
        """The figures of one run; None for what it has nothing to do with."""

    def settle(self) -> None:
        """Wait until nothing is left to be done of the last run."""

    def at_the_end(self) -> Results:
        """Figures that are known only after all runs, by the titles of their lines."""


class Bench:
    """Runs the load generator with these people. `seconds` is the length of one run."""

    def __init__(self, program: Path, people: People, seconds: float) -> None:
        self._program = program
        self._people = people
        self._seconds = seconds

    def load(self, server: Server, mode: str, **options: object) -> Load:
        """A run against `server`."""
        given = {"users": self._people.users, "seconds": self._seconds} | options
        return Load(self._program, server, mode, **given)

    def run(self, server: Server, measure: Measure) -> Figures:
        """The figures of one run."""
        options = dict(measure.options)
        group = self._people.groups[TALKERS]
        if measure.mode == "page":
            options["body"] = f"scope=11&dstid={group}&limit=50"
        elif measure.grouped:
            options["gid"] = group
        elif measure.returning:
            options |= {"body": self._people.catch_up, "missed": BACK.conversations * BACK.missed}
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


class ChatServer:
    """A server that speaks our protocol. `start` makes it; `stores` says whether it keeps and answers messages."""

    def __init__(self, name: str, bench: Bench, start: Callable[[], Server], stores: bool) -> None:
        self.name = name
        self._bench = bench
        self._start = start
        self._stores = stores

    def __enter__(self) -> ChatServer:
        self._server = self._start().__enter__()
        self._server.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def run(self, measure: Measure) -> Figures | None:
        """The figures of one run."""
        return self._bench.run(self._server, measure) if self._stores or not measure.answers else None

    def settle(self) -> None:
        """Wait until what was put off is done."""
        self._server.settle()

    def at_the_end(self) -> Results:
        """The longest stall."""
        return {STALL.title: 1e3 * metric(self._server, "twim_reactor_stall_seconds_max")} if self._stores else {}


def a_tree(
    name: str, program: Path, people: People, seconds: float, tree: Path = ROOT, python: str = sys.executable
) -> ChatServer:
    """The server of a checkout, started each time with a copy of the people's data."""

    def start() -> Server:
        shutil.rmtree(people.folder / "copy", ignore_errors=True)
        shutil.copytree(people.folder / "data", people.folder / "copy")
        return ours(people.folder, tree, python, "copy")

    return ChatServer(name, Bench(program, people, seconds), start, stores=True)


def plain_autobahn(program: Path, people: People, seconds: float) -> ChatServer:
    """The yardstick, which stores nothing."""
    bench = Bench(program, people, seconds)
    group = people.groups[TALKERS]
    return ChatServer("plain Autobahn", bench, lambda: yardstick(people.folder, people.users, group), stores=False)
