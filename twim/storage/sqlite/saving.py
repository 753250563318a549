"""A consistent copy of a SQLite database while it is used, and the one that is made before its schema is changed.

SQLite's backup interface copies one state of the database, however much is written meanwhile, and stops nobody.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from twim.storage.backend import CannotOpen
from twim.storage.private import make_file, sync

KEPT: Final = 2  # copies from before an upgrade that are kept beside the database
_log = Logger()


def copy_into(source: Path, part: Path) -> None:
    """Copy the database `source` into the new file `part`, which is one file then, without a log beside it.
    `sqlite3.Error` when that fails; the file may be there then."""
    part.unlink(missing_ok=True)
    make_file(part)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
        old.backup(new)
        # A database in WAL mode would bring two more files.
        new.execute("PRAGMA journal_mode=DELETE")


def put_in_place(part: Path, target: Path) -> None:
    """Give a copy its name, once it is on the disk."""
    sync(part)
    part.replace(target)
    sync(target.parent)


def save_before_upgrade(path: Path, revision: str) -> Path:
    """Keep the database as it is with the schema `revision`, in ``im.db.schema-REVISION`` beside it, and only the last
    `KEPT` of such copies. `CannotOpen` when that fails: then nothing was changed."""
    saved = path.with_name(f"{path.name}.schema-{revision}")
    part = saved.with_name(f"{saved.name}.part")
    try:
        copy_into(path, part)
        put_in_place(part, saved)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or error
        raise CannotOpen(f"--db sqlite:///{path}: no copy can be made before the upgrade: {why}") from error
    copies = sorted(path.parent.glob(f"{path.name}.schema-*[0-9]"), key=lambda one: (one.stat().st_mtime_ns, one.name))
    for old in copies[:-KEPT]:
        old.unlink()
    _log.info("the database as it was with schema {revision} is kept in {path}", revision=revision, path=str(saved))
    return saved
