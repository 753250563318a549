"""What the tests of the doctor share: an installation in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import SkipTest

from sqlalchemy import insert
from twisted.trial.unittest import SynchronousTestCase

from twim.config import Config, read_config
from twim.doctor import Finding, Level, examine
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database
from twim.storage.schema import user

PROJECT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0
NOBODY = 65534
DAY = datetime(2026, 11, 1)


class Examined(SynchronousTestCase):
    """An installation whose data are in `data`, which is removed afterwards."""

    def setUp(self) -> None:
        """Make the folder, as the server would."""
        self.data = Path(tempfile.mkdtemp(prefix="twim-doctor-")).resolve()
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        self.path = self.data / "im.db"

    def config(self, **options: str) -> Config:
        """Its settings; `options` with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in options.items()}
        return read_config({"data": str(self.data), **given}, {})

    def examine(self, topic: str, config: Config | None = None, **how: Any) -> list[Finding]:
        """What is found of one topic."""
        how.setdefault("environ", {})
        found = examine(config or self.config(), **how)
        return [one for one in found if one.topic == topic]

    def examine_apart(self, topic: str, options: dict[str, str], *before: str, uid: int | None = None) -> list[Finding]:
        """The same in a process of its own, which begins with the words `before`, as `uid`."""
        words: Sequence[str] = [*before, sys.executable, "-m", "test.doctor.told", topic, json.dumps(options)]
        if uid is not None and not IS_ROOT:
            raise SkipTest("only root may be another user")
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=60, user=uid, check=False)
        if "unshare" in done.stderr:
            raise SkipTest(f"no namespace may be made here: {done.stderr}")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [Finding(one[0], Level(one[1]), one[2], one[3]) for one in json.loads(done.stdout)]

    def make(self, config: Config | None = None, people: int = 0) -> None:
        """Make the database, as the first start of a server does, with so many users."""
        database = Database(parse_url((config or self.config()).db), None)
        open_database(database)
        with database.engine.connect().execution_options(write=True) as connection, connection.begin():
            for number in range(people):
                row = {
                    "id": 10_000_000 + number,
                    "mobile": f"m{number}",
                    "passwd": "x",
                    "nickname": "n",
                    "createat": DAY,
                }
                connection.execute(insert(user).values(**row))
        database.stop()

    def assert_found(self, found: list[Finding], level: str, words: str) -> Finding:
        """The one finding of this level whose text has these words. It has a fix if it is a warning or an error."""
        fitting = [one for one in found if one.level == level and words in one.text]
        self.assertEqual(len(fitting), 1, f"{words!r} among {found}")
        if level in (Level.WARNING, Level.ERROR):
            self.assertTrue(fitting[0].fix, fitting[0])
        return fitting[0]

    def assert_no_problem(self, found: list[Finding]) -> None:
        """Neither a warning nor an error; something was looked at."""
        self.assertNotEqual(found, [])
        self.assertEqual([one for one in found if one.level in (Level.WARNING, Level.ERROR)], [])


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All that is in a folder: mode, time of the last change, and words."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        state = path.lstat()
        found[str(path)] = (state.st_mode, state.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
    return found
