"""The clock, compared with others."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

from test.doctor.examined import Examined
from test.doctor.test_database import address
from test.storage.databases import MYSQL, POSTGRESQL
from twim.doctor.clock import TIME_ERROR, UNSYNCHRONISED, KernelClock, judge_kernel, kernel_clock


class ClockTests(Examined):
    """The topic `clock`."""

    def test_against_the_database(self) -> None:
        """It agrees, or is behind or ahead by seconds or by minutes."""
        for server in (MYSQL, POSTGRESQL):
            config = self.config(db=address(server))
            found = self.examine("clock", config)
            self.assert_found(found, "ok", "agrees with the database server's")
            for apart, level, words in (
                (-30, "warning", "30 s behind"),
                (30, "warning", "30 s ahead of"),
                (-3600, "error", "3600 s behind"),
                (3600, "error", "3600 s ahead of"),
            ):
                found = self.examine("clock", config, clock=lambda apart=apart: time.time() + apart)
                self.assert_found(found, level, words)

    def test_years_behind(self) -> None:
        """A machine without a battery begins in 1970."""
        self.assert_found(self.examine("clock", clock=lambda: 1000.0), "error", "years behind")

    def test_what_the_kernel_says(self) -> None:
        """Set by the network, or not, or unknown."""
        self.assertEqual(judge_kernel(KernelClock(0, 0x2001)).level, "ok")
        for wrong in (KernelClock(TIME_ERROR, 0x2001), KernelClock(0, UNSYNCHRONISED)):
            self.assertEqual(judge_kernel(wrong).level, "warning")
            self.assertIn("timedatectl", judge_kernel(wrong).fix)
        self.assertEqual(judge_kernel(None).level, "note")

    def test_this_kernel(self) -> None:
        """The status is read from the right place: it is what Python's own process sees by other means."""
        found = kernel_clock()
        if sys.platform != "linux" or found is None:
            self.skipTest("this system doesn't tell")
        self.assertIn(found.state, range(6))
        if shutil.which("adjtimex"):
            said = subprocess.run(["adjtimex", "--print"], capture_output=True, text=True, check=True).stdout
            self.assertIn(f"status: {found.status}", said)
        # Without synchronisation the kernel itself reports an error: both numbers say the same.
        self.assertEqual(found.state == TIME_ERROR, bool(found.status & UNSYNCHRONISED))
