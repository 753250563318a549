"""The schema's history: an empty database is made, an older one brought up to date, a newer one refused.

`versions/` holds the revisions, each a module with `upgrade()` as Alembic writes them. Whoever changes `schema` adds
one whose `down_revision` is the last; a test holds the sum of all to `schema`. MySQL commits each change of the
schema by itself, so a revision must bear being run again after it stopped halfway (`if_not_exists`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from twim.internals.alembic_steps import upgrade_steps
from twim.storage.backends import dialect_named
from twim.storage.dialect import LockTimeout

LOCK_SECONDS: Final = 120  # how long a node waits for another one that is changing the schema
_TOO_LONG: Final = "another node has been changing its schema for too long"


class NewerSchema(Exception):
    """The database was made or changed by a newer program."""


def scripts() -> ScriptDirectory:
    """The revisions that this program knows."""
    return ScriptDirectory(str(Path(__file__).parent))


def newest() -> str:
    """The revision that this program works with."""
    head = scripts().get_current_head()
    assert head is not None
    return head


def migrate(
    engine: Engine, then: Callable[[Connection], None], before: Callable[[str], None] = lambda revision: None
) -> None:
    """Bring the schema up to date and do `then`, while no other node does either. `before` is called with the revision
    of a database that is about to be changed. `NewerSchema` when the program is too old for the database."""
    with _locked(engine) as connection:
        _upgrade(connection, before)
        then(connection)
        connection.commit()


def _upgrade(connection: Connection, before: Callable[[str], None]) -> None:
    known = scripts()
    found = MigrationContext.configure(connection).get_current_heads()
    for revision in found:
        if revision not in {one.revision for one in known.walk_revisions()}:
            raise NewerSchema(f"its schema is {revision}, this program knows none newer than {newest()}")
    if set(found) == {newest()}:
        return
    if found:
        before("-".join(found))

    def steps(revision: Any, _context: MigrationContext) -> Any:
        return upgrade_steps(known, revision)

    with EnvironmentContext(Config(), known, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    dialect = dialect_named(engine.dialect.name)
    with engine.connect().execution_options(write=True) as connection:
        try:
            with dialect.schema_lock(connection, LOCK_SECONDS):
                yield connection
        except LockTimeout as error:
            raise LockTimeout(_TOO_LONG) from error
