"""The database: there or not, whole or not, and in which place."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from test.doctor.examined import IS_ROOT, NOBODY, Examined, contents
from test.storage.databases import MYSQL, POSTGRESQL, Server, empty_database
from twim.doctor import database
from twim.doctor.database import judge_version
from twim.doctor.file_systems import file_system_of

PAGE = 4096


class SqliteTests(Examined):
    """The topic `database` for SQLite."""

    def test_none_yet(self) -> None:
        """That is no fault, and none is made."""
        found = self.examine("database")
        self.assert_found(found, "note", "isn't there yet")
        self.assert_no_problem(found)
        self.assertFalse(self.path.exists())

    def test_right(self) -> None:
        """One that a server made is whole, and nothing is left beside it."""
        self.make(people=3)
        found = self.examine("database")
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "is whole")
        self.assertEqual([one.name for one in self.data.iterdir()], ["im.db"])

    def test_in_use(self) -> None:
        """Beside whoever writes, with a log that isn't copied back; neither file changes."""
        self.make()
        with closing(sqlite3.connect(self.path)) as writer:
            writer.execute("INSERT INTO meta VALUES ('x', 'y')")
            writer.commit()
            before = contents(self.data)[str(self.path) + "-wal"]
            found = self.examine("database")
            self.assertEqual(contents(self.data)[str(self.path) + "-wal"], before)
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "is whole")

    def test_locked(self) -> None:
        """Somebody who keeps it locked is in nobody's way who reads."""
        self.make()
        with closing(sqlite3.connect(self.path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            self.assert_no_problem(self.examine("database"))

    def test_damaged(self) -> None:
        """A page with rubbish in it is found."""
        self.make(people=200)
        with self.path.open("r+b") as file:
            for page in range(2, self.path.stat().st_size // PAGE):
                file.seek(page * PAGE)
                file.write(b"\xff" * 64)
        fix = self.assert_found(self.examine("database"), "error", "is damaged").fix
        self.assertIn("restore", fix)

    def test_no_database(self) -> None:
        """A file that is something else."""
        self.path.write_text("hello")
        self.assert_found(self.examine("database"), "error", "is no SQLite database")

    def test_no_time(self) -> None:
        """What can't be read in time is said to be unknown."""
        self.make()
        self.patch(database, "CHECK_SECONDS", -1.0)
        self.patch(database, "_STEPS", 1)
        found = self.examine("database")
        self.assert_found(found, "note", "too large to be checked")
        self.assert_no_problem(found)

    def test_large_log(self) -> None:
        """A write-ahead log that grew far beyond what the server lets it."""
        self.make()
        with self.path.with_name("im.db-wal").open("wb") as file:
            file.truncate(database.WAL_BYTES + 1)
        self.assert_found(self.examine("database"), "warning", "has grown to 256 MiB")

    def test_no_write_ahead_log(self) -> None:
        """As after a restore; the server begins one."""
        self.make()
        with closing(sqlite3.connect(self.path)) as plain:
            plain.execute("PRAGMA journal_mode=DELETE")
        found = self.examine("database")
        self.assert_found(found, "note", "has no write-ahead log")
        self.assert_no_problem(found)

    def test_somebody_elses(self) -> None:
        """A file that this user may not read."""
        self.make()
        self.data.chmod(0o755)
        self.path.chmod(0)
        if IS_ROOT:
            found = self.examine_apart("database", {"data": str(self.data)}, uid=NOBODY)
        else:
            found = self.examine("database")
        self.assertIn("sudo -u", self.assert_found(found, "error", "can't be read: Permission denied").fix)

    def test_in_memory(self) -> None:
        """A folder in memory is lost with the next restart of the machine."""
        if file_system_of(Path("/dev/shm")) != "tmpfs":
            self.skipTest("no tmpfs in /dev/shm")
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            found = self.examine("database", self.config(data=folder))
        self.assert_found(found, "warning", "is in memory (tmpfs)")

    def test_on_the_network(self) -> None:
        """The kinds of file systems as the kernel lists them; the longest path wins, and of two the later one."""
        mounts = self.data / "mountinfo"
        mounts.write_text(
            "1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"
            "2 1 0:40 / /srv rw - nfs4 server:/srv rw\n"
            "3 2 0:41 / /srv/my\\040data rw - ext4 /dev/sdb rw\n"
            "4 2 0:42 / /srv/two rw - ext4 /dev/sdc rw\n"
            "5 2 0:43 / /srv/two rw - cifs //server/two rw\n"
        )
        kinds = {"/home": "ext4", "/srv/im": "nfs4", "/srv": "nfs4", "/srvx": "ext4"}
        kinds |= {"/srv/my data/im.db": "ext4", "/srv/two/im.db": "cifs"}
        self.assertEqual({path: file_system_of(Path(path), mounts) for path in kinds}, kinds)
        self.patch(database, "file_system_of", lambda path: file_system_of(Path("/srv/im.db"), mounts))
        self.assert_found(self.examine("database"), "error", "file system of the network (nfs4)")

    def test_file_system_is_real(self) -> None:
        """As the program df says it."""
        said = subprocess.run(["df", "--output=fstype", str(self.data)], capture_output=True, text=True, check=True)
        self.assertIn(file_system_of(self.data), said.stdout.replace("ext2/ext3", "ext3"))

    def test_versions(self) -> None:
        """What is too old is an error for each kind."""
        for name, old, new in (
            ("SQLite", (3, 32, 9), (3, 33, 0)),
            ("MariaDB", (10, 2, 44), (10, 11, 6)),
            ("MySQL", (5, 7, 44), (8, 0, 11)),
            ("PostgreSQL", (11, 22), (12, 0)),
        ):
            self.assertEqual([judge_version(name, one).level for one in (old, new)], ["error", "ok"], name)
            self.assertIn(f"Install {name}", judge_version(name, old).fix)


class ServerTests(Examined):
    """The topic `database` for database servers."""

    def test_there(self) -> None:
        """Empty or with our tables, its version and size are told, and no password."""
        for server in (MYSQL, POSTGRESQL):
            config = self.config(db=address(server))
            for prepare in (lambda: None, lambda config=config: self.make(config)):
                prepare()
                found = self.examine("database", config)
                self.assert_no_problem(found)
                self.assert_found(found, "ok", f"{server.name} ")
                self.assert_found(found, "ok", "is reached and has")

    def test_wrong_password(self) -> None:
        """The server's own words, and nothing of the password."""
        url = empty_database(MYSQL).set(username="stranger", password="s3cret")
        found = self.examine("database", self.config(db=plain(url.render_as_string(hide_password=False))))
        text = self.assert_found(found, "error", "can't be reached").text
        self.assertIn("stranger", text)
        self.assertNotIn("s3cret", text)

    def test_nobody_there(self) -> None:
        """A port on which nothing listens. The other topics don't wait for it again."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            for kind in ("mysql", "postgresql"):
                config = self.config(db=f"{kind}://im@127.0.0.1:{taken.getsockname()[1]}/im")
                self.assert_found(self.examine("database", config), "error", "can't be reached")
                for topic in ("schema", "administrators", "nodes", "clock"):
                    self.assert_found(self.examine(topic, config), "note", "can't be read")


def address(server: Server) -> str:
    """An empty database of a server, as ``--db`` names it."""
    return plain(empty_database(server).render_as_string(hide_password=False))


def plain(url: str) -> str:
    """A URL without the driver's name."""
    return url.replace("+pymysql", "").replace("+psycopg", "")
