"""Opens a database and dies, as by a power cut, in the middle of bringing its schema up to date.

python -m test.storage.dying reads lines `URL STATEMENTS REVISIONS`. For each it forks, which is much faster than a
start: the child brings the schema up to the last of the revisions in that folder, and dies before these have sent that
many statements that change something. A line is the answer: the status by which it ended, and how many statements
there were when it lived.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event
from twisted.internet import reactor

from twim.storage import migrations
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.opening import open_database


def main(url: str, statements: int, revisions: str) -> None:
    """Run the program described above."""
    changes = 0
    in_revisions = False
    upgrade = migrations._upgrade

    def watched(*given: Any) -> None:
        nonlocal in_revisions
        in_revisions = True
        upgrade(*given)
        in_revisions = False

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal changes
        if in_revisions and not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "SHOW", "DESCRIBE")):
            changes += 1
            if changes == statements:
                os.kill(os.getpid(), signal.SIGKILL)

    known = ScriptDirectory(migrations.__path__[0], version_locations=[revisions])
    migrations.scripts = lambda: known
    migrations._upgrade = watched
    event.listen(Engine, "before_cursor_execute", before)
    database = Database(parse_url(url), reactor)
    # What it writes is of the newest schema.
    dialect: Any = database.dialect
    dialect.write_index = lambda connection: None
    open_database(database)
    database.stop()
    os.write(RESULTS[1], b"%d" % changes)


RESULTS = os.pipe()


def serve() -> None:
    """Answer each line."""
    os.set_blocking(RESULTS[0], False)
    for line in sys.stdin:
        url, statements, revisions = line.split()
        child = os.fork()
        if not child:
            main(url, int(statements), revisions)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            changes = os.read(RESULTS[0], 100).decode()
        except BlockingIOError:
            changes = "0"
        print(status, changes, flush=True)


if __name__ == "__main__":
    serve()
