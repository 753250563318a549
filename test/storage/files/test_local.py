"""Files in a folder."""

from __future__ import annotations

import os
import time

from twisted.trial.unittest import TestCase

from test.storage.files.contract import FileStoreContract
from twim.errors import Unavailable
from twim.storage.files.interface import FileStore, name_of
from twim.storage.files.local import LocalFiles
from twim.storage.files.spool import STALE_AFTER


class LocalTests(FileStoreContract, TestCase):
    def make_store(self) -> FileStore:
        return LocalFiles(self.folder, self.threads)

    async def test_where(self) -> None:
        """A file is in a folder named after the first characters of its hash."""
        name, url = await self.keep(b"x", ".txt")
        self.assertEqual(url, "/mnt/" + name)
        self.assertEqual((self.folder / name).read_bytes(), b"x")
        self.assertRegex(name, r"^[0-9a-f]{2}/[0-9a-f]{62}\.txt$")

    async def test_again_is_new(self) -> None:
        """A file that is stored again counts as new to a sweep."""
        name, _ = await self.keep(b"x")
        os.utime(self.folder / name, (1, 1))
        await self.keep(b"x")
        self.assertFalse(await self.store.delete(name, time.time() - 100))

    async def test_a_full_disk(self) -> None:
        """A folder that can't be written is Unavailable, and nothing half is there."""
        spooled = self.store.spool.whole(b"x")
        name = name_of(spooled.sha256, ".bin")
        (self.folder / name[:2]).write_text("in the way")
        with self.assertRaises(Unavailable):
            await self.store.adopt(spooled, name, "")
        self.assertEqual(await self.listed(), [])

    async def test_what_is_not_ours(self) -> None:
        """Foreign files in the folder are neither listed nor found."""
        (self.folder / "ab").mkdir()
        (self.folder / "ab" / "notes.txt").write_text("x")
        (self.folder / "lost+found").mkdir()
        self.assertEqual(await self.listed(), [])

    def test_what_a_crash_left(self) -> None:
        """An upload's part that wasn't written to for long is removed, a recent one isn't."""
        left, live = self.store.spool.begin(), self.store.spool.begin()
        left.finish()
        stale = left.finish().path
        os.utime(stale, (time.time() - STALE_AFTER - 60,) * 2)
        self.assertEqual(self.store.spool.clear(), 1)
        self.assertFalse(stale.exists())
        live.discard()
        self.assertEqual(self.spooled(), [])
