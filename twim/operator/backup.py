"""A consistent copy of a SQLite database while the server runs, and its way back.

SQLite's backup interface copies one state of the database, however much is written meanwhile, and stops nobody.
Indexes whose writing was deferred then are made from the log when the copy is opened.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from twim.operator.locations import file_of, locked
from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.engine import open_engine, parse_url
from twim.storage.opening import renew_epoch
from twim.storage.sqlite.saving import copy_into, put_in_place


def backup(database: Database, target: Path) -> int:
    """Copy the database into the new file `target`, whole or not at all. Gives its bytes."""
    source = file_of(database)
    if not source.exists():
        raise Refused(f"{source}: no such file")
    if target.exists():
        raise Refused(f"{target} is there already")
    part = _copied(source, target)
    put_in_place(part, target)
    return target.stat().st_size


def restore(saved: Path, database: Database, replace: bool) -> Path | None:
    """Make the backup `saved` the database, under a new epoch: clients forget what they have and load anew. With
    `replace` a database that is there is moved aside; gives where it went."""
    target = file_of(database)
    if not saved.exists():
        raise Refused(f"{saved}: no such file")
    with locked(database):
        if target.exists() and not replace:
            raise Refused(f"{target} is there already; --replace moves it aside")
        part = _copied(saved, target)
        _rename_log(part)
        aside = _moved_aside(target)
        put_in_place(part, target)
    return aside


def _copied(source: Path, target: Path) -> Path:
    part = target.with_name(target.name + ".part")
    try:
        copy_into(source, part)
        with closing(sqlite3.connect(part)) as new:
            if new.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise Refused(f"{source} is damaged")
            if not new.execute("SELECT count(*) FROM sqlite_master WHERE name = 'message'").fetchone()[0]:
                raise Refused(f"{source} is not a database of this program")
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise Refused(f"{source}: {error}") from None
    except Refused:
        part.unlink(missing_ok=True)
        raise
    return part


def _rename_log(path: Path) -> None:
    engine = open_engine(parse_url(f"sqlite:///{path}"), 1)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        renew_epoch(connection)
    engine.dispose()
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("PRAGMA journal_mode=DELETE")


def _moved_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    aside = target.with_name(f"{target.name}.{time.strftime('%Y%m%d-%H%M%S')}")
    # The log first: SQLite would apply a log it finds beside the new file.
    for end in ("-wal", "-shm", ""):
        path = target.with_name(target.name + end)
        if path.exists():
            path.rename(aside.with_name(aside.name + end))
    return aside
