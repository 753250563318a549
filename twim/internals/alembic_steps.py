"""The steps of a migration, found without Alembic's command line.

It relies on Alembic 1.20, whose `command.upgrade` does the same with a configuration file and an ``env.py``:
https://github.com/sqlalchemy/alembic/blob/rel_1_20_1/alembic/command.py
"""

from __future__ import annotations

from typing import Any

from alembic.script import ScriptDirectory


def upgrade_steps(known: ScriptDirectory, revision: Any) -> Any:
    """The steps from `revision` to the newest revision, as `EnvironmentContext` takes them from its `fn`."""
    return known._upgrade_revs("head", revision)
