"""The disk: room for what comes, and whether the server may write where it has to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from twim.doctor.file_systems import nearest
from twim.doctor.finding import Finding, Level
from twim.doctor.processes import may_write, name_of, server_user
from twim.doctor.subject import Subject
from twim.doctor.words import size

TOPIC: Final = "disk"
LITTLE_BYTES: Final = 1 << 30  # an upload may be as large as 20 MiB, a copy before an upgrade as the database
FULL_BYTES: Final = 64 << 20  # the write-ahead log alone takes half of it
LITTLE_NODES: Final = 10_000  # files: each upload is one or two
FULL_NODES: Final = 100


def look_at_disk(subject: Subject) -> Iterator[Finding]:
    """Examine each file system once, then each folder."""
    seen: set[int] = set()
    folders = folders_of(subject)
    for name, folder in folders.items():
        there = nearest(folder)
        if there.stat().st_dev not in seen:
            seen.add(there.stat().st_dev)
            yield from _room(name, there)
    yield from _rights(subject, folders)


def folders_of(subject: Subject) -> dict[str, Path]:
    """What the server writes to, by what it is called."""
    config = subject.config
    folders = {"the data folder": config.data}
    if subject.database.path is not None:
        folders["the database's folder"] = subject.database.path.parent
    local = local_files(config.files)
    if local is not None:
        folders["the folder of uploads"] = local
        folders["the spool"] = local / "spool"
    else:
        folders["the spool"] = config.data / "spool"
    return folders


def local_files(url: str) -> Path | None:
    """The folder of ``file:///…``; None for an object store."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _room(name: str, folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    where = f"{name} ({folder})"
    fix = f"Make room on the disk of {folder}, or move it to a larger one."
    if free < FULL_BYTES:
        yield Finding(TOPIC, Level.ERROR, f"{where} has only {size(free)} free: messages will be refused", fix)
    elif free < LITTLE_BYTES:
        yield Finding(TOPIC, Level.WARNING, f"{where} has only {size(free)} free", fix)
    else:
        yield Finding(TOPIC, Level.OK, f"{where} has {size(free)} free")
    if not hasattr(os, "statvfs"):
        return
    found = os.statvfs(folder)
    # File systems that make them when they are needed say 0 of how many there are.
    if found.f_files and found.f_favail < LITTLE_NODES:
        level = Level.ERROR if found.f_favail < FULL_NODES else Level.WARNING
        fix = f"Delete small files on the disk of {folder}, or make its file system anew with more inodes."
        yield Finding(TOPIC, level, f"{where} has room for only {found.f_favail} more files (inodes)", fix)


def _rights(subject: Subject, folders: dict[str, Path]) -> Iterator[Finding]:
    uid = server_user(subject.config.data)
    wrong = False
    for name, folder in folders.items():
        there = nearest(folder)
        if not may_write(there, uid):
            wrong = True
            fix = f"Give it to that user: chown -R {name_of(uid)} {there}, and look that it isn't mounted read-only."
            yield Finding(TOPIC, Level.ERROR, f"{name} ({there}) can't be written by {name_of(uid)}", fix)
    for path in _files(subject):
        if path.exists() and not may_write(path, uid):
            wrong = True
            fix = f"Give it to that user: chown {name_of(uid)} {path}. Run commands as the server's user, not as root."
            yield Finding(TOPIC, Level.ERROR, f"{path} can't be written by {name_of(uid)}", fix)
    if not wrong:
        yield Finding(TOPIC, Level.OK, f"{name_of(uid)} may write to every folder of the server")


def _files(subject: Subject) -> list[Path]:
    path = subject.database.path
    return [] if path is None else [path.with_name(path.name + end) for end in ("", "-wal", "-shm", ".lock")]
