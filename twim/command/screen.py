"""What a command says: for people, or with ``--json`` exactly one JSON document."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

from twim.command.tables import amount, moment, pad, table, visible, width

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """One column of a table: its head, and what a row has there."""

    head: str
    cell: Callable[[Row], str]
    right: bool = False


def text(name: str, head: str = "") -> Column:
    """A field as it is."""
    return Column(head or name.upper(), lambda row: str(row.get(name, "")))


def number(name: str, head: str = "") -> Column:
    """A number, at the right."""
    return Column(head or name.upper(), lambda row: str(row.get(name, 0)), right=True)


def time(name: str, head: str = "") -> Column:
    """A time, given in ms since 1970."""
    return Column(head or name.upper(), lambda row: moment(int(row.get(name) or 0)))


def size(name: str, head: str = "") -> Column:
    """A number of bytes."""
    return Column(head or name.upper(), lambda row: amount(int(row.get(name) or 0)), right=True)


NOTHING: Final = "none"


class Screen:
    """Standard output, and standard error for what is no result."""

    def __init__(self, as_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = sys.stdout if out is None else out
        self._err = sys.stderr if err is None else err

    def rows(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        """A list."""
        if self.as_json:
            self._document(list(rows))
        elif not rows:
            self._line(NOTHING)
        else:
            cells = [[column.cell(row) for column in columns] for row in rows]
            rights = [column.right for column in columns]
            for line in table([column.head for column in columns], cells, rights, self._columns()):
                self._line(line)

    def one(self, found: Row, fields: Sequence[Column]) -> None:
        """One thing, a field on each line."""
        if self.as_json:
            self._document(found)
            return
        widest = max(width(field.head) for field in fields)
        for field in fields:
            self._line(f"{pad(field.head, widest)}  {visible(field.cell(found))}".rstrip())

    def done(self, result: Row, said: str) -> None:
        """What a command did: `result` as JSON, `said` for people."""
        if self.as_json:
            self._document(result)
        else:
            for line in said.split("\n"):
                self._line(visible(line))

    def note(self, said: str) -> None:
        """A line that is no part of the result."""
        print(visible(said), file=self._err, flush=True)

    def more(self, title: str, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        """Rows that belong to what `one` has shown. JSON has them in its document already."""
        if not self.as_json:
            self._line(f"\n{title}:")
            self.rows(rows, columns)

    def _columns(self) -> int | None:
        return shutil.get_terminal_size().columns if self._out.isatty() else None

    def _document(self, found: object) -> None:
        self._line(json.dumps(found, ensure_ascii=False, indent=2))

    def _line(self, line: str) -> None:
        print(line, file=self._out, flush=True)
