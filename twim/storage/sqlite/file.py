"""The file that SQLite keeps a database in: kept from a second server, and watched for being replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from twim.errors import Unavailable
from twim.storage.backend import CannotOpen, InUse
from twim.storage.private import make_file, make_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


LOCKS: Final = fcntl is not None
"""Whether this system's locks are used: elsewhere `lock` always succeeds, and tells nothing."""


class DatabaseFile:
    """One database's file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._remembered: tuple[int, int] | None = None

    def prepare_folder(self) -> None:
        """Make the folder that it is to be in, and the file, for this user alone: SQLite gives what it makes beside a
        database the mode of the database. `CannotOpen` when that can't be."""
        try:
            make_folder(self.path.parent)
            make_file(self.path)
        except OSError as error:
            raise CannotOpen(f"--data {self.path.parent}: {error.strerror}") from error

    def lock(self) -> int:
        """Take the lock that keeps a second server off it; the descriptor holds it. `InUse` when it is taken."""
        path = f"{self.path}.lock"
        try:
            held = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise CannotOpen(f"--data {Path(path).parent}: {error.strerror}") from error
        try:
            if fcntl is not None:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            raise InUse(f"--db sqlite:///{self.path}: another server is using it") from None
        return held

    def remember(self) -> None:
        """From now on the file is expected to stay the one it is (see `check`)."""
        found = os.stat(self.path)
        self._remembered = (found.st_dev, found.st_ino)

    def check(self) -> None:
        """Refuse when the file is no longer the one that was opened: what is written to a file that was moved or
        deleted under an open connection is lost. `Unavailable` until it is back."""
        if self._remembered is None:
            return
        try:
            now = os.stat(self.path)
        except OSError as error:
            raise Unavailable("the database file is gone") from error
        if (now.st_dev, now.st_ino) != self._remembered:
            raise Unavailable("the database file was replaced")
