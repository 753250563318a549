"""Subjects measured in turn, several times over, so that a machine that slows down slows all of them."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from bench.measures import LINES, Line, Measure, Results
from bench.subjects import Subject


@dataclass
class Found:
    """What each round gave, by subject."""

    rounds: dict[str, list[Results]] = field(default_factory=lambda: defaultdict(list))

    def middle(self, name: str) -> Results:
        """The median of each figure of a subject."""
        results = self.rounds.get(name, [])
        titles = {title for one in results for title in one}
        return {title: median(one[title] for one in results if title in one) for title in titles}

    def ratio(self, line: Line, name: str, base: str) -> float | None:
        """The median of the ratios that `name` had to `base` in each round; None where one of them has no figure."""
        pairs = zip(self.rounds.get(name, []), self.rounds.get(base, []), strict=False)
        ratios = [
            one[line.title] / other[line.title]
            for one, other in pairs
            if line.title in one and other.get(line.title, 0) > 0
        ]
        return median(ratios) if ratios else None

    def lines(self) -> list[Line]:
        """Those of the table that somebody has a figure for."""
        titles = {title for results in self.rounds.values() for one in results for title in one}
        return [line for line in LINES if line.title in titles]


def measure_all(rounds: int, together: Sequence[Sequence[Subject]], measures: Sequence[Measure]) -> Found:
    """Run each measure with each subject, `rounds` times. The subjects of one of `together` run at the same time, and
    of these one has work at a time: each measure is made with all of them before the next."""
    found = Found()
    for number in range(rounds):
        for subjects in together:
            with ExitStack() as stack:
                for subject in subjects:
                    stack.enter_context(subject)
                # Who is first in one round is last in the next.
                order = list(subjects)[:: -1 if number % 2 else 1]
                for name, results in _round(order, measures).items():
                    found.rounds[name].append(results)
    return found


def _round(subjects: Iterable[Subject], measures: Sequence[Measure]) -> dict[str, Results]:
    results: dict[str, Results] = {subject.name: {} for subject in subjects}
    for measure in measures:
        for subject in subjects:
            figures = subject.run(measure)
            if figures is not None:
                results[subject.name].update({line.title: figures[line.key] for line in measure.lines})
                print(f"  {measure.name}: {subject.name}", file=sys.stderr)
                subject.settle()
    for subject in subjects:
        results[subject.name].update(subject.at_the_end())
    return results
