"""Where the log goes."""

from __future__ import annotations

import os

from test.doctor.examined import IS_ROOT, NOBODY, Examined


class LogsTests(Examined):
    """The topic `logs`."""

    def test_right(self) -> None:
        """Standard output, or a file whose folder is there."""
        for file in ("", "-", f"{self.data}/im.log"):
            self.assert_no_problem(self.examine("logs", self.config(log_file=file)))
        self.assertFalse((self.data / "im.log").exists())

    def test_no_folder(self) -> None:
        """A folder that isn't there."""
        found = self.examine("logs", self.config(log_file=f"{self.data}/none/im.log"))
        self.assertIn("mkdir -p", self.assert_found(found, "error", "isn't there").fix)

    def test_no_right(self) -> None:
        """A folder, and a file, that the server's user may not write."""
        if not IS_ROOT:
            self.data.chmod(0o500)
            found = self.examine("logs", self.config(log_file=f"{self.data}/im.log"))
            self.assert_found(found, "error", "can't be written by")
            return
        logs = self.data / "logs"
        logs.mkdir(0o755)
        os.chown(self.data, NOBODY, NOBODY)
        config = self.config(log_file=f"{logs}/im.log")
        self.assert_found(self.examine("logs", config), "error", f"folder {logs} can't be written by nobody")
        os.chown(logs, NOBODY, NOBODY)
        self.assert_no_problem(self.examine("logs", config))
        (logs / "im.log").touch(0o644)
        self.assert_found(self.examine("logs", config), "error", "im.log can't be written by nobody")
