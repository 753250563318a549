"""The names of the shortcuts, and what builds on what."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.config import ConfigError, read_config
from twim.internals.selfcheck import CHECKS
from twim.internals.shortcuts import ALL, NONE, SHORTCUTS, read_shortcuts, with_needed, without


class ShortcutTests(SynchronousTestCase):
    """`read_shortcuts`, and the option."""

    def test_read(self) -> None:
        """All, none, or some with what they build on."""
        self.assertEqual((read_shortcuts("on"), read_shortcuts("off")), (ALL, NONE))
        self.assertEqual(read_shortcuts("epoll, frames writes"), {"epoll", "frames", "writes"})
        self.assertEqual(read_shortcuts("upgrade"), {"upgrade", "handshake", "options"})

    def test_wrong(self) -> None:
        """A name that is none is refused, and so is nothing."""
        for value in ("", " , ", "fast", "epoll,fast", "on,epoll", "ON"):
            self.assertRaises(ValueError, read_shortcuts, value)
            error = self.assertRaises(ConfigError, read_config, {"shortcuts": value}, {})
            self.assertIn("--shortcuts", str(error))

    def test_option(self) -> None:
        """By command line or environment; on when nothing is said."""
        self.assertEqual(read_config({}, {}).shortcuts, ALL)
        self.assertEqual(read_config({}, {"TWIM_SHORTCUTS": "off"}).shortcuts, NONE)
        self.assertEqual(read_config({"shortcuts": "epoll"}, {"TWIM_SHORTCUTS": "off"}).shortcuts, {"epoll"})

    def test_without(self) -> None:
        """What builds on a broken one goes with it."""
        self.assertEqual(without(ALL, {"options"}), {"epoll", "frames", "writes"})
        self.assertEqual(without(ALL, {"upgrade"}), ALL - {"upgrade"})
        self.assertEqual(without(NONE, ALL), NONE)

    def test_complete(self) -> None:
        """Each one is checked, and builds only on others."""
        self.assertEqual(set(CHECKS), ALL)
        for name in SHORTCUTS:
            self.assertLessEqual(with_needed([name]), ALL)
