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

from twim.errors import Unavailable
from twim.operator.backup import backup, restore
from twim.operator.copying import copy
from twim.operator.places import locked, open_place
from twim.operator.refused import Refused
from twim.storage.opening import CannotOpen, open_database, renew_epoch, why


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it is done, 1 with one line that says why not."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except (Refused, CannotOpen) as refused:
        print(f"twim: {refused}", file=sys.stderr)
        return 1
    except Unavailable as error:
        print(f"twim: {why(error)}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"twim: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
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
    copy(open_place(given.source), open_place(given.target), _say)


def _backup(given: argparse.Namespace) -> None:
    _say(f"{given.file}: {backup(open_place(given.database), given.file)} bytes")


def _restore(given: argparse.Namespace) -> None:
    aside = restore(given.file, open_place(given.database), given.replace)
    if aside is not None:
        _say(f"the database that was there is now {aside}")
    _say(f"restored from {given.file}")


def _new_epoch(given: argparse.Namespace) -> None:
    database = open_place(given.database)
    with locked(database):
        open_database(database)
        _say(f"epoch {database.transact(renew_epoch, True)}")


if __name__ == "__main__":
    sys.exit(main())
