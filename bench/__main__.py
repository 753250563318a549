"""``python -m bench``: starts the servers and the load, and prints the table."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench import growth, peers, report
from bench.draw import draw
from bench.load import compile_load, floor_us
from bench.measures import PEOPLE, RATE, TALKERS, chosen
from bench.people import People
from bench.rounds import measure_all
from bench.servers import ROOT
from bench.subjects import BACK, Subject, a_tree, plain_autobahn
from bench.trees import checkout

OURS = "twim"
SAID = 10_000  # messages in the group whose pages are read
PLAIN = "plain"


def main() -> None:
    """Read the command line."""
    given = arguments(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="twim-bench-") as name:
        if given.growth:
            _growth(Path(name), given)
        else:
            _table(Path(name), given)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The command line, understood. `SystemExit` for one that can't be."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="length of one run [3]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median counts [3]")
    parser.add_argument("--rows", default="", metavar="NAMES", help="only these, separated by commas: pair-*,rate")
    parser.add_argument("--base", metavar="REV", help="measure the server of this commit in turn, and print ratios")
    parser.add_argument("--base-python", metavar="PATH", help="an interpreter for the other server: of --base, or ours")
    parser.add_argument(
        "--beside",
        metavar="NAMES",
        help=f"other programs to measure, of {','.join((PLAIN, *peers.KINDS))}, or none [all; none with --base]",
    )
    parser.add_argument("--growth", action="store_true", help="how the cost grows, instead of the table")
    parser.add_argument("--messages", type=int, default=10**6, help="largest log with --growth [1000000]")
    parser.add_argument("--write", action="store_true", help="put the results into bench/")
    given = parser.parse_args(words)
    given.rows = chosen([name for name in given.rows.split(",") if name])
    if given.beside is None:
        given.beside = "none" if given.base or given.base_python else ",".join((PLAIN, *peers.KINDS))
    given.beside = [name for name in given.beside.split(",") if name not in ("", "none")]
    for name in given.beside:
        if name != PLAIN and name not in peers.KINDS:
            parser.error(f"nothing called {name} can be measured beside")
    return given


def _table(folder: Path, given: argparse.Namespace) -> None:
    program = compile_load(folder)
    with ExitStack() as stack:
        people = _people(folder / "ours")
        together: list[Subject] = [a_tree(OURS, program, people, given.seconds)]
        base = None
        if given.base or given.base_python:
            python = given.base_python or sys.executable
            tree = stack.enter_context(checkout(given.base)) if given.base else ROOT
            base = _name(given.base, given.base_python)
            theirs = _people(folder / "base", tree, python)
            together.append(a_tree(base, program, theirs, given.seconds, tree, python))
        if PLAIN in given.beside:
            together.append(plain_autobahn(program, people, given.seconds))
        alone = peers.those_here(given.beside, program, people.users, folder, given.seconds)
        found = measure_all(given.rounds, [together, *([one] for one in alone)], given.rows)
    others = [one.name for one in [*together, *alone] if one.name not in (OURS, base)]
    rows = report.table(found, OURS, base, others)
    notes = [report.machine()]
    if any(one.name == "rate" for one in given.rows):
        floors = [floor_us(folder, RATE, given.seconds) for _ in range(given.rounds)]
        notes.insert(0, report.floor(RATE, median(floors)))
    notes[:0] = [note for one in alone for note in one.notes()]
    print(report.as_text(rows, 2), *notes, sep="\n\n")
    if given.write:
        report.write("ratios" if base else "results", "\n\n".join([report.as_markdown(rows, 2), *notes]))
        if not base:
            results = {name: found.middle(name) for name in [OURS, *others]}
            draw(results[OURS], results.get("plain Autobahn", {}))
            Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def _people(folder: Path, tree: Path = ROOT, python: str = sys.executable) -> People:
    folder.mkdir()
    people = People(folder, PEOPLE, [TALKERS], BACK, tree, python)
    people.say(TALKERS, 1, SAID)
    return people


def _name(revision: str | None, python: str | None) -> str:
    parts = [revision] if revision else []
    if python:
        said = subprocess.run([python, "--version"], check=True, capture_output=True, text=True).stdout
        parts.append(said.strip())
    return ", ".join(parts)


def _growth(folder: Path, given: argparse.Namespace) -> None:
    sections = growth.measure(folder, given.seconds, given.messages)
    for title, rows in sections.items():
        print(title, report.as_text(rows), "", sep="\n")
    if given.write:
        parts = [f"{title}\n\n{report.as_markdown(rows)}" for title, rows in sections.items()]
        report.write("growth", "\n\n".join([*parts, report.machine()]))


if __name__ == "__main__":
    main()
