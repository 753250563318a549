"""``twim user …``."""

from __future__ import annotations

from typing import Any, Final

from twim.command.call import Call
from twim.command.parsing import SITE, USER, YES, Argument, Command, count
from twim.command.people import known, resolve
from twim.command.screen import Column, Row, number, text, time

LIMIT: Final = Argument("--limit", type=count, default=200, metavar="N", help="at most so many rows [default: 200]")


def state(row: Row) -> str:
    """Whether the user may log in, in a word."""
    return "disabled" if row.get("disabled") else "waiting" if row.get("waiting") else "active"


COLUMNS: Final = (
    number("id"),
    text("mobile"),
    text("nickname"),
    text("role"),
    Column("STATE", state),
    time("last", "LAST USED"),
)
FIELDS: Final = (
    text("id", "number"),
    text("mobile", "mobile"),
    text("nickname", "nickname"),
    text("role", "role"),
    Column("state", state),
    time("createat", "registered"),
    time("last", "last used"),
    text("devices", "devices"),
)


def _list(call: Call) -> None:
    more = {"waiting": 1} if call.given.waiting else {}
    call.list("user.list", COLUMNS, q=call.given.word, **more)


def _show(call: Call) -> None:
    call.screen.one(call.act("user.show", user=resolve(call, call.given.user)["id"]), FIELDS)


def _change(act: str, said: str) -> Any:
    def run(call: Call) -> None:
        user = resolve(call, call.given.user)
        call.screen.done(call.act(act, user=user["id"]), f"{known(user)}: {said}")

    return run


def _role(call: Call) -> None:
    user = resolve(call, call.given.user)
    result = call.act("user.role", user=user["id"], role=call.given.role)
    call.screen.done(result, f"{known(user)}: role {call.given.role}")


def _reset(call: Call) -> None:
    user = resolve(call, call.given.user)
    result = call.act("user.reset", user=user["id"])
    shown = call.given.site + str(result["url"])
    said = f"{known(user)}: a new password is set, once and within a day, at\n{shown}"
    call.screen.done(result | {"url": shown}, said)


def _erase(call: Call) -> None:
    user = resolve(call, call.given.user)
    call.confirm(f"Erase {known(user)}, with the words of all messages? It can't be undone.")
    call.screen.done(call.act("user.erase", user=user["id"]), f"{known(user)}: erased")


COMMANDS: Final = (
    Command(
        "user list",
        "the users, those with the highest numbers first",
        _list,
        (
            Argument("word", nargs="?", default="", metavar="WORD", help="whose nickname, mobile or number has this"),
            Argument("--waiting", action="store_true", help="only those who wait for an approval"),
            LIMIT,
        ),
    ),
    Command("user show", "one user", _show, (USER,)),
    Command("user approve", "let a user in who waits for it", _change("user.approve", "approved"), (USER,)),
    Command("user disable", "cut a user off, and let them in no more", _change("user.disable", "disabled"), (USER,)),
    Command("user enable", "let a disabled user in again", _change("user.enable", "enabled"), (USER,)),
    Command(
        "user role",
        "make a user an administrator, or a member again",
        _role,
        (USER, Argument("role", choices=("member", "admin"), metavar="ROLE", help="member or admin")),
    ),
    Command("user reset", "a link by which a user sets a new password; the old one is void", _reset, (USER, SITE)),
    Command("user sessions", "log a user out everywhere", _change("user.sessions", "logged out everywhere"), (USER,)),
    Command(
        "user erase",
        "erase name, mobile, picture and the words of all messages of a user",
        _erase,
        (USER, YES),
    ),
)
