"""The log's file is bounded, and can be moved away by other programs."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from twim.logs.destination import LogDestination


class DestinationTests(SynchronousTestCase):
    """A log file."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "im.log"

    def write(self, log: LogDestination, words: str) -> None:
        log({"log_format": "{words}", "words": words, "log_time": 0.0, "log_namespace": "x"})

    def test_rotated(self) -> None:
        """No file grows much beyond its size, and only the newest few are kept."""
        log = LogDestination(str(self.path), 1_000, 3, False)
        for number in range(200):
            self.write(log, f"{number:03} " + "界" * 10)
        files = sorted(self.path.parent.iterdir())
        self.assertEqual([one.name for one in files], ["im.log", "im.log.1", "im.log.2", "im.log.3"])
        for one in files:
            self.assertLess(one.stat().st_size, 1_200)
        self.assertIn("199 ", self.path.read_text("utf-8"))

    def test_opened_again(self) -> None:
        """A new file is opened after another program has moved the old one."""
        log = LogDestination(str(self.path), 1_000_000, 3, False)
        self.write(log, "before")
        self.path.rename(self.path.with_name("moved"))
        log.open_again()
        self.write(log, "after")
        self.assertIn("after", self.path.read_text())
        self.assertNotIn("after", self.path.with_name("moved").read_text())

    def test_empty_event(self) -> None:
        """An event without text makes no line."""
        LogDestination(str(self.path), 1_000, 3, False)({"log_time": 0.0})
        self.assertEqual(self.path.read_text(), "")

    def test_no_folder(self) -> None:
        """A file that can't be opened is an error."""
        self.assertRaises(OSError, LogDestination, str(self.path / "x"), 1_000, 3, False)
