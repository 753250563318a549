"""``twim set``, ``twim audit``, ``twim storage``, ``twim nodes`` and ``twim purge``."""

from __future__ import annotations

import json
from typing import Final

from twim.command.call import PAGE, Call, Misused
from twim.command.parsing import YES, Argument, Command, count
from twim.command.screen import Column, Row, number, size, text, time
from twim.command.tables import amount
from twim.command.users import LIMIT

SETTINGS: Final = (
    text("name"),
    text("value"),
    Column("", lambda row: "given as an option" if row.get("fixed") else ""),
)


def _what(row: Row) -> str:
    told = json.loads(row["what"]) if isinstance(row["what"], str) else row["what"]
    return " ".join(f"{name}={value}" for name, value in told.items())


AUDIT: Final = (time("at", "WHEN"), text("who"), text("act"), Column("WHAT", _what))


STORAGE: Final = (number("user"), text("nickname"), number("files"), size("bytes"))
NODES: Final = (
    text("node"),
    text("address"),
    text("version"),
    number("connections"),
    number("age", "UP (s)"),
    number("silent", "SILENT (s)"),
    Column("DIFFERS", lambda row: " ".join(f"{name}={value}" for name, value in row["differs"].items())),
)


def _set(call: Call) -> None:
    name, value = call.given.name, call.given.value
    if name is None:
        call.screen.rows(call.act("setting.list")["rows"], SETTINGS)
        return
    if value is None:
        raise Misused("set NAME VALUE, or set alone")
    result = call.act("setting.set", name=name.replace("-", "_"), value=value)
    call.screen.done(result, f"{name}: {value}")


def _audit(call: Call) -> None:
    call.list("audit.list", AUDIT)


def _storage(call: Call) -> None:
    call.screen.rows(call.act("storage.list", limit=min(PAGE, call.given.limit))["rows"], STORAGE)


def _nodes(call: Call) -> None:
    call.screen.rows(call.act("node.list")["rows"], NODES)


def _purge(call: Call) -> None:
    days, group = call.given.days, call.given.group
    where = f"group {group}" if group else "all conversations"
    call.confirm(f"Delete all messages and files of {where} older than {days} days? It can't be undone.")
    result = call.act("purge", days=days, group=group)
    said = f"deleted: {result['messages']} messages, {result['files']} files of {amount(int(result['bytes']))}"
    call.screen.done(result, said)


COMMANDS: Final = (
    Command(
        "set",
        "show the settings, or change one while the server runs",
        _set,
        (
            Argument("name", nargs="?", metavar="NAME", help="signup, friend, group, find, group-invites, name …"),
            Argument("value", nargs="?", metavar="VALUE", help="as in `twim run --help`"),
        ),
    ),
    Command("audit", "who did what, the newest first", _audit, (LIMIT,)),
    Command("storage", "whose files take most", _storage, (LIMIT,)),
    Command("nodes", "the nodes that are up", _nodes),
    Command(
        "purge",
        "delete messages and files by their age",
        _purge,
        (
            Argument("--older-than", dest="days", type=count, required=True, metavar="DAYS", help="1 to 36500"),
            Argument("--group", type=count, default=0, metavar="GROUP", help="of one group only"),
            YES,
        ),
    ),
)
