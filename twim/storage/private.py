"""Folders and files on the disk that nobody but the server's own user may read. Only what the server makes becomes so:
a folder that is there already, perhaps for another program to serve files from, is left as it is, and what is put into
it is as open as everything else that this user makes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

FOLDER: Final = 0o700
FILE: Final = 0o600
_OTHERS: Final = 0o077


def make_folder(path: Path) -> None:
    """Make `path`, and what is missing above it, for the server alone. Nothing is done when it is there."""
    if path.is_dir():
        return
    if path.parent != path:
        make_folder(path.parent)
    path.mkdir(FOLDER, exist_ok=True)


def is_private(folder: Path) -> bool:
    """Whether others may not look into a folder: what is made in it is closed to them, too."""
    return not folder.stat().st_mode & _OTHERS


def make_file(path: Path) -> None:
    """Make an empty file for the server alone, unless there is one. Whoever opens it by its name keeps its mode."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE))


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk. Windows knows no such thing of folders."""
    if os.name == "nt" and path.is_dir():
        return
    held = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
