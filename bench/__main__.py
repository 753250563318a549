"""``python -m bench``: start the servers and the load, print the table."""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from bench import growth, report
from bench.draw import draw
from bench.load import compile_load, floor_us
from bench.measures import PEOPLE, RATE, TALKERS, Bench, Results, alternating, middle
from bench.people import People
from bench.servers import ours, yardstick


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of one run [3]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median counts [3]")
    parser.add_argument("--growth", action="store_true", help="how the cost grows, instead of the table")
    parser.add_argument("--messages", type=int, default=10**6, help="largest log with --growth [1000000]")
    parser.add_argument("--write", action="store_true", help="put the results into bench/")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twim-bench-") as name:
        if given.growth:
            _growth(Path(name), given)
        else:
            _table(Path(name), given)


def _table(folder: Path, given: argparse.Namespace) -> None:
    people = People(folder, PEOPLE, [TALKERS])
    people.say(TALKERS, 1, 10_000)
    bench = Bench(compile_load(folder), people, given.seconds)
    servers = {
        "twim": partial(ours, folder),
        "plain": partial(yardstick, folder, people.users, people.groups[TALKERS]),
    }
    rounds: dict[str, list[Results]] = {"twim": [], "plain": []}
    floors = []
    for name, start in alternating(given.rounds, servers):
        with start() as server:
            rounds[name].append(bench.all_of(server, stores=name == "twim"))
        floors.append(floor_us(folder, RATE, given.seconds))
    results = {name: middle(found) for name, found in rounds.items()}
    rows = report.table(results["twim"], results["plain"])
    floor = report.floor(RATE, median(floors))
    machine = report.machine()
    print(report.as_text(rows, 2), floor, machine, sep="\n\n")
    if given.write:
        report.write("results", f"{report.as_markdown(rows, 2)}\n\n{floor}\n\n{machine}")
        draw(results["twim"], results["plain"])
        Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=1) + "\n")


def _growth(folder: Path, given: argparse.Namespace) -> None:
    sections = growth.measure(folder, given.seconds, given.messages)
    for title, rows in sections.items():
        print(title, report.as_text(rows), "", sep="\n")
    if given.write:
        parts = [f"{title}\n\n{report.as_markdown(rows)}" for title, rows in sections.items()]
        report.write("growth", "\n\n".join([*parts, report.machine()]))


if __name__ == "__main__":
    main()
