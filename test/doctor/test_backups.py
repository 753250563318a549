"""Backups: none, old, or none that can be used."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

from test.doctor.examined import IS_ROOT, NOBODY, Examined
from twim.operator.backup import backup
from twim.operator.locations import database_at

DAY = 86_400


class BackupsTests(Examined):
    """The topic `backups`."""

    def setUp(self) -> None:
        super().setUp()
        self.make()
        self.folder = self.data / "backups"

    def save(self, name: str = "im.db", days: float = 0.0) -> Path:
        """A real backup that is so old."""
        self.folder.mkdir(exist_ok=True)
        path = self.folder / name
        backup(database_at(str(self.path)), path)
        os.utime(path, (time.time() - days * DAY,) * 2)
        return path

    def test_no_folder(self) -> None:
        """Where none is known that is to be known; where one was named it is a warning."""
        self.assertIn("backup", self.assert_found(self.examine("backups"), "note", "no folder of backups").fix)
        self.assert_found(self.examine("backups", backups=self.data / "none"), "warning", "no folder of backups")

    def test_none(self) -> None:
        """Parts of one that wasn't finished don't count."""
        self.folder.mkdir()
        (self.folder / "im.db.part").write_text("half")
        (self.folder / "empty.db").touch()
        self.assert_found(self.examine("backups"), "warning", "there is no backup")

    def test_new(self) -> None:
        """The newest counts."""
        self.save("old.db", 30)
        path = self.save("new.db", 3)
        self.assert_no_problem(self.examine("backups"))
        self.assert_found(self.examine("backups"), "ok", f"{path}, is 3 days old")

    def test_old(self) -> None:
        """Older than a week, or than one says."""
        self.save(days=8)
        self.assert_found(self.examine("backups"), "warning", "is 8 days old")
        self.assert_no_problem(self.examine("backups", backup_days=9))
        self.assert_found(self.examine("backups", backups=self.folder, backup_days=2), "warning", "is 8 days old")

    def test_no_backup_at_all(self) -> None:
        """The newest file is something else; a packed one can't be looked into."""
        path = self.save()
        (self.folder / "newer.txt").write_text("hello")
        os.utime(self.folder / "newer.txt", (time.time() + 5,) * 2)
        self.assert_found(self.examine("backups"), "warning", "newer.txt, can't be used")
        (self.folder / "newer.txt").rename(self.folder / "newer.db")
        self.assert_found(self.examine("backups"), "warning", "newer.db, can't be used")
        packed = self.folder / "newer.db.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        os.utime(packed, (time.time() + 9,) * 2)
        self.assert_no_problem(self.examine("backups"))

    def test_of_a_database_server(self) -> None:
        """Any file of its own tools."""
        self.folder.mkdir()
        (self.folder / "im.sql").write_text("-- MariaDB dump")
        config = self.config(db="mysql://im@127.0.0.1:1/im")
        self.assert_no_problem(self.examine("backups", config))
        (self.folder / "im.sql").unlink()
        self.assertIn("mysqldump", self.assert_found(self.examine("backups", config), "warning", "no backup").fix)

    def test_not_to_be_seen(self) -> None:
        """A folder of another user's."""
        self.save()
        self.folder.chmod(0)
        self.data.chmod(0o755)
        if IS_ROOT:
            found = self.examine_apart("backups", {"data": str(self.data)}, uid=NOBODY)
        else:
            found = self.examine("backups")
            self.folder.chmod(0o700)
        self.assert_found(found, "note", "can't be seen: Permission denied")
