"""Tables stand in columns whatever is written in them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.command.tables import amount, cut, moment, pad, table, visible, width


class Widths(SynchronousTestCase):
    """How many columns of a terminal a text takes."""

    def test_width(self) -> None:
        """Chinese characters take two columns, combining marks and joiners none."""
        self.assertEqual([width(one) for one in ("abc", "下雪", "é", "e\u0301", "ｆ", "")], [3, 4, 1, 1, 2, 0])

    def test_cut(self) -> None:
        """What is cut says so and fits, also where half a character would be left."""
        self.assertEqual(cut("abcdef", 6), "abcdef")
        self.assertEqual(cut("abcdefg", 6), "abcde…")
        self.assertEqual(cut("今天下雪了", 6), "今天…")

    def test_pad(self) -> None:
        """Numbers stand at the right, texts at the left."""
        self.assertEqual((pad("雪", 4), pad("7", 4, right=True), pad("abcde", 4)), ("雪  ", "   7", "abcde"))

    def test_visible(self) -> None:
        """Nothing that a user wrote steers the terminal or turns the line around."""
        self.assertEqual(visible("a\x1b[31m\n\u202eb\x9b雪"), "a?[31m??b?雪")

    def test_amount(self) -> None:
        """Bytes have the unit that suits them."""
        shown = [amount(count) for count in (0, 1023, 1024, 5 << 20, 3 << 30, 2 << 40)]
        self.assertEqual(shown, ["0 B", "1023 B", "1.0 KiB", "5.0 MiB", "3.0 GiB", "2.0 TiB"])

    def test_moment(self) -> None:
        """A time is readable, and never is a dash."""
        self.assertRegex(moment(1_700_000_000_000), r"^2023-11-1[45] \d\d:\d\d$")
        self.assertEqual(moment(0), "-")


class Tables(SynchronousTestCase):
    """Rows under their heads."""

    def test_aligned(self) -> None:
        """Each column begins at one place."""
        lines = table(
            ("ID", "NAME", "ROLE"), [("7", "小明", "admin"), ("12", "Ann", "member")], (True, False, False), None
        )
        self.assertEqual(lines, ["ID  NAME  ROLE", " 7  小明  admin", "12  Ann   member"])

    def test_narrow(self) -> None:
        """Where there is no room the widest texts are cut, and numbers never."""
        rows = [("1234567890", "x" * 30, "y" * 12)]
        lines = table(("ID", "NAME", "MORE"), rows, (True, False, False), 40)
        self.assertEqual(max(map(width, lines)), 40)
        self.assertIn("1234567890  xxxxxxxxxxxxx…  yyyyyyyyyyyy", lines[1])

    def test_too_narrow(self) -> None:
        """No column becomes so narrow that it says nothing."""
        lines = table(("ID", "NAME"), [("1234567890", "x" * 30)], (True, False), 10)
        self.assertEqual(lines[1], "1234567890  xxxxxxx…")
