"""What every store of files does, whatever it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import deferLater

from twim.storage.files.interface import FileStore, Stored, name_of
from twim.storage.files.spool import Spooled
from twim.storage.files.threads import FileThreads

LATER = time.time() + 1e6


class Taker:
    """A consumer that can pause its producer."""

    def __init__(self) -> None:
        self.taken = b""
        self.producer: IPushProducer | None = None
        self.pause_at = -1

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.taken += data
        if 0 <= self.pause_at <= len(self.taken) and self.producer is not None:
            self.producer.pauseProducing()


class StoreRig:
    """A mixin for TestCases; `make_store` gives the store, which `self.threads` and `self.folder` are for."""

    timeout = 120
    store: FileStore

    def setUp(self: Any) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)
        self.threads = FileThreads(reactor, "files", 3)
        self.threads.start()
        self.addCleanup(self.threads.stop)
        self.store = self.make_store()
        self.addCleanup(lambda: _deferred(self.store.close()))

    async def keep(self: Any, content: bytes, suffix: str = ".bin") -> tuple[str, str]:
        """Adopt a file; gives its name and URL."""
        spooled: Spooled = await self.threads.run(self.store.spool.whole, content)
        name = name_of(spooled.sha256, suffix)
        return name, await self.store.adopt(spooled, name, "application/octet-stream")

    async def listed(self: Any) -> list[Stored]:
        return [found async for found in self.store.stored()]

    def spooled(self: Any) -> list[Path]:
        return list(self.store.spool.folder.iterdir())


class FileStoreContract(StoreRig):
    """The tests that all stores share."""

    async def test_kept(self: Any) -> None:
        """An adopted file is found, listed and sent whole, and is no longer in the spool."""
        content = bytes(range(256)) * 4000
        name, _ = await self.keep(content)
        found = await self.store.find(name)
        self.assertEqual((found.name, found.size), (name, len(content)))
        self.assertLess(abs(found.modified - time.time()), 60)
        self.assertEqual([(one.name, one.size) for one in await self.listed()], [(name, len(content))])
        taker = Taker()
        await self.store.send(name, 0, len(content), taker)
        self.assertEqual(taker.taken, content)
        self.assertEqual(self.spooled(), [])

    async def test_parts(self: Any) -> None:
        """Any part of a file can be sent alone."""
        content = bytes(range(256)) * 2000
        name, _ = await self.keep(content)
        size = len(content)
        for first, count in ((0, 1), (size - 1, 1), (100, 300_000), (7, 0)):
            taker = Taker()
            await self.store.send(name, first, count, taker)
            self.assertEqual(taker.taken, content[first : first + count])
            self.assertIsNone(taker.producer)

    async def test_twice(self: Any) -> None:
        """The same content is stored as one file."""
        _, first = await self.keep(b"same")
        _, second = await self.keep(b"same")
        self.assertEqual(first, second)
        self.assertEqual(len(await self.listed()), 1)
        self.assertEqual(self.spooled(), [])

    async def test_addresses(self: Any) -> None:
        """A URL gives back its name, and other URLs give none."""
        name, url = await self.keep(b"x")
        self.assertEqual(self.store.name(url), name)
        for other in ("", "/", url + "xxxxxx", url[:-5], "https://elsewhere.example/" + name, url + "/../" + name):
            self.assertIsNone(self.store.name(other), other)

    async def test_unknown(self: Any) -> None:
        """A missing file isn't found, and only names that a store itself makes are looked up."""
        for name in (name_of("a" * 64, ".png"), "../x", "ab/../../etc/passwd", "", "ab/x"):
            self.assertIsNone(await self.store.find(name), name)

    async def test_deleted(self: Any) -> None:
        """A file that is old enough is removed, once."""
        name, _ = await self.keep(b"x")
        self.assertFalse(await self.store.delete(name, time.time() - 1000))
        self.assertIsNotNone(await self.store.find(name))
        self.assertTrue(await self.store.delete(name, LATER))
        self.assertIsNone(await self.store.find(name))
        self.assertFalse(await self.store.delete(name, LATER))
        self.assertEqual(await self.listed(), [])

    async def test_a_slow_taker(self: Any) -> None:
        """A paused consumer is sent nothing until it resumes."""
        content = bytes(8_000_000)
        name, _ = await self.keep(content)
        taker = Taker()
        taker.pause_at = 1
        sending = _deferred(self.store.send(name, 0, len(content), taker))
        while not taker.taken:
            await deferLater(reactor, 0.01)
        before = len(taker.taken)
        await deferLater(reactor, 0.1)
        self.assertLess(len(taker.taken), before + 1_000_000)
        self.assertFalse(sending.called)
        taker.pause_at = -1
        taker.producer.resumeProducing()
        await sending
        self.assertEqual(taker.taken, content)

    async def test_a_taker_that_leaves(self: Any) -> None:
        """A consumer that stops ends the sending."""
        content = bytes(8_000_000)
        name, _ = await self.keep(content)
        taker = Taker()
        taker.pause_at = 1
        sending = _deferred(self.store.send(name, 0, len(content), taker))
        while not taker.taken:
            await deferLater(reactor, 0.01)
        taker.producer.stopProducing()
        await sending
        self.assertLess(len(taker.taken), len(content))


def _deferred(coroutine: Any) -> Any:
    return Deferred.fromCoroutine(coroutine)
