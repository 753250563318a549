"""A stale pid file is told from a valid one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from twim.pidfile import is_stale


class Staleness(SynchronousTestCase):
    def write(self, said: str | bytes | int, age: float = 0) -> Path:
        path = Path(self.mktemp())
        path.write_bytes(said if isinstance(said, bytes) else str(said).encode())
        os.utime(path, (time.time() - age,) * 2)
        return path

    def living(self, name: str) -> int:
        """A process with that `name`."""
        process = subprocess.Popen([sys.executable, "-c", "input()", name], stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        command = Path(f"/proc/{process.pid}/cmdline")
        while name.encode() not in command.read_bytes():  # between fork and exec it is a copy of this one
            time.sleep(0.01)
        return process.pid

    def test_own(self) -> None:
        """A file with this process's own number is stale, as in a container where each start has the same number."""
        self.assertTrue(is_stale(self.write(os.getpid())))

    def test_gone(self) -> None:
        """A file with a number that no process has is stale."""
        self.assertTrue(is_stale(self.write(2**22 + 7)))
        self.assertTrue(is_stale(self.write(10**30)))

    def test_empty(self) -> None:
        """An empty file, as a power failure leaves it, is stale."""
        for said in (b"", b"\n", bytes(7), b"0"):
            self.assertTrue(is_stale(self.write(said)), said)

    def test_another_program(self) -> None:
        """A file whose number another program has is stale."""
        self.assertTrue(is_stale(self.write(self.living("a-shell"))))

    def test_younger(self) -> None:
        """A file that is older than the twistd with its number is stale."""
        self.assertTrue(is_stale(self.write(self.living("twistd"), age=3600)))

    def test_living(self) -> None:
        """A file whose twistd may still run is valid: twistd refuses to start."""
        pid = self.living("twistd")
        self.assertFalse(is_stale(self.write(pid)))
        self.assertFalse(is_stale(self.write(f"{pid}\n")))

    def test_no_pid_file(self) -> None:
        """A file with more than a number in it isn't removed."""
        for said in ("a letter", "1 2", "1" * 100, "-1"):
            self.assertFalse(is_stale(self.write(said)), said)
        self.assertFalse(is_stale(Path(self.mktemp())))
        self.assertFalse(is_stale(Path()))

    def test_unknown_system(self) -> None:
        """Without /proc the file is left to twistd."""
        self.assertFalse(is_stale(self.write(1), Path(self.mktemp())))


class Options(SynchronousTestCase):
    """The options that twistd has read."""

    def pidfile(self, *arguments: str) -> str:
        options = ServerOptions()
        options.parseOptions([*arguments, "im", "--data", self.mktemp(), "--port", "tcp:0"])
        found: str = options["pidfile"]
        return found

    def test_foreground(self) -> None:
        """In the foreground no file is written unless one is named."""
        self.assertEqual(self.pidfile("-n"), "")
        self.assertEqual(self.pidfile("--debug"), "")
        self.assertEqual(self.pidfile("-n", "--pidfile=a.pid"), str(Path("a.pid").absolute()))

    def test_background(self) -> None:
        """In the background twistd writes its own file."""
        self.assertEqual(self.pidfile(), str(Path("twistd.pid").absolute()))

    def test_stale(self) -> None:
        """A stale file is removed before twistd looks."""
        path = Path(self.mktemp())
        path.write_text(str(os.getpid()))
        self.pidfile("-n", f"--pidfile={path}")
        self.assertFalse(path.exists())
