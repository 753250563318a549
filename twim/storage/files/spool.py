"""Where the bytes of an upload gather, hashed as they come, until they are whole. All of it blocks: call it
in a thread."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

HEAD_BYTES = 4096
"""What is kept of the beginning, to tell the type from."""

STALE_AFTER = 3600.0
"""Seconds after which a file that nobody writes to any more was left by a crash."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A whole file in the spool; it belongs to whoever holds this, who ends with `discard`."""

    path: Path
    sha256: str
    """Hexadecimal."""
    size: int
    head: bytes
    """The first `HEAD_BYTES`."""

    def discard(self) -> None:
        """Removes the file, if no store has taken it."""
        self.path.unlink(missing_ok=True)


class Spooling:
    """A file being written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb", buffering=0)
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
    """A folder of files on their way, none of which has a meaning to a later run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self) -> Spooling:
        return Spooling(self.folder / f"{token_hex(16)}.part")

    def whole(self, data: bytes) -> Spooled:
        """Spools what is in memory already, such as a thumbnail."""
        spooling = self.begin()
        try:
            spooling.write(data)
        except BaseException:
            spooling.discard()
            raise
        return spooling.finish()

    def clear(self) -> int:
        """Removes what a crash left; returns how many files."""
        stale = [path for path in self.folder.glob("*.part") if _age(path) > STALE_AFTER]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
