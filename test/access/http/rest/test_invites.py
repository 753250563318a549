"""Making, listing, revoking and accepting invitations, and registering by them."""

from __future__ import annotations

import base64
import time
from os import urandom
from typing import Any, ClassVar

from sqlalchemy import insert
from twisted.internet.defer import Deferred, gatherResults

from test.access.http.rest.test_signup import SignUpNode
from test.access.running_node import PASSWD, Person
from twim.storage.schema import invite

DAY_MS = 24 * 3600 * 1000


class InviteNode(SignUpNode):
    """A node with an administrator, `boss`, and a member with a group of friends, `ann`."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss = await self.person()
        self.ann = await self.member()
        made = await self.ann.post("/contact/createcommunity", name="Rowers", join="invite")
        self.group: int = made.data["id"]

    async def member(self, number: str = "139900") -> Person:
        """A user who registered by an administrator's invitation."""
        code = (await self.invite(self.boss, "server")).data["code"]
        answer = await self.register(number, invite=code)
        return Person(self, answer, number)

    async def invite(self, maker: Person, where: object, **more: object) -> Any:
        return await maker.post("/invite/create", **{"for": where}, **more)

    async def code(self, maker: Person, where: object, **more: object) -> str:
        code: str = (await self.invite(maker, where, **more)).data["code"]
        return code


class MakingTests(InviteNode):
    """Who may make invitations, and what they are like."""

    async def test_made(self) -> None:
        """A code has 128 bits and is shown once, with its page and its end; lists don't have the code."""
        before = int(time.time() * 1000)
        data = (await self.invite(self.ann, self.group, uses=3, days=2)).data
        self.assertEqual(set(data), {"id", "code", "url", "expires"})
        self.assertEqual(len(base64.urlsafe_b64decode(data["code"] + "==")), 16)
        self.assertEqual(data["url"], f"/i/{data['code']}")
        self.assertTrue(before <= data["expires"] - 2 * DAY_MS <= before + 60_000)
        listed = await self.ann.get("/invite/list")
        row = {"id": data["id"], "for": str(self.group), "uses": 3, "left": 3, "expires": data["expires"]}
        self.assertEqual(listed.rows, [row])
        for file in self.folder.glob("im.db*"):
            self.assertNotIn(data["code"].encode(), file.read_bytes())

    async def test_defaults_and_bounds(self) -> None:
        """The defaults are 100 uses and 7 days; a value beyond its bound is refused by name."""
        data = (await self.invite(self.boss, "server")).data
        row = (await self.boss.get("/invite/list")).rows[0]
        self.assertEqual((row["for"], row["uses"]), ("server", 100))
        self.assertLess(abs(data["expires"] - 7 * DAY_MS - time.time() * 1000), 60_000)
        for name, values in {"uses": (0, 1001, "x"), "days": (0, 31), "for": ("", "0", "all")}.items():
            for value in values:
                answer = await self.boss.post("/invite/create", **({"for": "server"} | {name: value}))
                self.assert_refused(answer, 400, name)
        self.assert_refused(await self.boss.post("/invite/create"), 400, "for")

    async def test_who_may_not(self) -> None:
        """Only administrators invite to the server, and only those who may add members to a group."""
        self.assert_refused(await self.invite(self.ann, "server"), 403)
        self.assert_refused(await self.invite(self.boss, self.group), 403)
        self.assert_refused(await self.invite(self.ann, 12345678), 403)
        guest = await self.member("139901")
        await guest.post("/invite/accept", code=await self.code(self.ann, self.group))
        self.assert_refused(await self.invite(guest, self.group), 403)

    async def test_how_many(self) -> None:
        """A user has at most 200 that have not expired."""
        for _ in range(200):
            await self.node.database.write(_one_more(self.ann.id, self.group))
        self.assert_refused(await self.invite(self.ann, self.group), 200, "at most 200")


class AcceptingTests(InviteNode):
    """Accepting by users who are logged in."""

    async def test_joins(self) -> None:
        """Joins a group that is closed to numbers, with a notice, and counts one use; a second time is refused."""
        guest = await self.member("139901")
        code = await self.code(self.ann, self.group, uses=2)
        joined = await guest.post("/invite/accept", code=code)
        self.assertEqual((joined.data["member"], joined.data["id"]), (1, self.group))
        self.assertEqual((await self.ann.history(11, self.group))[-1]["content"], "joined")
        self.assert_refused(await guest.post("/invite/accept", code=code), 200, "already a member")
        self.assertEqual((await self.ann.get("/invite/list")).rows[0]["left"], 1)

    async def test_to_the_server(self) -> None:
        """Somebody who has an account joins nothing by a server invitation, and uses nothing up."""
        code = await self.code(self.boss, "server", uses=1)
        self.assertEqual((await self.ann.post("/invite/accept", code=code)).data, {})
        self.assertEqual((await self.boss.get("/invite/list")).rows[0]["left"], 1)

    async def test_refused_alike(self) -> None:
        """A wrong, used up or revoked code, or one whose maker may not invite any more, gets the same 404, as does
        the page."""
        guests = [await self.member(f"13991{n}") for n in range(3)]
        used, revoked, ended = [await self.code(self.ann, self.group, uses=1) for _ in range(3)]
        await guests[0].post("/invite/accept", code=used)
        rows = (await self.ann.get("/invite/list")).rows
        await self.ann.post("/invite/revoke", id=rows[1]["id"])
        await guests[0].post("/invite/accept", code=await self.code(self.ann, self.group))
        await self.ann.post("/contact/dissolve", dstid=self.group)
        answers = [await guests[1].post("/invite/accept", code=code) for code in ("", "x", used, revoked, ended)]
        for answer in answers:
            self.assert_refused(answer, 404, "no such invitation")
        self.assertEqual(len({answer.body for answer in answers}), 1)
        for code in ("x", used, revoked, ended):
            self.assertEqual((await self.ask("GET", f"/i/{code}")).status, 404)

    async def test_removed(self) -> None:
        """An invitation doesn't bring a removed member back."""
        guest = await self.member("139901")
        code = await self.code(self.ann, self.group)
        await guest.post("/invite/accept", code=code)
        await self.ann.post("/contact/removemember", dstid=self.group, memberid=guest.id)
        self.assert_refused(await guest.post("/invite/accept", code=code), 403, "removed")


class PageTests(InviteNode):
    """``/i/CODE``."""

    async def test_uses_nothing_up(self) -> None:
        """The page names the group, sends no Referer to other sites, and counts as no use."""
        code = await self.code(self.ann, self.group, uses=1)
        for _ in range(3):
            page = await self.ask("GET", f"/i/{code}")
            self.assertEqual((page.status, page.header("referrer-policy")), (200, "no-referrer"))
            self.assertIn(b"Rowers", page.body)
        self.assertEqual((await self.ann.get("/invite/list")).rows[0]["left"], 1)
        self.assertEqual((await self.ask("POST", f"/i/{code}")).status, 405)


class RegisteringTests(InviteNode):
    """Registering by an invitation where everybody may register."""

    async def test_joins(self) -> None:
        """The new account is in the group at once; a bad invitation registers nobody."""
        code = await self.code(self.ann, self.group, uses=1)
        made = await self.register("139902", invite=code)
        self.assertEqual(made.data["group"], self.group)
        members = (await self.ann.get("/contact/loadmember", dstid=self.group)).rows
        self.assertIn(made.data["id"], [row["id"] for row in members])
        self.assert_closed(await self.register("139903", invite=code), "invitation")
        self.assertEqual((await self.log_in_as("139903")).json["msg"], "password wrong")

    async def test_at_once(self) -> None:
        """Of many people at once exactly as many get in as the invitation has uses."""
        code = await self.code(self.ann, self.group, uses=2)
        asked = [Deferred.fromCoroutine(self.register(f"13992{n}", invite=code)) for n in range(6)]
        answers = await gatherResults(asked)
        self.assertEqual(sorted(one.status for one in answers), [200] * 2 + [403] * 4)


class InvitedOnlyTests(InviteNode):
    """``--signup invite``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "invite"}

    async def test_whose(self) -> None:
        """A member's invitation to a group registers nobody, an administrator's does."""
        self.assert_closed(await self.register("139903", invite=await self.code(self.ann, self.group)), "invitation")
        made = (await self.boss.post("/contact/createcommunity", name="Office")).data["id"]
        answer = await self.register("139903", invite=await self.code(self.boss, made))
        self.assertEqual(answer.data["group"], made)


class MembersInviteTests(InviteNode):
    """``--signup invite --group-invites members``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "invite", "group-invites": "members"}

    async def test_whose(self) -> None:
        """Anybody's invitation to a group registers."""
        answer = await self.register("139903", invite=await self.code(self.ann, self.group))
        self.assertEqual(answer.data["group"], self.group)


class ApprovedTests(InviteNode):
    """``--signup approve``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "approve"}

    async def test_counts_as_approval(self) -> None:
        """A server invitation counts as an approval; one to a group doesn't, and isn't used up by who waits."""
        code = await self.code(self.ann, self.group, uses=1)
        waiting = (await self.register("139903", invite=code)).data["waiting"]
        self.assertEqual((await self.ann.get("/invite/list")).rows[0]["left"], 1)
        await self.node.roles.approve(waiting)
        person = Person(self, await self.post("/user/login", mobile="139903", passwd=PASSWD), "139903")
        self.assertEqual((await person.post("/invite/accept", code=code)).data["id"], self.group)


def _one_more(maker: int, group: int) -> Any:
    values = {"hash": urandom(32), "maker": maker, "community": group, "uses": 1, "used": 0, "expires": 2**50}
    return lambda connection: connection.execute(insert(invite).values(values))
