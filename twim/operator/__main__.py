"""The operator's commands.

python -m twim.operator copy FROM TO
python -m twim.operator backup DATABASE FILE
python -m twim.operator restore FILE DATABASE [--replace]
python -m twim.operator new-epoch DATABASE
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from twim.operator.backup import backup, restore
from twim.operator.copying import copy
from twim.operator.epochs import new_epoch
from twim.operator.locations import database_at
from twim.operator.refused import FAILURES, reason


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it is done, 1 with one line that says why not."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except FAILURES as error:
        print(f"twim: {reason(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m twim.operator", description="Care for a twim database.")
    parser.epilog = "A database is a URL as for `twistd im --db`, or the name of a SQLite file."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("copy", help="copy everything into another database; run again to go on")
    one.add_argument("source", metavar="FROM")
    one.add_argument("target", metavar="TO")
    one.set_defaults(run=_copy)
    one = commands.add_parser("backup", help="copy a SQLite database into a file while the server runs")
    one.add_argument("database", metavar="DATABASE")
    one.add_argument("file", metavar="FILE", type=Path)
    one.set_defaults(run=_backup)
    one = commands.add_parser("restore", help="make a backup the database")
    one.add_argument("file", metavar="FILE", type=Path)
    one.add_argument("database", metavar="DATABASE")
    one.add_argument("--replace", action="store_true", help="move a database that is there aside")
    one.set_defaults(run=_restore)
    one = commands.add_parser("new-epoch", help="after restoring a database server from a dump: clients load anew")
    one.add_argument("database", metavar="DATABASE")
    one.set_defaults(run=_new_epoch)
    return parser


def _say(text: str) -> None:
    print(text, flush=True)


def _copy(given: argparse.Namespace) -> None:
    copy(database_at(given.source), database_at(given.target), _say)


def _backup(given: argparse.Namespace) -> None:
    _say(f"{given.file}: {backup(database_at(given.database), given.file)} bytes")


def _restore(given: argparse.Namespace) -> None:
    aside = restore(given.file, database_at(given.database), given.replace)
    if aside is not None:
        _say(f"the database that was there is now {aside}")
    _say(f"restored from {given.file}")


def _new_epoch(given: argparse.Namespace) -> None:
    _say(f"epoch {new_epoch(database_at(given.database))}")


if __name__ == "__main__":
    sys.exit(main())
