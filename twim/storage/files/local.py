"""Files in a folder of this machine (``file:///…``), served by the server itself under ``/mnt/``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Lock

from twisted.internet.interfaces import IConsumer

from twim.errors import Unavailable
from twim.storage.files.gate import Gate
from twim.storage.files.interface import NAME, Stored
from twim.storage.files.spool import Spool, Spooled
from twim.storage.files.threads import FileThreads
from twim.storage.private import FOLDER, is_private, sync

PREFIX = "/mnt/"

READ_BYTES = 1 << 17
"""How much of a file is in memory at a time, for each answer being sent."""

_LISTED = 1000
"""Files listed in one go."""


class LocalFiles:
    """A `FileStore`. The spool is within the folder, so that a rename is all it takes to store a file."""

    origins: tuple[str, ...] = ()

    def __init__(self, folder: Path, threads: FileThreads) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = Lock()
        self.spool = Spool(folder / "spool")
        self._private = is_private(folder)

    async def adopt(self, spooled: Spooled, name: str, mime: str) -> str:
        try:
            await self._threads.run(self._adopt, spooled, self._folder / name)
        except OSError as error:
            raise Unavailable from error
        return self.url(name)

    def _adopt(self, spooled: Spooled, target: Path) -> None:
        with self._lock:  # against a sweep that is about to delete the very file
            try:
                os.utime(target)
            except FileNotFoundError:
                pass
            else:
                return spooled.discard()
        sync(spooled.path)
        target.parent.mkdir(FOLDER if self._private else 0o777, exist_ok=True)
        spooled.path.replace(target)
        sync(target.parent)
        return None

    def url(self, name: str) -> str:
        return PREFIX + name

    def presigned(self, name: str, since: datetime, seconds: int) -> str | None:
        return None

    def name(self, url: str) -> str | None:
        name = url.removeprefix(PREFIX)
        return name if name != url and NAME.fullmatch(name) else None

    async def find(self, name: str) -> Stored | None:
        return await self._threads.run(self._find, name)

    def _find(self, name: str) -> Stored | None:
        if not NAME.fullmatch(name):
            return None
        try:
            stat = (self._folder / name).stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable from error
        return Stored(name, stat.st_size, stat.st_mtime)

    async def send(self, name: str, first: int, count: int, consumer: IConsumer) -> None:
        gate = Gate()
        consumer.registerProducer(gate, True)
        try:
            while count and await gate.passed():
                data = await self._threads.run(_read, self._folder / name, first, min(READ_BYTES, count))
                if gate.stopped:
                    break
                first, count = first + len(data), count - len(data)
                consumer.write(data)
        finally:
            # A request whose connection is gone has no channel, and one that is just being lost still has a producer.
            if getattr(consumer, "channel", not gate.stopped):
                consumer.unregisterProducer()

    async def stored(self) -> AsyncIterator[Stored]:
        found = self._stored()
        while some := await self._threads.run(_some, found):
            for stored in some:
                yield stored

    def _stored(self) -> Iterator[Stored]:
        for folder in sorted(self._folder.glob("[0-9a-f][0-9a-f]/")):
            for path in folder.iterdir():
                if found := self._find(f"{folder.name}/{path.name}"):
                    yield found

    async def delete(self, name: str, older_than: float) -> bool:
        return await self._threads.run(self._delete, name, older_than)

    def _delete(self, name: str, older_than: float) -> bool:
        with self._lock:
            found = self._find(name)
            if found is None or found.modified >= older_than:
                return False
            (self._folder / name).unlink(missing_ok=True)
            return True

    async def close(self) -> None:
        pass


def _read(path: Path, first: int, count: int) -> bytes:
    """Opened anew for each piece: nothing is left open when whoever waits for it is cancelled."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(first)
            data = file.read(count)
    except OSError as error:
        raise Unavailable from error
    if not data:
        raise Unavailable
    return data


def _some(found: Iterator[Stored]) -> list[Stored]:
    return list(islice(found, _LISTED))
