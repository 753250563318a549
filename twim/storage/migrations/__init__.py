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
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

LOCK_SECONDS: Final = 120  # how long a node waits for another one that is changing the schema
_TOO_LONG: Final = "another node has been changing its schema for too long"
_LOCK_NUMBER: Final = 0x7477696D  # "twim": PostgreSQL's advisory locks are numbers


class NewerSchema(Exception):
    """The database was made or changed by a newer program."""


class LockTimeout(Exception):
    """Another node has been changing the schema for too long."""


def scripts() -> ScriptDirectory:
    """The revisions that this program knows."""
    return ScriptDirectory(str(Path(__file__).parent))


def newest() -> str:
    """The revision that this program works with."""
    head = scripts().get_current_head()
    assert head is not None
    return head


def migrate(engine: Engine, then: Callable[[Connection], None]) -> None:
    """Bring the schema up to date and do `then`, while no other node does either. `NewerSchema` when the program is
    too old for the database."""
    with _locked(engine) as connection:
        _upgrade(connection)
        then(connection)
        connection.commit()


def _upgrade(connection: Connection) -> None:
    known = scripts()
    found = MigrationContext.configure(connection).get_current_heads()
    for revision in found:
        if revision not in {one.revision for one in known.walk_revisions()}:
            raise NewerSchema(f"its schema is {revision}, this program knows none newer than {newest()}")
    if set(found) == {newest()}:
        return

    def steps(revision: Any, _context: MigrationContext) -> Any:
        # As Alembic's own command does, which would want a configuration file and an env.py.
        return known._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), known, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    kind = engine.dialect.name
    with engine.connect().execution_options(write=True) as connection:
        if kind == "sqlite":
            connection.begin()  # takes SQLite's write lock
            yield connection
        elif kind == "postgresql":
            _postgresql_lock(connection)
            yield connection
        else:
            yield from _mysql_locked(connection)


def _postgresql_lock(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    try:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        raise LockTimeout(_TOO_LONG) from error


def _mysql_locked(connection: Connection) -> Iterator[Connection]:
    # The server's locks have no database of their own, but 64 characters of name.
    name = text("concat('twim ', md5(database()))")
    got = connection.execute(text(f"SELECT GET_LOCK({name}, {LOCK_SECONDS})")).scalar_one()
    if got != 1:
        raise LockTimeout(_TOO_LONG)
    try:
        yield connection
    finally:
        connection.execute(text(f"DO RELEASE_LOCK({name})"))
