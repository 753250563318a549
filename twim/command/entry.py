"""``twim invite …`` and ``twim key …``: what people and programs come in by."""

from __future__ import annotations

from typing import Final

from twim.command.call import Call
from twim.command.parsing import SITE, Argument, Command, count
from twim.command.people import resolve
from twim.command.screen import Column, Row, number, text, time
from twim.command.tables import moment
from twim.command.users import LIMIT

ID: Final = Argument("id", metavar="ID", type=count, help="its number in the list")


def _for(row: Row) -> str:
    return "server" if row["for"] == "server" else f"group {row['for']}"


INVITES: Final = (
    number("id"),
    Column("FOR", _for),
    number("maker"),
    number("left"),
    number("uses"),
    time("expires"),
)
KEYS: Final = (
    number("id"),
    text("name"),
    Column("SCOPES", lambda row: ",".join(row["scopes"])),
    time("createat", "MADE"),
)


def _invites(call: Call) -> None:
    call.list("invite.list", INVITES)


def _invite(call: Call) -> None:
    given = call.given
    maker = {"user": resolve(call, given.user)["id"]} if given.user else {}
    target: object = int(given.target) if given.target.isdecimal() else given.target
    result = call.act("invite.create", **{"for": target}, uses=given.uses, days=given.days, **maker)
    shown = given.site + str(result["url"])
    said = f"invitation {result['id']}, good for {given.uses} until {moment(int(result['expires']))}:\n{shown}"
    call.screen.done(result | {"url": shown}, said)


def _uninvite(call: Call) -> None:
    call.screen.done(call.act("invite.revoke", id=call.given.id), f"invitation {call.given.id}: revoked")


def _keys(call: Call) -> None:
    call.screen.rows(call.act("key.list")["rows"], KEYS)


def _key(call: Call) -> None:
    scopes = {"scopes": call.given.scopes} if call.given.scopes else {}
    result = call.act("key.create", name=call.given.name, **scopes)
    call.screen.done(result, f"key {result['id']}, shown only now:\n{result['key']}")


def _unkey(call: Call) -> None:
    call.screen.done(call.act("key.revoke", id=call.given.id), f"key {call.given.id}: revoked")


COMMANDS: Final = (
    Command("invite list", "the invitations that are good, the newest first", _invites, (LIMIT,)),
    Command(
        "invite create",
        "a link by which people join the server, or a group",
        _invite,
        (
            Argument("target", nargs="?", default="server", metavar="FOR", help="server (the default) or a group's id"),
            Argument(
                "--uses", type=count, default=100, metavar="N", help="how many may use it: 1 to 1000 [default: 100]"
            ),
            Argument("--days", type=count, default=7, metavar="N", help="for how many days: 1 to 30 [default: 7]"),
            Argument(
                "--user", metavar="USER", help="in whose name [default: an administrator's, or the group's owner's]"
            ),
            SITE,
        ),
    ),
    Command("invite revoke", "end an invitation", _uninvite, (ID,)),
    Command("key list", "the API keys", _keys),
    Command(
        "key create",
        "an API key, which is shown only once",
        _key,
        (
            Argument("name", metavar="NAME", help="what it is for"),
            Argument(
                "--scopes",
                metavar="LIST",
                help="users,groups,messages,webhooks,read or some of them, and admin [default: these five, not admin]",
            ),
        ),
    ),
    Command("key revoke", "end an API key", _unkey, (ID,)),
)
