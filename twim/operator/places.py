"""Databases as the command line names them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import CannotOpen, lock_file


def open_place(text: str) -> Database:
    """The database at a URL, or in the SQLite file of that name. Its threads aren't started."""
    url = text if "://" in text else f"sqlite:///{Path(text).absolute()}"
    try:
        return Database(parse_url(url), None)
    except ValueError as error:
        raise Refused(str(error)) from None


def file_of(database: Database) -> Path:
    """Where a SQLite database is."""
    if not database.is_sqlite:
        raise Refused("only for SQLite: save a database server with its own tools (mysqldump, pg_dump)")
    return Path(database.url.database or "")


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Keep servers off a SQLite file; a database server's nodes are the operator's to stop."""
    try:
        held = lock_file(database)
    except CannotOpen as error:
        raise Refused(str(error)) from None
    try:
        yield
    finally:
        if held is not None:
            os.close(held)
