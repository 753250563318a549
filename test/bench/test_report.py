"""Rounds, medians, ratios and the table made of them."""

from __future__ import annotations

from types import TracebackType

from twisted.trial.unittest import SynchronousTestCase

from bench.load import Figures
from bench.measures import STALL, Measure, Results, chosen
from bench.report import as_markdown, as_text, table
from bench.rounds import Found, measure_all

TITLE = "1:1, 4 in flight"


class Program:
    """A subject whose figures are known, and which notes who ran when."""

    def __init__(self, name: str, figures: list[float], order: list[str]) -> None:
        self.name = name
        self._figures = iter(figures)
        self._order = order
        self._runs = False

    def __enter__(self) -> Program:
        self._runs = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runs = False

    def run(self, measure: Measure) -> Figures | None:
        assert self._runs
        self._order.append(f"{self.name} {measure.name}")
        if measure.answers:
            return None
        figure = next(self._figures)
        return {line.key: figure for line in measure.lines}

    def settle(self) -> None:
        self._order.append(f"{self.name} settled")

    def at_the_end(self) -> Results:
        return {STALL.title: 3.0} if self.name == "twim" else {}


class RoundsTests(SynchronousTestCase):
    """Subjects are measured one after the other."""

    def setUp(self) -> None:
        self.order: list[str] = []

    def measure(self, rows: list[str], **figures: list[float]) -> Found:
        """Measure rounds of programs that have these figures."""
        programs = [Program(name, one, self.order) for name, one in figures.items()]
        return measure_all(len(next(iter(figures.values()))), [programs], chosen(rows))

    def test_in_turn(self) -> None:
        """Each measure is made with every subject before the next one, and the first subject changes from round to
        round. A subject without the measure is left out."""
        self.measure(["page", "bare-4"], twim=[1, 1], base=[1, 1])
        first = ["twim page", "base page", "twim bare-4", "twim settled", "base bare-4", "base settled"]
        second = ["base page", "twim page", "base bare-4", "base settled", "twim bare-4", "twim settled"]
        self.assertEqual(self.order, first + second)

    def test_median_of_ratios(self) -> None:
        """The ratio is the median of the rounds' ratios: a round in which the machine was slow slows both."""
        found = self.measure(["pair-4"], twim=[100, 10, 120], base=[50, 5, 100])
        line = found.lines()[0]
        self.assertEqual(line.title, TITLE)
        self.assertEqual(found.middle("twim")[TITLE], 100)
        self.assertEqual(found.middle("base")[TITLE], 50)
        self.assertEqual(found.ratio(line, "twim", "base"), 2)

    def test_nothing_to_compare_with(self) -> None:
        """A figure that is missing, or 0, gives no ratio."""
        found = self.measure(["pair-4"], twim=[100], base=[0])
        line = found.lines()[0]
        self.assertIsNone(found.ratio(line, "twim", "base"))
        self.assertIsNone(found.ratio(line, "twim", "nobody"))

    def test_table_of_ratios(self) -> None:
        """Our figure and its goal, the earlier tree's figure, the ratio and its goal; then the other programs."""
        found = self.measure(["pair-4"], twim=[30_000], a1b2c3=[20_000], redis=[60_000])
        rows = table(found, "twim", "a1b2c3", ["redis", "RabbitMQ"])
        self.assertEqual(list(rows[0]), ["", "", "twim", "goal", "a1b2c3", "ratio", "its goal", "redis"])
        cells = ["30,000", "150,000", "20,000", "1.50", "1.60", "60,000"]
        self.assertEqual(list(rows[1]), [TITLE, "deliveries / CPU s", *cells])
        self.assertEqual(list(rows[-1]), [STALL.title, "ms", "3.00", "", "", "", "1.00", ""])

    def test_table_without_an_earlier_tree(self) -> None:
        """Without one there are no ratios."""
        rows = table(self.measure(["pair-4"], twim=[30_000]), "twim", None, [])
        self.assertEqual(list(rows[0]), ["", "", "twim", "goal"])
        self.assertTrue(as_text(rows, 2).splitlines()[1].startswith(TITLE))
        self.assertEqual(as_markdown(rows, 2).splitlines()[1], "| --- | --- | ---: | ---: |")
