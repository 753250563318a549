"""Uploads: whether they can be stored, and who may read them."""

from __future__ import annotations

import os
import urllib.request
from datetime import UTC, datetime

from test.doctor.examined import IS_ROOT, NOBODY, Examined, contents
from test.storage.files.swift import KEY_ID, SECRET
from test.storage.files.test_s3 import swift
from twim.doctor import object_store
from twim.storage.files.sigv4 import EMPTY, Credentials, Signer

KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


class LocalTests(Examined):
    """The topic `files` for a folder of this machine."""

    def setUp(self) -> None:
        super().setUp()
        self.files = self.data / "mnt"

    def test_right(self) -> None:
        """Not there yet; there; and tried, which leaves nothing."""
        self.assert_no_problem(self.examine("files"))
        self.files.mkdir(0o700)
        before = contents(self.data)
        found = self.examine("files")
        self.assert_no_problem(found)
        self.assert_found(found, "ok", f"only the server's user may look into {self.data}")
        self.assertEqual(contents(self.data), before)
        self.assert_found(self.examine("files", write=True), "ok", "was stored in")
        self.assertEqual(list(self.files.iterdir()), [])

    def test_no_folder(self) -> None:
        """A file in its place."""
        self.files.write_text("x")
        self.assert_found(self.examine("files"), "error", "is no folder")

    def test_not_ours(self) -> None:
        """A folder that the server's user may not write."""
        self.files.mkdir(0o755)
        if IS_ROOT:
            os.chown(self.data, NOBODY, NOBODY)
            self.assert_found(self.examine("files"), "error", "can't be used by nobody")
        else:
            self.files.chmod(0o500)
            self.assert_found(self.examine("files"), "error", "can't be used by")

    def test_nothing_can_be_stored(self) -> None:
        """Rights are one thing, the disk is another."""
        self.files.mkdir(0o700)
        if not IS_ROOT:
            self.skipTest("only root may make a file system")
        words = 'mount -t tmpfs -o size=4k tmpfs "$0" && head -c 4096 /dev/zero > "$0/x"; exec "$@"'
        apart = ("unshare", "--mount", "sh", "-c", words, str(self.files))
        found = self.examine_apart("files", {"data": str(self.data)}, *apart)
        self.assert_found(found, "error", "no file can be stored")

    def test_open_folder(self) -> None:
        """A data folder that others may look into, and what they may read there."""
        self.make()
        self.data.chmod(0o755)
        self.assertIn("chmod -R go=", self.assert_found(self.examine("files"), "warning", "may look into").fix)
        self.path.chmod(0o644)
        (self.data / "cluster.key").touch(0o640)
        (self.data / "cluster.key").chmod(0o640)
        found = self.assert_found(self.examine("files"), "warning", "may read cluster.key, im.db in")
        self.data.chmod(0o700)
        self.assert_no_problem(self.examine("files"))
        self.assertIn(str(self.data), found.fix)

    def test_served_folder(self) -> None:
        """A folder that a web server can read has no secrets left: a folder of everybody's, and one of a group's."""
        served = self.data / "served"
        served.mkdir()
        config = self.config(data=str(self.data / "im"), files=f"file://{served}")
        for mode, level, words in (
            (0o755, "warning", "everybody on this machine"),
            (0o750, "note", "a group may read"),
        ):
            self.data.chmod(0o755)
            served.chmod(mode)
            if any(not one.stat().st_mode & 1 for one in self.data.parents):
                self.skipTest("the temporary folder is closed to others")
            self.assert_found(self.examine("files", config), level, words)
        served.chmod(0o700)
        self.assert_no_problem(self.examine("files", config))
        served.chmod(0o755)
        self.data.chmod(0o700)
        self.assertNotIn("warning", [one.level for one in self.examine("files", config)])


class ObjectStoreTests(Examined):
    """The topic `files` for an object store, which is Swift: its S3 interface checks signatures."""

    def url(self, bucket: str = "pictures", more: str = "") -> str:
        """The store."""
        return f"s3://{bucket}/doctor?endpoint={swift().endpoint}{more}"

    def keys_there(self) -> str:
        """What the bucket lists."""
        host = swift().endpoint.removeprefix("http://")
        signer = Signer(Credentials(KEY_ID, SECRET), "us-east-1")
        query = [("list-type", "2"), ("prefix", "doctor")]
        headers = signer.sign("GET", "/pictures", query, {"Host": host}, EMPTY, datetime.now(UTC))
        url = f"{swift().endpoint}/pictures?list-type=2&prefix=doctor"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return str(answer.read().decode())

    def test_right(self) -> None:
        """The keys are taken; with `write` an object comes and goes."""
        config = self.config(files=self.url())
        found = self.examine("files", config, environ=KEYS)
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "takes our keys")
        found = self.examine("files", config, environ=KEYS, write=True)
        self.assert_found(found, "ok", "was stored in")
        self.assert_found(found, "note", "without TLS")
        self.assertNotIn("<Contents>", self.keys_there())

    def test_wrong_keys(self) -> None:
        """Another secret, and none."""
        config = self.config(files=self.url())
        for write in (False, True):
            found = self.examine("files", config, environ=KEYS | {"AWS_SECRET_ACCESS_KEY": "other"}, write=write)
            self.assert_found(found, "error", "SignatureDoesNotMatch")
        found = self.examine("files", config, environ={"AWS_SHARED_CREDENTIALS_FILE": str(self.data / "none")})
        self.assert_found(found, "error", "no credentials")

    def test_no_bucket(self) -> None:
        """A bucket that isn't there."""
        for write in (False, True):
            config = self.config(files=self.url("nothere"))
            found = self.assert_found(self.examine("files", config, environ=KEYS, write=write), "error", "NoSuchBucket")
            self.assertIn("Make the bucket", found.fix)

    def test_nobody_there(self) -> None:
        """An address where nothing listens."""
        config = self.config(files="s3://pictures?endpoint=http://127.0.0.1:9")
        self.assert_found(self.examine("files", config, environ=KEYS), "error", "Connection refused")

    def test_wrong_clock(self) -> None:
        """Stores take no signature of another time."""

        class Tomorrow(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return datetime(2031, 1, 1, tzinfo=UTC)

        self.patch(object_store, "datetime", Tomorrow)
        found = self.examine("files", self.config(files=self.url()), environ=KEYS)
        self.assertIn("clock", self.assert_found(found, "error", "RequestTimeTooSkewed").fix)

    def test_wrong_option(self) -> None:
        """What the server would refuse at its start."""
        config = self.config(files=self.url(more="&colour=red"))
        self.assert_found(self.examine("files", config, environ=KEYS), "error", "unknown option colour")
