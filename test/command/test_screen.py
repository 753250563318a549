"""What a command shows: for people or as JSON."""

from __future__ import annotations

import json
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from twim.command.screen import Screen, number, size, text, time

COLUMNS = (number("id"), text("nickname"), time("last", "LAST USED"), size("bytes"))


class Terminal(StringIO):
    """An output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Screens(SynchronousTestCase):
    """Lists, one thing, and what was done."""

    def setUp(self) -> None:
        self.out, self.err = StringIO(), StringIO()
        self.people, self.programs = Screen(False, self.out, self.err), Screen(True, self.out, self.err)

    def test_rows(self) -> None:
        """For people a table, whose empty cells are no error."""
        self.people.rows([{"id": 7, "nickname": "雪", "last": 0, "bytes": 2048}, {"id": 12}], COLUMNS)
        self.assertEqual(
            self.out.getvalue(),
            "ID  NICKNAME  LAST USED    BYTES\n 7  雪        -          2.0 KiB\n12            -              0 B\n",
        )

    def test_no_rows(self) -> None:
        """An empty list says that it is empty."""
        self.people.rows([], COLUMNS)
        self.assertEqual(self.out.getvalue(), "none\n")

    def test_rows_as_json(self) -> None:
        """For programs one document: a list, with all that a row has."""
        rows = [{"id": 7, "nickname": "雪\x1b", "more": [1]}]
        self.programs.rows(rows, COLUMNS)
        self.assertEqual(json.loads(self.out.getvalue()), rows)
        self.out.truncate(0)
        self.out.seek(0)
        self.programs.rows([], COLUMNS)
        self.assertEqual(json.loads(self.out.getvalue()), [])

    def test_one(self) -> None:
        """One thing is shown a field a line, and rows that belong to it below."""
        self.people.one({"id": 7, "nickname": "a\nb"}, (text("id", "number"), text("nickname", "name")))
        self.people.more("1 members", [{"id": 3}], (number("id"),))
        self.assertEqual(self.out.getvalue(), "number  7\nname    a?b\n\n1 members:\nID\n 3\n")

    def test_one_as_json(self) -> None:
        """For programs it is one document with everything in it."""
        self.programs.one({"id": 7, "rows": [{"id": 3}]}, COLUMNS)
        self.programs.more("members", [{"id": 3}], COLUMNS)
        self.assertEqual(json.loads(self.out.getvalue()), {"id": 7, "rows": [{"id": 3}]})

    def test_done(self) -> None:
        """What was done is told in words, or as the result; notes are no part of it."""
        self.people.done({"url": "/x"}, "done:\n/x")
        self.programs.done({"url": "/x"}, "done")
        self.people.note("by the way\x07")
        first, _, rest = self.out.getvalue().partition("/x\n")
        self.assertEqual((first, json.loads(rest)), ("done:\n", {"url": "/x"}))
        self.assertEqual(self.err.getvalue(), "by the way?\n")

    def test_terminal(self) -> None:
        """On a terminal no line is longer than it is wide; into a file nothing is cut."""
        self.patch(__import__("os"), "environ", {"COLUMNS": "40"})
        rows = [{"id": 1, "nickname": "n" * 60, "last": 0, "bytes": 0}]
        terminal = Terminal()
        Screen(False, terminal, self.err).rows(rows, COLUMNS)
        self.assertEqual(max(map(len, terminal.getvalue().split("\n"))), 40)
        self.people.rows(rows, COLUMNS)
        self.assertIn("n" * 60, self.out.getvalue())
