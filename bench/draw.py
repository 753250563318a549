"""Draws the table: each figure as a share of its goal, ours beside that of plain Autobahn."""

from __future__ import annotations

from pathlib import Path

from bench.measures import LINES, Line, Results
from bench.report import number

PICTURE = Path(__file__).with_name("results.svg")
OURS, PLAIN, GOAL = "#1b7f5c", "#9aa5b1", "#c2410c"


def draw(ours: Results, plain: Results) -> None:
    """Write `results.svg`. A bar that reaches the line reaches the goal, whether a higher or a lower figure is
    better."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "twim"
    from matplotlib import pyplot

    lines = [line for line in LINES if line.goal and line.title in ours]
    figure, axes = pyplot.subplots(figsize=(9, 0.62 * len(lines) + 1))
    for row, line in enumerate(lines):
        for offset, results, colour in ((-0.2, ours, OURS), (0.2, plain, PLAIN)):
            if line.title in results:
                value = results[line.title]
                part = _reached(line, value)
                axes.barh(row + offset, part, 0.38, color=colour)
                axes.text(part + 0.02, row + offset, number(value), va="center", fontsize=8)
    axes.axvline(1, color=GOAL, linewidth=1)
    axes.set_yticks(range(len(lines)), [f"{line.title}\n{line.unit}" for line in lines], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.1) * 1.08)
    axes.set_xlabel("part of the goal that is reached (further right is better)", fontsize=8)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in (OURS, PLAIN, GOAL)]
    axes.legend(handles, ["twim", "plain Autobahn, stores nothing", "goal"], fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None}, bbox_inches="tight")


def _reached(line: Line, value: float) -> float:
    assert line.goal
    return value / line.goal if line.more_is_better else line.goal / max(value, 1e-9)
