"""What administrators do with groups, invitations, keys and the server, on a running node."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from twisted.internet.task import deferLater

from test.access.running_node import PASSWD, Device, Person, RunningNode, reactor
from twim.errors import Conflict, Malformed, NotFound, NotYours, Refusal
from twim.logic.administration.acts import ACTS, Actor
from twim.node import now_ms
from twim.storage.orders import Order, OrderStore

COMMAND = Actor("command:root")


class AdministeredNode(RunningNode):
    """Has an administrator, `boss`, and somebody else, `ann`."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.person(nickname="Boss")
        self.ann = await self.person(nickname="Ann")

    async def act(self, name: str, actor: Actor | None = None, /, **values: object) -> dict[str, Any]:
        given = {key.removesuffix("_"): value for key, value in values.items()}
        return await self.node.administration.act(name, given, actor or Actor.user(self.boss.id))

    async def refused(self, why: type[Refusal], text: str, act: str, /, **values: object) -> None:
        with self.assertRaises(why) as caught:
            await self.act(act, **values)
        self.assertIn(text, caught.exception.msg)

    async def audited(self) -> list[tuple[object, ...]]:
        """Who did what, the oldest first."""
        rows = (await self.act("audit.list"))["rows"]
        return [(row["who"], row["act"], row["what"]) for row in reversed(rows)]


class GroupTests(AdministeredNode):
    """What is done to groups."""

    async def notices(self, group: int) -> list[tuple[object, ...]]:
        """Who did what to whom, as the members read it."""
        rows = await self.ann.history(11, group)
        return [(row["userid"], row["content"], row.get("memo"), row.get("mentions")) for row in rows]

    async def test_takeover(self) -> None:
        """A stranger becomes the owner, which the members read; the former owner is an admin. Of a command they read
        that the first administrator did it."""
        cat = await self.person()
        group = await self.ann.group()
        device: Device = await self.ann.device()
        await self.act("group.takeover", group=group, user=cat.id)
        notice = await device.hear(cmd=11, content="role")
        self.assertEqual((notice["userid"], notice["memo"], notice["mentions"]), (self.boss.id, "owner", [cat.id]))
        members = (await self.act("group.show", group=group))["rows"]
        self.assertEqual({row["id"]: row["role"] for row in members}, {self.ann.id: "admin", cat.id: "owner"})
        await self.act("group.takeover", COMMAND, group=group, user=self.ann.id)
        await device.hear(cmd=11, content="role", mentions=[self.ann.id])
        added, role, again = (await self.notices(group))[-3:]
        self.assertEqual(added, (self.boss.id, "added", str(cat.id), [cat.id]))
        self.assertEqual(role, (self.boss.id, "role", "owner", [cat.id]))
        self.assertEqual((again[0], again[1], again[3]), (self.boss.id, "role", [self.ann.id]))

    async def test_dissolve(self) -> None:
        """Nobody posts any more, which the members read, and nobody takes it over."""
        group = await self.ann.group()
        device: Device = await self.ann.device()
        await self.act("group.dissolve", group=group)
        notice = await device.hear(cmd=11, content="dissolved")
        self.assertEqual(notice["userid"], self.boss.id)
        self.assertEqual((await device.ask(cmd=11, dstid=group, media=1, content="hi"))["code"], -3)
        await self.refused(Conflict, "dissolved", "group.dissolve", group=group)
        await self.refused(Conflict, "dissolved", "group.takeover", group=group, user=self.boss.id)
        self.assertEqual((await self.act("group.list", q=str(group)))["rows"][0]["dissolved"], 1)
        self.assertEqual([line[1] for line in await self.audited()], ["group.dissolve"])

    async def test_refused(self) -> None:
        """Of a group or a user that isn't there nothing is done."""
        group = await self.ann.group()
        for act, values in (("show", {}), ("dissolve", {}), ("takeover", {"user": self.ann.id})):
            await self.refused(NotFound, "no such group", f"group.{act}", group=7, **values)
        await self.refused(NotFound, "no such user", "group.takeover", group=group, user=7)
        await self.refused(Conflict, "already", "group.takeover", group=group, user=self.ann.id)
        self.assertEqual(await self.audited(), [])


class EntryTests(AdministeredNode):
    """Invitations and keys."""

    async def test_invites(self) -> None:
        """They are made in the name of who acts, of the first administrator for a command, or of a group's owner."""
        group = await self.ann.group()
        made = [
            await self.act("invite.create", for_="server", uses=1),
            await self.act("invite.create", COMMAND, for_="server"),
            await self.act("invite.create", COMMAND, for_=group),
            await self.act("invite.create", for_=group, user=self.ann.id),
        ]
        makers = [self.boss.id, self.boss.id, self.ann.id, self.ann.id]
        listed = {row["id"]: row for row in (await self.act("invite.list"))["rows"]}
        self.assertEqual([listed[one["id"]]["maker"] for one in made], makers)
        self.assertEqual([listed[one["id"]]["for"] for one in made], ["server", "server", str(group), str(group)])
        guest = await self.person()
        joined = await guest.post("/invite/accept", code=made[2]["code"])
        self.assertEqual(joined.data["member"], 1)
        await self.act("invite.revoke", id=made[3]["id"])
        self.assert_refused(await guest.post("/invite/accept", code=made[3]["code"]), 404)
        self.assertNotIn(made[0]["code"], str(await self.audited()))

    async def test_invites_refused(self) -> None:
        """Who may not invite there is no maker, nor is who isn't there."""
        group = await self.ann.group()
        await self.refused(NotYours, "not in that group", "invite.create", for_=group)
        await self.refused(NotYours, "only administrators", "invite.create", for_="server", user=self.ann.id)
        await self.refused(NotYours, "not in that group", "invite.create", for_=7)
        await self.refused(NotFound, "no such invitation", "invite.revoke", id=7)
        await self.ann.post("/contact/leavecommunity", dstid=group)
        with self.assertRaises(Conflict):
            await self.act("invite.create", COMMAND, for_=group)
        with self.assertRaises(NotFound):
            await self.act("invite.create", COMMAND, for_=7)

    async def test_keys(self) -> None:
        """A key has 192 random bits and is told once; it may do the usual things unless more or less is said."""
        made = await self.act("key.create", name="a script")
        self.assertTrue(re.fullmatch(r"twk_[A-Za-z0-9_-]{32}", made["key"]), made)
        small = await self.act("key.create", name="another", scopes="admin,read,read")
        rows = (await self.act("key.list"))["rows"]
        self.assertEqual([row["id"] for row in rows], [small["id"], made["id"]])
        usual = ["users", "groups", "messages", "webhooks", "read"]
        self.assertEqual([row["scopes"] for row in rows], [["read", "admin"], usual])
        await self.act("key.revoke", id=made["id"])
        self.assertEqual(len((await self.act("key.list"))["rows"]), 1)
        for file in self.folder.glob("im.db*"):
            self.assertNotIn(made["key"].encode(), file.read_bytes())
        self.assertNotIn("twk_", str(await self.audited()))
        self.assertNotIn("a script", str(await self.audited()))

    async def test_keys_refused(self) -> None:
        """Of unknown scopes there is no key, and none that isn't there ends."""
        for scopes in ("all", "read,", ",", "read users"):
            await self.refused(Malformed, "scopes", "key.create", name="x", scopes=scopes)
        await self.refused(NotFound, "no such key", "key.revoke", id=7)


class ServerTests(AdministeredNode):
    """Settings, audit log and nodes."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "friend": "approve"}

    async def test_all_are_there(self) -> None:
        """Every act that has a name can be carried out, and no other."""
        self.assertEqual(set(self.node.administration._acts), set(ACTS))

    async def test_settings(self) -> None:
        """A setting is changed at once, unless it was given as an option."""
        await self.act("setting.set", name="signup", value="off")
        rows = {row["name"]: row for row in (await self.act("setting.list"))["rows"]}
        self.assertEqual(rows["signup"], {"name": "signup", "value": "off", "fixed": 0})
        self.assertEqual(rows["friend"]["fixed"], 1)
        self.assertEqual((await self.ask("GET", "/settings")).data["signup"], "off")
        await self.refused(Conflict, "given as an option", "setting.set", name="friend", value="open")
        await self.refused(Malformed, "", "setting.set", name="signup", value="closed")
        await self.refused(Malformed, "", "setting.set", name="unknown", value="1")
        self.assertEqual([line[2] for line in await self.audited()], [{"name": "signup", "value": "off"}])

    async def test_audit_pages(self) -> None:
        """The audit log is read a page at a time."""
        for value in ("off", "open", "invite"):
            await self.act("setting.set", COMMAND, name="signup", value=value)
        first = await self.act("audit.list", limit=2)
        rest = await self.act("audit.list", limit=2, before=first["next"])
        values = [row["what"]["value"] for row in [*first["rows"], *rest["rows"]]]
        self.assertEqual((values, rest["next"]), (["invite", "open", "off"], 0))

    async def test_nodes(self) -> None:
        """The node knows of itself."""
        await self.ann.device()
        (row,) = (await self.act("node.list"))["rows"]
        self.assertEqual((row["node"], row["connections"], row["silent"]), (self.node.bus.node, 1, 0.0))


class DeletingTests(AdministeredNode):
    """What can't be undone."""

    async def test_erase(self) -> None:
        """A user is cut off and nameless, and a link for a new password is worth nothing; the log names the id."""
        url = (await self.act("user.reset", user=self.ann.id))["url"]
        await self.act("user.erase", user=self.ann.id)
        self.assert_refused(await self.post(url, passwd="another-1"), 404)
        shown = await self.act("user.show", user=self.ann.id)
        self.assertEqual((shown["nickname"], shown["avatar"]), ("", ""))
        self.assertNotIn(self.ann.mobile, str(shown))
        self.assertEqual((await self.audited())[-1][1:], ("user.erase", {"user": self.ann.id}))

    async def test_erase_refused(self) -> None:
        """The last administrator stays, and nobody is erased who isn't there."""
        await self.refused(Conflict, "last administrator", "user.erase", user=self.boss.id)
        await self.refused(NotFound, "no such user", "user.erase", user=7)
        self.assertEqual(await self.audited(), [])

    async def test_purge(self) -> None:
        """What is younger stays; how much was deleted is told and written down."""
        deleted = await self.act("purge", days=1)
        self.assertEqual(deleted, {"messages": 0, "files": 0, "bytes": 0})
        self.assertEqual((await self.audited())[-1][2], {"days": 1, "group": 0} | deleted)
        await self.refused(NotFound, "", "purge", days=1, group=7)


class NoAdministratorTests(RunningNode):
    """A server whose users came from elsewhere."""

    async def test_groups(self) -> None:
        """What a command does to a group is told in the name of its owner."""
        answer = await self.post("/user/register", "X-Forwarded-For: 192.0.2.1", mobile="139900", passwd=PASSWD)
        ann = Person(self, answer, "139900")
        answer = await self.post("/user/register", "X-Forwarded-For: 192.0.2.1", mobile="139901", passwd=PASSWD)
        group = await ann.group()
        device: Device = await ann.device()
        act = self.node.administration.act
        await act("group.takeover", {"group": group, "user": answer.data["id"]}, COMMAND)
        await act("group.dissolve", {"group": group}, COMMAND)
        notice = await device.hear(cmd=11, content="dissolved")
        self.assertEqual(notice["userid"], answer.data["id"])

    async def test_invite(self) -> None:
        """A command makes no invitation to a server that has no administrator."""
        with self.assertRaises(Conflict):
            await self.node.administration.act("invite.create", {"for": "server"}, COMMAND)


class OrderTests(AdministeredNode):
    """What the command leaves in the database."""

    async def outcome(self, act: str, told: bytes) -> Order:
        """What becomes of an order."""
        store = OrderStore(self.database)
        number = await store.leave(act, told, "command:root", now_ms())
        while True:
            done = await store.collect(number)
            if done is not None:
                return done
            await deferLater(reactor, 0.02)

    async def test_carried_out(self) -> None:
        """The running node finds it by itself, and writes what came of it."""
        done = await self.outcome("user.role", b'{"user":%d,"role":"admin"}' % self.ann.id)
        self.assertEqual((done.state, done.outcome), ("done", b"{}"))
        self.assertTrue(await self.node.roles.is_administrator(self.ann.id))
        self.assertEqual((await self.audited())[-1][0], "command:root")

    async def test_refused(self) -> None:
        """So it does when the act is refused."""
        for act, told, status in (
            ("user.role", b'{"user":7,"role":"admin"}', 404),
            ("user.role", b'{"user":7,"role":"king"}', 400),
            ("user.disable", b'{"user":%d}' % self.boss.id, 409),
            ("user.promote", b"{}", 404),
        ):
            done = await self.outcome(act, told)
            self.assertEqual((done.state, json.loads(done.outcome)["status"]), ("failed", status))
        self.assertEqual(await self.audited(), [])
