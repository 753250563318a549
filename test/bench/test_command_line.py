"""Which rows and programs a command line asks for."""

from __future__ import annotations

import contextlib
import io

from twisted.trial.unittest import SynchronousTestCase

from bench.__main__ import arguments
from bench.measures import LINES, MEASURES, chosen


class CommandLineTests(SynchronousTestCase):
    """`python -m bench`."""

    def test_everything(self) -> None:
        """Without options all rows are measured, beside all other programs."""
        given = arguments([])
        self.assertEqual(given.rows, list(MEASURES))
        self.assertEqual(given.beside, ["plain", "redis", "rabbitmq"])

    def test_rows(self) -> None:
        """Rows are picked by shell patterns, and stay in the table's order."""
        names = [measure.name for measure in arguments(["--rows", "rate,pair-*"]).rows]
        self.assertEqual(names, ["pair-1", "pair-4", "pair-16", "rate"])

    def test_unknown_row(self) -> None:
        """A pattern that fits nothing is refused, and the names are told."""
        error = self.assertRaises(SystemExit, chosen, ["pair-4", "pears"])
        self.assertIn("pears", str(error))
        self.assertIn("catch-up", str(error))

    def test_base_is_alone(self) -> None:
        """Two trees are compared without other programs, unless these are asked for."""
        self.assertEqual(arguments(["--base", "HEAD"]).beside, [])
        self.assertEqual(arguments(["--base", "HEAD", "--beside", "redis"]).beside, ["redis"])
        self.assertEqual(arguments(["--beside", "none"]).beside, [])

    def test_unknown_program(self) -> None:
        """A program that can't be measured is refused."""
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertRaises(SystemExit, arguments, ["--beside", "plain,rabbits"])
        self.assertIn("rabbits", said.getvalue())

    def test_titles_are_unique(self) -> None:
        """Figures are kept by their titles."""
        self.assertEqual(len({line.title for line in LINES}), len(LINES))
        self.assertEqual(len({measure.name for measure in MEASURES}), len(MEASURES))
