"""What the fault-injection runs counted, as a table; with `TWIM_TALLY=FILE` it replaces the one in that file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

BEGIN = "<!-- counted by the tests -->"
END = "<!-- end -->"
HEAD = "| fault | how often | messages | deliveries | lost | doubled | reordered |\n|---|--:|--:|--:|--:|--:|--:|\n"


class Counted(Protocol):
    """The counts of one load's faults."""

    @property
    def lost(self) -> int: ...

    @property
    def doubled(self) -> int: ...

    @property
    def reordered(self) -> int: ...


class Tally:
    """A table with one row for each run."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self._notes: list[str] = []

    def add(self, fault: str, how_often: str, messages: int, deliveries: int, ledger: Counted) -> None:
        """Add a row. `how_often` says the number of faults in words ("20 kills"); `deliveries` are messages given to
        devices."""
        faults = f"{ledger.lost} | {ledger.doubled} | {ledger.reordered}"
        self._rows[fault] = f"| {fault} | {how_often} | {messages:,} | {deliveries:,} | {faults} |\n"

    def note(self, text: str) -> None:
        """Add a sentence below the table."""
        self._notes.append(f"\n{text}.\n")

    def table(self) -> str:
        """The table in Markdown; empty when nothing was counted."""
        rows = HEAD + "".join(self._rows.values()) if self._rows else ""
        return rows + "".join(self._notes)

    def write(self) -> None:
        """Replace the table in the file that the environment names, between its two marks."""
        target = os.environ.get("TWIM_TALLY")
        if not target or not self.table():
            return
        path = Path(target)
        before, _, rest = path.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        path.write_text(f"{before}{BEGIN}\n{self.table()}{END}{after}")
