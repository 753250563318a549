"""Each command asks the server for its act, with what it was told, and shows the answer."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any

import msgspec

from test.command.commanding import Said
from test.command.folder import InFolder
from test.storage.rig import asynchronous
from twim.logic.administration.acts import ACTS

ANN = {
    "id": 7,
    "mobile": "13800000001",
    "nickname": "安妮",
    "avatar": "",
    "role": "member",
    "disabled": 0,
    "waiting": 0,
    "createat": 1_700_000_000_000,
    "last": 0,
    "devices": 2,
}
GROUP = {
    "id": 5,
    "name": "棋",
    "owner": 7,
    "ownername": "安妮",
    "members": 1,
    "messages": 12,
    "join": "open",
    "dissolved": 0,
    "createat": 1_700_000_000_000,
    "rows": [{"id": 7, "nickname": "安妮", "role": "owner", "muted": 0}],
}
INVITE = {"id": 3, "for": "5", "maker": 7, "uses": 10, "left": 9, "expires": 1_700_000_000_000}
KEY = {"id": 2, "name": "bot", "scopes": ["read", "users"], "createat": 1_700_000_000_000}
LINE = {"id": 1, "at": 1_700_000_000_000, "who": "id:7", "act": "user.role", "what": {"user": 7, "role": "admin"}}
ANSWERS: dict[str, dict[str, Any]] = {
    "user_find": {"rows": [ANN]},
    "user_list": {"rows": [ANN], "next": 0},
    "user_show": ANN,
    "user_reset": {"url": "/reset/CODE", "expires": 1},
    "group_list": {"rows": [GROUP], "next": 0},
    "group_show": GROUP,
    "invite_list": {"rows": [INVITE], "next": 0},
    "invite_create": {"id": 3, "code": "CODE", "url": "/i/CODE", "expires": 1_700_000_000_000},
    "key_list": {"rows": [KEY], "next": 0},
    "key_create": {"id": 2, "key": "twk_x"},
    "setting_list": {"rows": [{"name": "signup", "value": "open", "fixed": 1}], "next": 0},
    "audit_list": {"rows": [LINE], "next": 0},
    "storage_list": {"rows": [{"user": 7, "nickname": "安妮", "files": 3, "bytes": 4096}], "files": 3, "bytes": 4096},
    "node_list": {
        "rows": [
            {"node": "ab", "address": "here:1", "version": "1", "connections": 4, "age": 5.5, "silent": 0.0}
            | {"differs": {"name": "x"}}
        ]
    },
    "webhook_list": {
        "rows": [
            {
                "id": 4,
                "url": "https://shop.example/told",
                "events": ["message", "read"],
                "state": "failing",
                "waiting": 3,
            }
            | {"since": 1_700_000_000_000, "failure": "status 500"}
        ]
    },
    "purge": {"messages": 10, "files": 2, "bytes": 2048},
}
PAGE = {"before": 0, "limit": 200}
OF_ANN = {"user": 7}
# The command, the act and what it is told, and a part of what is shown.
LINES: tuple[tuple[str, str, dict[str, object], str], ...] = (
    ("user list", "user.list", {"q": "", **PAGE}, " 7  13800000001  安妮      member  active  -"),
    ("user list An --waiting", "user.list", {"q": "An", "waiting": 1, **PAGE}, "安妮"),
    ("user show Ann", "user.show", OF_ANN, "devices     2"),
    ("user approve Ann", "user.approve", OF_ANN, "安妮 (id:7): approved"),
    ("user disable Ann", "user.disable", OF_ANN, "安妮 (id:7): disabled"),
    ("user enable Ann", "user.enable", OF_ANN, "安妮 (id:7): enabled"),
    ("user role Ann admin", "user.role", {**OF_ANN, "role": "admin"}, "role admin"),
    ("user reset Ann", "user.reset", OF_ANN, "\n/reset/CODE\n"),
    ("user reset Ann --site https://c.example/", "user.reset", OF_ANN, "\nhttps://c.example/reset/CODE\n"),
    ("user sessions Ann", "user.sessions", OF_ANN, "logged out everywhere"),
    ("user erase Ann --yes", "user.erase", OF_ANN, "erased"),
    ("group list", "group.list", {"q": "", **PAGE}, "5  棋    安妮         1        12  open"),
    ("group show 5", "group.show", {"group": 5}, "owner     安妮 (id:7)"),
    ("group takeover 5 Ann", "group.takeover", {"group": 5, "user": 7}, "belongs to 安妮 (id:7)"),
    ("group dissolve 5 --yes", "group.dissolve", {"group": 5}, "group 5: dissolved"),
    ("invite list", "invite.list", PAGE, " 3  group 5      7     9    10  2023-11-1"),
    ("invite create", "invite.create", {"for": "server", "uses": 100, "days": 7}, "\n/i/CODE\n"),
    (
        "invite create 5 --uses 2 --days 3 --user Ann",
        "invite.create",
        {"for": 5, "uses": 2, "days": 3, "user": 7},
        "good for 2",
    ),
    ("invite revoke 3", "invite.revoke", {"id": 3}, "invitation 3: revoked"),
    ("key list", "key.list", {}, " 2  bot   read,users  2023-11-1"),
    ("key create bot", "key.create", {"name": "bot"}, "\ntwk_x\n"),
    ("key create bot --scopes read,admin", "key.create", {"name": "bot", "scopes": "read,admin"}, "twk_x"),
    ("key revoke 2", "key.revoke", {"id": 2}, "key 2: revoked"),
    ("set", "setting.list", {}, "signup  open   given as an option"),
    ("set group-invites members", "setting.set", {"name": "group_invites", "value": "members"}, "members"),
    ("audit", "audit.list", PAGE, "id:7  user.role  user=7 role=admin"),
    ("storage", "storage.list", {"limit": 200}, "7  安妮          3  4.0 KiB"),
    ("nodes", "node.list", {}, "ab    here:1   1                  4     5.5         0.0  name=x"),
    ("webhook list", "webhook.list", {}, " 4  https://shop.example/told  message,read  failing        3  2023-11-1"),
    ("webhook retry 4", "webhook.retry", {"id": 4}, "webhook 4: tried again"),
    ("webhook delete 4", "webhook.delete", {"id": 4}, "webhook 4: deleted"),
    ("purge --older-than 30 --yes", "purge", {"days": 30, "group": 0}, "10 messages, 2 files of 2.0 KiB"),
    ("purge --older-than 30 --group 5 --yes", "purge", {"days": 30, "group": 5}, "10 messages"),
)


class Acts(InFolder):
    """The commands, against a server that answers as it is told."""

    @asynchronous
    async def test_lines(self) -> None:
        """What is asked for, and what is shown to people."""
        server = self.serve({}, **ANSWERS)
        for line, act, told, shown in LINES:
            said: Said = await self.command(*line.split())
            self.assertEqual((said.code, said.err), (0, ""), line)
            self.assertEqual(server.asked[-1][:2], (act, told), line)
            self.assertIn(shown, said.out, line)
            # The server would take it.
            msgspec.convert(told, ACTS[act].values)

    @asynchronous
    async def test_json(self) -> None:
        """With ``--json`` each gives one document: a list where there are rows."""
        self.serve({}, **ANSWERS)
        for line, act, _, _ in LINES:
            found = json.loads((await self.command(*line.split(), "--json")).out)
            self.assertEqual(isinstance(found, list), act.endswith(".list"), line)

    def test_every_act(self) -> None:
        """Each act of administrators has a command, but what only the pages show."""
        pages_alone = {"storage.list", "node.list"}
        self.assertEqual({act for _, act, _, _ in LINES} | {"user.find"} | pages_alone, set(ACTS))

    @asynchronous
    async def test_pages(self) -> None:
        """A long list is read page by page, as far as it was asked for; that there is more is said."""
        server = self.serve({"rows": [ANN] * 200, "next": 9})
        said = await self.command("user", "list", "--limit", 450, "--json")
        self.assertEqual(len(json.loads(said.out)), 600)
        asked = [(told["before"], told["limit"]) for _, told, _ in server.asked]
        self.assertEqual(asked, [(0, 200), (9, 200), (9, 50)])
        self.assertEqual(said.err, "these are the first 600; --limit shows more\n")


class Whom(InFolder):
    """Which user is meant."""

    @asynchronous
    async def test_nobody(self) -> None:
        """A word that fits nobody is refused."""
        self.serve({}, user_find={"rows": []})
        self.assertEqual(await self.refused("user", "disable", "external:x"), "twim: external:x: no such user\n")

    @asynchronous
    async def test_several(self) -> None:
        """A word that fits several is refused with the list of them, and nothing is done."""
        server = self.serve({}, user_find={"rows": [ANN, ANN | {"id": 8, "mobile": "222"}]})
        said = await self.refused("user", "disable", "安妮")
        self.assertEqual(said.split("\n")[1:3], ["  id:7  13800000001  安妮", "  id:8  222  安妮"])
        self.assertEqual(len(server.asked), 1)

    @asynchronous
    async def test_very_many(self) -> None:
        """The list has an end."""
        self.serve({}, user_find={"rows": [ANN] * 100})
        self.assertIn("  and 80 more\n", await self.refused("user", "disable", "安妮"))


class Confirming(InFolder):
    """What can't be undone is asked for."""

    DANGEROUS = ("user erase Ann", "group dissolve 5", "purge --older-than 3")

    @asynchronous
    async def test_elsewhere(self) -> None:
        """Where nobody can be asked, ``--yes`` is wanted."""
        server = self.serve({}, **ANSWERS)
        self.patch(sys, "stdin", io.StringIO("y\n"))
        for line in self.DANGEROUS:
            self.assertIn("--yes", await self.refused(*line.split()))
        self.assertEqual({name for name, _, _ in server.asked}, {"user.find", "group.show"})

    @asynchronous
    async def test_on_a_terminal(self) -> None:
        """On a terminal only yes is yes."""
        server = self.serve({}, **ANSWERS)
        for answer, code in (("y", 0), ("YES", 0), ("", 1), ("no", 1), ("yesterday", 1)):
            for line in self.DANGEROUS:
                self.patch(sys, "stdin", self.terminal(answer))
                self.assertEqual((await self.command(*line.split())).code, code, (answer, line))
        done = [name for name, _, _ in server.asked if name in ("user.erase", "group.dissolve", "purge")]
        self.assertEqual(len(done), 6)

    def terminal(self, answer: str) -> Any:
        """An input that is a terminal, at which somebody answers."""
        ours, theirs = os.openpty()
        os.write(ours, answer.encode() + b"\n")
        file = os.fdopen(theirs, "r")
        self.addCleanup(file.close)
        self.addCleanup(os.close, ours)
        return file


class Misusing(InFolder):
    """What the parser can't know."""

    @asynchronous
    async def test_half_a_setting(self) -> None:
        """A setting without a value is a wrong command line."""
        self.assertEqual(await self.command("set", "signup"), (2, "", "usage: twim set NAME VALUE, or set alone\n"))
