"""The cluster's key: 32 random bytes that all its nodes have, each in a file of its own, and nobody else."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from twim.cluster.interface import BusUrlError

KEY_SIZE = 32  # bytes


def load_or_make_key(path: Path) -> bytes:
    """The key in the file at `path`, which is made, readable by its owner only, if there is none.

    The file holds 64 hexadecimal digits, so that it can be copied by hand. BusUrlError if it holds anything
    else.
    """
    if not path.exists():
        _make(path)
    return _loaded(path)


def _make(path: Path) -> None:
    # Written aside and then linked: nobody reads half a key, and of two who make one at once the first wins. The
    # mode is given as the file is made: there is no moment at which others could read it.
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


def _loaded(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise BusUrlError(f"{path} is not a cluster key: it must hold {2 * KEY_SIZE} hexadecimal digits")
    return key
