"""The table, as text and between the marks in README.md."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bench.rounds import Found

README = Path(__file__).with_name("README.md")
PACKAGES = ("twisted", "autobahn", "msgspec", "sqlalchemy")


def number(value: float | None) -> str:
    """The number with three significant digits."""
    if value is None:
        return ""
    if value >= 1000:
        digits = 3 - len(str(int(value)))
        return f"{round(value, digits):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(found: Found, ours: str, base: str | None, others: Sequence[str]) -> list[Sequence[str]]:
    """The lines of the table, its head first: our figure and its goal; of the earlier tree `base`, where there is one,
    its figure, how many times that ours is, and the goal of this ratio; and the figures of `others` who have any."""
    others = [name for name in others if found.middle(name)]
    head = ["", "", ours, "goal", *((base, "ratio", "its goal") if base else ()), *others]
    results = {name: found.middle(name) for name in (ours, base, *others) if name}
    rows: list[Sequence[str]] = [head]
    for line in found.lines():
        cells = [results[ours].get(line.title), line.goal]
        if base:
            cells += [results[base].get(line.title), found.ratio(line, ours, base), line.times]
        cells += [results[name].get(line.title) for name in others]
        rows.append((line.title, line.unit, *map(number, cells)))
    return rows


def as_text(rows: Sequence[Sequence[str]], labels: int = 1) -> str:
    """Columns for a terminal, the first `labels` of them to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    pad = [str.ljust] * labels + [str.rjust] * (len(widths) - labels)
    return "\n".join("  ".join(f(c, w) for f, c, w in zip(pad, r, widths, strict=True)).rstrip() for r in rows)


def as_markdown(rows: Sequence[Sequence[str]], labels: int = 1) -> str:
    """A table for README.md."""
    head, *body = rows
    lines = [head, ["---"] * labels + ["---:"] * (len(head) - labels), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write(section: str, content: str) -> None:
    """Put `content` between README's ``<!-- section -->`` and ``<!-- /section -->``."""
    text = README.read_text()
    head, _, rest = text.partition(f"<!-- {section} -->\n")
    _, found, tail = rest.partition(f"<!-- /{section} -->")
    if not found:
        raise SystemExit(f"{README} has no marks for {section}")
    README.write_text(f"{head}<!-- {section} -->\n{content}\n<!-- /{section} -->{tail}")


def floor(rate: int, us: float) -> str:
    """A sentence on the cost that no server can avoid."""
    return (
        f"At {rate:,} messages/s the system calls of one message take {number(us)} µs of CPU by themselves (`floor.c`)."
    )


def machine() -> str:
    """A sentence on the machine, and how fast it was during the measurement, since such machines are shared."""
    named = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    model = named[1] if named else platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{time.strftime('%Y-%m-%d')}, {model}, {len(os.sched_getaffinity(0))} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}. "
        f"A million iterations of an empty loop took {_loop_ms():.0f} ms, a synced write {_sync_us():.0f} µs; "
        f"load average {os.getloadavg()[2]:.1f}."
    )


def _loop_ms() -> float:
    best = 1e9
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1_000_000):
            pass
        best = min(best, time.perf_counter() - began)
    return best * 1e3


def _sync_us() -> float:
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        for _ in range(200):
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
        return (time.perf_counter() - began) / 200 * 1e6
