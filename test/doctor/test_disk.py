"""Room on the disk, and rights."""

from __future__ import annotations

import os
import sys
from typing import Any

from test.doctor.examined import IS_ROOT, NOBODY, Examined
from twim.doctor import disk
from twim.doctor.processes import may_write
from twim.doctor.reading import DatabaseReader
from twim.doctor.subject import Subject

MOUNTED = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount -t tmpfs -o "$1" tmpfs "$0" && eval "$2" && shift 2 && exec "$@"',
)


class DiskTests(Examined):
    """The topic `disk`."""

    def mounted(self, how: str, then: str) -> Any:
        """What is found when the data folder is a file system of its own, on which `then` was done."""
        if not IS_ROOT or sys.platform != "linux":
            self.skipTest("only root may make a file system")
        return self.examine_apart("disk", {"data": str(self.data)}, *MOUNTED, str(self.data), how, then)

    def test_room(self) -> None:
        """Enough of it, told once for folders on one disk."""
        free = os.statvfs(self.data).f_bavail * os.statvfs(self.data).f_frsize
        if free < 2 * disk.LITTLE_BYTES:
            self.skipTest("this machine's own disk is nearly full")
        found = self.examine("disk")
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "free")

    def test_full(self) -> None:
        """A disk without room."""
        found = self.mounted("size=2m", f"! head -c 3000000 /dev/zero > {self.data}/x 2>/dev/null")
        self.assert_found(found, "error", "has only 0 bytes free")

    def test_little(self) -> None:
        """A disk that will be full soon."""
        self.assert_found(self.mounted("size=200m", "true"), "warning", "has only 200 MiB free")

    def test_no_inodes(self) -> None:
        """A disk with room, but not for another file."""
        found = self.mounted("size=4g,nr_inodes=20", f"touch {self.data}/a {self.data}/b")
        self.assert_found(found, "error", "more files (inodes)")
        self.assert_found(self.mounted("size=4g,nr_inodes=2000", "true"), "warning", "more files (inodes)")

    def test_read_only(self) -> None:
        """A disk that can't be written, by root either."""
        found = self.mounted("size=4g", f"mount -o remount,ro {self.data}")
        self.assertIn("read-only", self.assert_found(found, "error", "the data folder").fix)

    def test_files_of_root(self) -> None:
        """Files that a command of root's has left behind for a server of another user."""
        if not IS_ROOT:
            self.skipTest("only root gives files away")
        self.make()
        os.chown(self.data, NOBODY, NOBODY)
        fix = self.assert_found(self.examine("disk"), "error", f"{self.path} can't be written by nobody").fix
        self.assertIn(f"chown nobody {self.path}", fix)
        os.chown(self.path, NOBODY, NOBODY)
        self.assert_no_problem(self.examine("disk"))

    def test_folder_of_another(self) -> None:
        """A folder that this user may not write."""
        self.data.chmod(0o555)
        found = self.examine_apart("disk", {"data": str(self.data)}, uid=NOBODY) if IS_ROOT else self.examine("disk")
        self.assert_found(found, "error", f"the data folder ({self.data}) can't be written by")

    def test_modes(self) -> None:
        """The rights of another user are those of owner, group and mode."""
        if not IS_ROOT:
            self.skipTest("only root gives files away")
        folder, file = self.data, self.data / "file"
        file.touch()
        for path, mode, owner, group, right in (
            (folder, 0o300, NOBODY, 0, True),
            (folder, 0o200, NOBODY, 0, False),
            (folder, 0o070, 0, NOBODY, True),
            (folder, 0o707, 0, NOBODY, False),
            (folder, 0o003, 0, 0, True),
            (file, 0o600, NOBODY, 0, True),
            (file, 0o660, 0, 0, False),
            (file, 0o002, 0, 0, True),
        ):
            os.chown(path, owner, group)
            path.chmod(mode)
            self.assertEqual(may_write(path, NOBODY), right, (path, oct(mode), owner, group))

    def test_elsewhere(self) -> None:
        """With the database and the files on other machines, the data folder and the spool are what is left."""
        config = self.config(files="s3://bucket", db="mysql://im@db.example/im")
        subject = Subject(config, DatabaseReader(config.db), {}, float, False, "", None, 7)
        self.assertEqual(disk.folders_of(subject), {"the data folder": self.data, "the spool": self.data / "spool"})
