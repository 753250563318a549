"""The spool: temporary files in which the bytes of uploads are collected, and hashed as they come. Everything here
blocks, so call it in a thread."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from twim.storage.private import FILE, is_private, make_folder

HEAD_BYTES = 4096
"""How many bytes of the beginning are kept, to find out the type."""

STALE_AFTER = 3600.0
"""A file to which nobody has written for so many seconds was left by a crash."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A complete file in the spool. Whoever has this object owns the file, and must `discard` it at the end."""

    path: Path
    sha256: str
    """The hash in hexadecimal digits."""
    size: int
    head: bytes
    """The first `HEAD_BYTES`."""

    def discard(self) -> None:
        """Removes the file, if no store has taken it."""
        self.path.unlink(missing_ok=True)


class Spooling:
    """A file being written."""

    def __init__(self, path: Path, private: bool) -> None:
        self._path = path
        self._file = open(path, "xb", buffering=0, opener=_open_private if private else None)  # noqa: SIM115 (closed by the caller)
        self._hash = hashlib.sha256()
        self._head = b""
        self.size = 0

    def write(self, data: bytes) -> None:
        """Raises OSError when the disk is full."""
        self._hash.update(data)
        self.size += len(data)
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def finish(self) -> Spooled:
        self._file.close()
        return Spooled(self._path, self._hash.hexdigest(), self.size, self._head)

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Spool:
    """A folder of temporary files. None of them is of use after the server has ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder.parent)
        self._private = is_private(folder.parent)
        if self._private:
            make_folder(folder)
        folder.mkdir(exist_ok=True)

    def begin(self) -> Spooling:
        return Spooling(self.folder / f"{token_hex(16)}.part", self._private)

    def whole(self, data: bytes) -> Spooled:
        """Put into the spool what is in memory already, such as a thumbnail."""
        spooling = self.begin()
        try:
            spooling.write(data)
        except BaseException:
            spooling.discard()
            raise
        return spooling.finish()

    def clear(self) -> int:
        """Remove the files that a crash left. Gives their number."""
        stale = [path for path in self.folder.glob("*.part") if _age(path) > STALE_AFTER]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
