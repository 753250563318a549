"""``twim group …``."""

from __future__ import annotations

from typing import Final

from twim.command.call import Call
from twim.command.parsing import GROUP, YES, Argument, Command
from twim.command.people import known, resolve
from twim.command.screen import Column, Row, number, text, time
from twim.command.users import LIMIT


def rule(row: Row) -> str:
    """How one gets in, in a word."""
    return "dissolved" if row.get("dissolved") else str(row.get("join", ""))


COLUMNS: Final = (
    number("id"),
    text("name"),
    text("ownername", "OWNER"),
    number("members"),
    number("messages"),
    Column("JOIN", rule),
)
FIELDS: Final = (
    text("id", "number"),
    text("name", "name"),
    Column("owner", lambda row: f"{row.get('ownername', '')} (id:{row.get('owner')})"),
    Column("join", rule),
    text("messages", "messages"),
    time("createat", "made"),
)
MEMBERS: Final = (number("id"), text("nickname"), text("role"))


def _list(call: Call) -> None:
    call.list("group.list", COLUMNS, q=call.given.word)


def _show(call: Call) -> None:
    found = call.act("group.show", group=call.given.group)
    call.screen.one(found, FIELDS)
    call.screen.more("members", found["rows"], MEMBERS)


def _takeover(call: Call) -> None:
    user = resolve(call, call.given.user)
    result = call.act("group.takeover", group=call.given.group, user=user["id"])
    call.screen.done(result, f"group {call.given.group}: belongs to {known(user)}")


def _dissolve(call: Call) -> None:
    group = call.given.group
    call.confirm(f"Dissolve group {group} ({call.act('group.show', group=group)['name']})? It can't be undone.")
    call.screen.done(call.act("group.dissolve", group=group), f"group {group}: dissolved")


COMMANDS: Final = (
    Command(
        "group list",
        "the groups, those with the highest numbers first",
        _list,
        (Argument("word", nargs="?", default="", metavar="WORD", help="whose name or number has this"), LIMIT),
    ),
    Command("group show", "one group with its members", _show, (GROUP,)),
    Command(
        "group takeover",
        "give a group another owner",
        _takeover,
        (GROUP, Argument("user", metavar="USER", help="who becomes the owner; named as in `twim user show`")),
    ),
    Command("group dissolve", "end a group; its members may go on reading it", _dissolve, (GROUP, YES)),
)
