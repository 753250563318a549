"""Files that nothing refers to are removed, others never."""

from __future__ import annotations

import os
import time
from collections.abc import Collection

from twisted.trial.unittest import TestCase

from test.storage.files.contract import StoreRig
from twim.storage.files import sweep as sweeping
from twim.storage.files.interface import THUMB, FileStore, name_of, stem_of, stems_in
from twim.storage.files.local import LocalFiles
from twim.storage.files.sweep import sweep

DAY = 86400


class Sweeping(StoreRig, TestCase):
    def make_store(self) -> FileStore:
        return LocalFiles(self.folder, self.threads)

    def setUp(self) -> None:
        super().setUp()
        self.known: set[str] = set()
        self.questions: list[Collection[str]] = []
        self.forgotten: list[str] = []

    async def referenced(self, stems: Collection[str]) -> Collection[str]:
        self.questions.append(stems)
        return self.known & set(stems)

    async def forget(self, stems: Collection[str], before: float) -> None:
        self.forgotten += stems

    async def keep_old(self, content: bytes, mark: str = "") -> str:
        spooled = await self.threads.run(self.store.spool.whole, content)
        name = name_of(spooled.sha256, ".bin", mark)
        await self.store.adopt(spooled, name, "")
        os.utime(self.folder / name, (time.time() - 2 * DAY,) * 2)
        return name

    async def names(self) -> set[str]:
        return {found.name for found in await self.listed()}

    async def test_orphans(self) -> None:
        """Old files without references are removed; referenced or young ones stay."""
        orphan, sent = await self.keep_old(b"orphan"), await self.keep_old(b"sent")
        young, _ = await self.keep(b"young")
        self.known = {stem_of(sent)}
        self.assertEqual(await sweep(self.store, self.referenced, self.forget, time.time()), (1, 6))
        self.assertEqual(await self.names(), {sent, young})
        self.assertEqual(self.forgotten, [stem_of(orphan)])

    async def test_thumbnails(self) -> None:
        """A thumbnail stays or goes together with its picture."""
        picture = await self.keep_old(b"picture")
        thumb = picture.replace(".bin", THUMB + ".webp")
        (self.folder / thumb).write_bytes(b"small")
        os.utime(self.folder / thumb, (1, 1))
        self.known = {stem_of(picture)}
        await sweep(self.store, self.referenced, self.forget, time.time())
        self.assertEqual(await self.names(), {picture, thumb})
        self.known = set()
        await sweep(self.store, self.referenced, self.forget, time.time())
        self.assertEqual(await self.names(), set())

    async def test_many(self) -> None:
        """Queries are bounded in size, and none is empty."""
        self.patch(sweeping, "ASKED_TOGETHER", 3)
        for number in range(7):
            await self.keep_old(b"%d" % number)
        self.assertEqual((await sweep(self.store, self.referenced, self.forget, time.time()))[0], 7)
        self.assertEqual([len(asked) for asked in self.questions], [3, 3, 1])
        await sweep(self.store, self.referenced, self.forget, time.time())
        self.assertEqual(len(self.questions), 3)

    async def test_nobody_knows(self) -> None:
        """When the database can't answer every file is kept."""
        name = await self.keep_old(b"x")

        async def broken(stems: Collection[str]) -> Collection[str]:
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            await sweep(self.store, broken, self.forget, time.time())
        self.assertEqual(await self.names(), {name})

    async def test_comes_again(self) -> None:
        """A file that is uploaded again between the query and the removal stays."""
        name = await self.keep_old(b"x")

        async def meanwhile(stems: Collection[str]) -> Collection[str]:
            await self.keep(b"x")
            return ()

        self.assertEqual(await sweep(self.store, meanwhile, self.forget, time.time()), (0, 0))
        self.assertEqual(await self.names(), {name})

    def test_stems(self) -> None:
        """References are found in any text, in whatever form the URL is."""
        one, two = "ab/" + "c" * 62, "01/" + "d" * 62
        text = f'{{"url":"/mnt/{one}.png","pic":"https://cdn.example/x/{two}.thumb.webp?a=1"}} zz/{"e" * 62}'
        self.assertEqual(stems_in(text.encode()), {one, two})
        self.assertEqual(stems_in(f"1{one} {one}f".encode()), set())
        self.assertEqual(stems_in(b'{"url":"' + f"/mnt/{one}.png".replace("/", "\\/").encode() + b'"}'), {one})
