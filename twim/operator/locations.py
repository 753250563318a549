"""Databases as the command line names them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twim.operator.refused import Refused
from twim.storage.backend import CannotOpen
from twim.storage.database import Database
from twim.storage.engine import parse_url


def database_at(text: str) -> Database:
    """The database at a URL, or in the SQLite file of that name. Its threads aren't started."""
    url = text if "://" in text else f"sqlite:///{Path(text).absolute()}"
    try:
        return Database(parse_url(url), None)
    except ValueError as error:
        raise Refused(str(error)) from None


def file_of(database: Database) -> Path:
    """The path of a SQLite database."""
    path = database.backend.path
    if path is None:
        raise Refused("only for SQLite: save a database server with its own tools (mysqldump, pg_dump)")
    return path


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Keep servers away from a SQLite file. The nodes of a database server must be stopped by the operator."""
    try:
        held = database.backend.lock()
    except CannotOpen as error:
        raise Refused(str(error)) from None
    try:
        yield
    finally:
        if held is not None:
            os.close(held)
