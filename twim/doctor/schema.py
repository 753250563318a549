"""The tables: whether they are those of this program, and what an upgrade will do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from alembic.migration import MigrationContext
from sqlalchemy import Connection, select

from twim.doctor.finding import Finding, Level
from twim.doctor.reading import Unreadable
from twim.doctor.subject import Subject
from twim.doctor.words import size
from twim.storage.migrations import newest, scripts
from twim.storage.opening import COPYING
from twim.storage.schema import meta

TOPIC: Final = "schema"


def look_at_schema(subject: Subject) -> Iterator[Finding]:
    """Compare the database's revision with those that the program knows."""
    try:
        with subject.database.reading() as connection:
            yield from _compare(subject, connection)
    except Unreadable as error:
        yield Finding(TOPIC, Level.NOTE, f"not examined, since the database can't be read: {error}")


def revisions(connection: Connection) -> tuple[str, ...]:
    """The schema that a database has; nothing when it has none."""
    return tuple(MigrationContext.configure(connection).get_current_heads())


def _compare(subject: Subject, connection: Connection) -> Iterator[Finding]:
    found = revisions(connection)
    known = {one.revision for one in scripts().walk_revisions()}
    strange = [one for one in found if one not in known]
    if not found:
        yield Finding(TOPIC, Level.NOTE, "there are no tables yet; the server makes them at its first start")
        return
    if strange:
        text = f"the schema is {strange[0]}, of a newer release; this one knows none newer than {newest()}"
        yield Finding(TOPIC, Level.ERROR, text, _back(subject.database.path))
        return
    if found == (newest(),):
        yield Finding(TOPIC, Level.OK, f"the schema is {newest()}, that of this release")
    else:
        yield from _pending(subject.database.path, found[0])
    copying = select(meta.c.value).where(meta.c.name == COPYING)
    if connection.execute(copying).first() is not None:
        fix = "Give the command `copy` again: it goes on where it stopped."
        yield Finding(TOPIC, Level.ERROR, "a copy into this database was not finished; no server opens it", fix)


def _back(path: Path | None) -> str:
    fix = "Install the release that the database was last used with, or a newer one."
    saved = _saved(path)
    if not saved:
        return f"{fix} There is no way back but a backup from before the upgrade."
    return f"{fix} The way back is the copy from before the upgrade: python -m twim.operator restore {saved[-1]} {path}"


def _pending(path: Path | None, found: str) -> Iterator[Finding]:
    count = len(list(scripts().iterate_revisions(newest(), found)))
    text = f"the schema is {found}; the next start of the server makes {count} change{'s' * (count != 1)}"
    if path is None:
        fix = "Save the database first, with mysqldump or pg_dump: there is no way back without that."
        yield Finding(TOPIC, Level.WARNING, text, fix)
        return
    free, needed = shutil.disk_usage(path.parent).free, path.stat().st_size
    if free < 2 * needed:
        fix = f"Make room for {size(2 * needed)} on the disk of {path.parent} before the server is started."
        text = f"{text}, and {size(free)} are too little for the copy before it"
        yield Finding(TOPIC, Level.WARNING, text, fix)
    else:
        yield Finding(TOPIC, Level.NOTE, f"{text}, after a copy of the database beside it")


def _saved(path: Path | None) -> list[Path]:
    if path is None:
        return []
    return sorted(path.parent.glob(f"{path.name}.schema-*[0-9]"), key=lambda one: one.stat().st_mtime_ns)
