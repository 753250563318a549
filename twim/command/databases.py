"""``twim backup``, ``restore``, ``copy`` and ``new-epoch``: the whole database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from twim.command.call import Call
from twim.command.parsing import Argument, Command
from twim.command.place import existing
from twim.operator.backup import backup, restore
from twim.operator.copying import copy
from twim.operator.epochs import new_epoch
from twim.operator.locations import database_at, file_of
from twim.storage.opening import shown
from twim.storage.private import make_folder


def _backup(call: Call) -> None:
    file = call.given.file
    count = backup(database_at(call.config.db), file)
    call.screen.done({"file": str(file), "bytes": count}, f"{file}: {count} bytes")


def _restore(call: Call) -> None:
    database = database_at(call.config.db)
    file = call.given.file
    if file.exists():
        make_folder(file_of(database).parent)
    aside = restore(file, database, call.given.replace)
    moved = f"the database that was there is now {aside}\n" if aside is not None else ""
    result = {"file": str(file), "aside": str(aside or "")}
    call.screen.done(result, f"{moved}restored from {file}")


def _copy(call: Call) -> None:
    target = database_at(call.given.target)
    copy(existing(call.config), target, call.screen.note)
    call.screen.done({"target": shown(target)}, f"copied into {shown(target)}")


def _new_epoch(call: Call) -> None:
    epoch = new_epoch(existing(call.config))
    call.screen.done({"epoch": epoch}, f"epoch {epoch}")


FILE: Final = Argument("file", metavar="FILE", type=Path, help="the file of the backup")
COMMANDS: Final = (
    Command("backup", "copy the SQLite database into a new file; the server may run", _backup, (FILE,)),
    Command(
        "restore",
        "make a backup the database; the server must rest",
        _restore,
        (FILE, Argument("--replace", action="store_true", help="move a database that is there aside")),
    ),
    Command(
        "copy",
        "copy everything into another database; the server must rest; run again to go on",
        _copy,
        (Argument("target", metavar="TO", help="a URL as for --db, or the name of a SQLite file"),),
    ),
    Command("new-epoch", "after a database server was restored from a dump: clients load anew", _new_epoch),
)
