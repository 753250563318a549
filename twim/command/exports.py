"""``twim user export`` and ``twim group export``: what is kept of somebody, for whoever has a right to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twim.command.account import account_name
from twim.command.call import Call
from twim.command.parsing import GROUP, USER, Argument, Command
from twim.command.people import resolve
from twim.command.place import existing
from twim.operator.export import export_group, export_pair, export_user
from twim.operator.refused import Refused
from twim.storage import audit
from twim.storage.database import Database


def _user(call: Call) -> None:
    user: int = resolve(call, call.given.user)["id"]
    folder = _new(call)
    database, files = existing(call.config), call.config.files
    if call.given.other is None:
        _note(database, "user.export", {"user": user})
        found = export_user(database, files, user, folder)
    else:
        other: int = resolve(call, call.given.other)["id"]
        _note(database, "user.export", {"user": user, "with": other})
        found = export_pair(database, files, user, other, folder)
    _done(call, folder, found)


def _group(call: Call) -> None:
    group: int = call.given.group
    folder = _new(call)
    database = existing(call.config)
    _note(database, "group.export", {"group": group})
    _done(call, folder, export_group(database, call.config.files, group, folder))


def _new(call: Call) -> Path:
    folder: Path = call.given.folder
    if folder.exists():
        raise Refused(f"{folder} is there already")
    return folder


def _note(database: Database, act: str, what: Mapping[str, object]) -> None:
    """Write into the audit log that it was asked for, before anything is read."""
    now = time.time_ns() // 1_000_000
    database.transact(lambda connection: audit.append(connection, account_name(), act, what, now), True)


def _done(call: Call, folder: Path, found: dict[str, int]) -> None:
    missing = f"; {found['missing']} files are missing" if found["missing"] else ""
    said = f"{folder}: {found['messages']} messages, {found['files']} files{missing}"
    call.screen.done({"folder": str(folder), **found}, said)


FOLDER: Final = Argument("folder", metavar="FOLDER", type=Path, help="a new folder, which only you may read")
WITH: Final = Argument("--with", dest="other", metavar="USER", help="only the conversation with this other user")
COMMANDS: Final = (
    Command(
        "user export",
        "write all that is kept of a user into a folder, to read and as JSON",
        _user,
        (USER, FOLDER, WITH),
    ),
    Command(
        "group export", "write the conversation of a group into a folder, to read and as JSON", _group, (GROUP, FOLDER)
    ),
)
