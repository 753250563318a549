"""The cluster's key: 32 random bytes that all its nodes have, each in a file of its own, and that nobody else has."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from twim.cluster.interface import BusUrlError

KEY_SIZE = 32  # bytes


def load_or_make_key(path: Path) -> bytes:
    """The key in the file at `path`. If there is no such file it is made, with a new key, readable by its owner only.

    The file holds 64 hexadecimal digits, so that it can be copied by hand. BusUrlError if it holds anything else.
    """
    if not path.exists():
        _make(path)
    return load_key(path)


def fingerprint(path: Path) -> str:
    """16 hexadecimal digits that are the same for the same key, and from which nobody learns it. As `load_key`."""
    return hashlib.sha256(b"twim cluster key\n" + load_key(path)).hexdigest()[:16]


def _make(path: Path) -> None:
    # The key is written to another file, which is then linked to `path`: so nobody reads half a key, and if two
    # processes make one at once, the first wins. The mode is given when the file is created, so that others can't read
    # it even for a moment.
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_SIZE) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def load_key(path: Path) -> bytes:
    """The key in a file that is there. BusUrlError if it holds anything else, OSError if it can't be read."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise BusUrlError(f"{path} is not a cluster key: it must hold {2 * KEY_SIZE} hexadecimal digits")
    return key
