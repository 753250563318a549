"""The paths of administrators: what each does, and what each refuses."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from sqlalchemy import insert
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Protocol

from test.access.running_node import FORM, PASSWD, Answer, Person, RunningNode
from twim.errors import Conflict
from twim.storage.schema import upload

API = "/admin/api"
PAGES = ("overview", "people", "groups", "invites", "settings", "keys", "storage", "retention", "audit", "nodes")


class AdminNode(RunningNode):
    """A node with an administrator and two members; `boss` asks."""

    async def setUp(self) -> None:
        await super().setUp()
        self.boss, self.ann, self.bo = await self.people(3)

    async def get_as(self, person: Person, path: str) -> Answer:
        return await self.ask("GET", API + path, f"Authorization: Bearer {person.token}")

    async def read(self, path: str) -> Answer:
        answer = await self.get_as(self.boss, path)
        self.assertEqual(answer.status, 200, answer)
        return answer

    async def send(self, method: str, path: str, loose: object = None, person: Person | None = None) -> Answer:
        bearer = f"Authorization: Bearer {(person or self.boss).token}"
        body = b"" if loose is None else json.dumps(loose).encode()
        return await self.ask(method, API + path, bearer, body=body, media="application/json" if body else "")

    async def done(self, method: str, path: str, loose: object = None) -> Any:
        answer = await self.send(method, path, loose)
        self.assertEqual((answer.status, answer.json["code"]), (200, 0), answer)
        return answer.json.get("data")

    async def log_in_as(self, person: Person) -> Answer:
        return await self.post("/user/login", mobile=person.mobile, passwd=PASSWD)

    async def audited(self) -> list[tuple[str, str]]:
        return [(row["who"], row["act"]) for row in (await self.read("/audit")).rows]


class UserTests(AdminNode):
    """People."""

    async def test_list(self) -> None:
        """The list finds by what is searched for, goes on where the page before ended, and is bounded."""
        rows = (await self.read("/users")).rows
        self.assertEqual({row["id"] for row in rows}, {self.boss.id, self.ann.id, self.bo.id})
        (found,) = (await self.read(f"/users?q={self.ann.mobile}")).rows
        self.assertEqual((found["id"], found["role"], found["disabled"]), (self.ann.id, "member", 0))
        page = (await self.read("/users?limit=2")).json
        rest = (await self.read(f"/users?limit=2&before={page['next']}")).json
        self.assertEqual((page["total"], len(page["rows"]), rest["next"]), (2, 2, 0))
        self.assertEqual({row["id"] for row in page["rows"] + rest["rows"]}, {row["id"] for row in rows})
        for query in ("limit=201", "limit=0", "limit=x", "before=-1", "waiting=2", f"q={'x' * 101}"):
            self.assert_refused(await self.get_as(self.boss, f"/users?{query}"), 400)

    async def test_one(self) -> None:
        """One user is told by number, another one is not there, and what is no number is refused."""
        self.assertEqual((await self.read(f"/users/{self.ann.id}")).data["mobile"], self.ann.mobile)
        self.assert_refused(await self.get_as(self.boss, "/users/1"), 404)
        self.assert_refused(await self.get_as(self.boss, "/users/x"), 400)

    async def test_disable(self) -> None:
        """JSON's truth values and numbers are understood; who is disabled is cut off and may not log in."""
        device = await self.ann.device()
        data = await self.done("PATCH", f"/users/{self.ann.id}", {"disabled": True})
        self.assertEqual(data["disabled"], 1)
        await device.closed()
        self.assert_refused(await self.log_in_as(self.ann), 403, "disabled")
        self.assertEqual((await self.done("PATCH", f"/users/{self.ann.id}", {"disabled": 0}))["disabled"], 0)
        self.assertEqual((await self.log_in_as(self.ann)).status, 200)
        self.assertEqual(
            (await self.audited())[:2], [(f"id:{self.boss.id}", "user.enable"), (f"id:{self.boss.id}", "user.disable")]
        )

    async def test_form(self) -> None:
        """A form is understood too."""
        bearer = f"Authorization: Bearer {self.boss.token}"
        answer = await self.ask(
            "PATCH", f"{API}/users/{self.ann.id}", bearer, body=b"role=admin&disabled=0", media=FORM
        )
        self.assertEqual(answer.data["role"], "admin")

    async def test_change_refused(self) -> None:
        """Nothing, and what is none of the values, is refused with nothing changed."""
        path = f"/users/{self.ann.id}"
        for loose in ({}, {"role": "king"}, {"disabled": 2}, {"disabled": "yes"}, {"approved": 0}, {"approved": []}):
            self.assert_refused(await self.send("PATCH", path, loose), 400)
        self.assertEqual((await self.read(path)).data["role"], "member")
        self.assert_refused(await self.send("PATCH", "/users/1", {"disabled": 1}), 404)

    async def test_last_administrator(self) -> None:
        """The last administrator stays one."""
        for loose in ({"role": "member"}, {"disabled": 1}):
            self.assert_refused(await self.send("PATCH", f"/users/{self.boss.id}", loose), 409)

    async def test_reset(self) -> None:
        """A reset gives a link and ends the password and all devices."""
        data = await self.done("POST", f"/users/{self.ann.id}/reset")
        self.assertTrue(data["url"].startswith("/reset/"))
        self.assertEqual((await self.log_in_as(self.ann)).json["msg"], "password wrong")
        self.assert_refused(await self.ann.get("/user/sessions"), 401)

    async def test_erase(self) -> None:
        """An erased user is gone, and can't log in; the last administrator is not erased."""
        await self.done("POST", f"/users/{self.ann.id}/erase")
        self.assertEqual((await self.log_in_as(self.ann)).json["msg"], "password wrong")
        self.assertEqual((await self.read(f"/users?q={self.ann.mobile}")).rows, [])
        self.assert_refused(await self.send("POST", f"/users/{self.boss.id}/erase"), 409)

    async def test_sessions(self) -> None:
        """All devices end, the password stays."""
        await self.done("POST", f"/users/{self.ann.id}/sessions")
        self.assert_refused(await self.ann.get("/user/sessions"), 401)
        self.assertEqual((await self.log_in_as(self.ann)).status, 200)


class ApprovalTests(AdminNode):
    """Where an administrator approves who registers."""

    settings: ClassVar[dict[str, str]] = {"limits": "off"}

    async def test_approve(self) -> None:
        """Who waits is listed, and may log in once approved."""
        await self.done("PATCH", "/settings", {"signup": "approve"})
        waiting = (await self.post("/user/register", mobile="13100000001", passwd=PASSWD)).data["waiting"]
        self.assertEqual([row["id"] for row in (await self.read("/users?waiting=1")).rows], [waiting])
        self.assertEqual((await self.done("PATCH", f"/users/{waiting}", {"approved": True}))["waiting"], 0)
        self.assertEqual((await self.post("/user/login", mobile="13100000001", passwd=PASSWD)).status, 200)


class GroupTests(AdminNode):
    """Groups."""

    async def test_take_over(self) -> None:
        """The administrator who asks, or the user who is named, becomes the owner."""
        group = await self.ann.group(self.bo)
        (row,) = (await self.read(f"/groups?q={group}")).rows
        self.assertEqual((row["owner"], row["members"]), (self.ann.id, 2))
        await self.done("POST", f"/groups/{group}/takeover")
        self.assertEqual((await self.read(f"/groups/{group}")).data["owner"], self.boss.id)
        await self.done("POST", f"/groups/{group}/takeover", {"user": self.bo.id})
        self.assertEqual((await self.read(f"/groups/{group}")).data["owner"], self.bo.id)
        self.assert_refused(await self.send("POST", f"/groups/{group}/takeover", {"user": "x"}), 400)
        self.assert_refused(await self.send("POST", "/groups/1/takeover"), 404)

    async def test_dissolve(self) -> None:
        """A group is dissolved once."""
        group = await self.ann.group()
        await self.done("POST", f"/groups/{group}/dissolve")
        self.assertEqual((await self.read(f"/groups/{group}")).data["dissolved"], 1)
        self.assert_refused(await self.send("POST", f"/groups/{group}/dissolve"), 409)
        self.assert_refused(await self.send("POST", "/groups/1/dissolve"), 404)


class EntryTests(AdminNode):
    """Invitations and keys."""

    async def test_invites(self) -> None:
        """Everybody's are listed; one is made, and revoked by either way."""
        group = await self.ann.group()
        await self.ann.post("/invite/create", **{"for": group})
        made = await self.done("POST", "/invites", {"for": "server", "uses": 3, "days": 2})
        self.assertTrue(made["url"].startswith("/i/"))
        rows = (await self.read("/invites")).rows
        self.assertEqual([(row["for"], row["left"]) for row in rows], [("server", 3), (str(group), 100)])
        await self.done("DELETE", f"/invites/{rows[0]['id']}")
        await self.done("POST", f"/invites/{rows[1]['id']}/revoke")
        self.assertEqual((await self.read("/invites")).rows, [])
        self.assert_refused(await self.send("DELETE", f"/invites/{rows[0]['id']}"), 404)
        self.assert_refused(await self.send("POST", f"/invites/{rows[0]['id']}/revoke"), 404)

    async def test_invites_refused(self) -> None:
        """An invitation needs what it is for, and bounds that are right."""
        for loose in ({}, {"for": "x"}, {"for": "server", "uses": 0}, {"for": "server", "days": 31}):
            self.assert_refused(await self.send("POST", "/invites", loose), 400)
        self.assertIn((await self.send("POST", "/invites", {"for": 1})).status, (403, 404))

    async def test_keys(self) -> None:
        """A key is told once, and revoked by either way."""
        first = await self.done("POST", "/keys", {"name": "school"})
        await self.done("POST", "/keys", {"name": "reader", "scopes": "read"})
        self.assertTrue(first["key"].startswith("twk_"))
        answer = await self.read("/keys")
        self.assertNotIn(first["key"].encode(), answer.body)
        self.assertEqual([row["name"] for row in answer.rows], ["reader", "school"])
        await self.done("DELETE", f"/keys/{first['id']}")
        await self.done("POST", f"/keys/{answer.rows[0]['id']}/revoke")
        self.assertEqual((await self.read("/keys")).rows, [])
        self.assert_refused(await self.send("DELETE", f"/keys/{first['id']}"), 404)
        self.assert_refused(await self.send("POST", f"/keys/{first['id']}/revoke"), 404)
        for loose in ({}, {"name": ""}, {"name": "x" * 41}, {"name": "x", "scopes": "everything"}):
            self.assert_refused(await self.send("POST", "/keys", loose), 400)


class ServerTests(AdminNode):
    """The server as a whole. One setting was given as an option."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "friend": "approve"}

    async def values(self) -> dict[str, tuple[str, int]]:
        return {row["name"]: (row["value"], row["fixed"]) for row in (await self.read("/settings")).rows}

    async def test_settings(self) -> None:
        """Settings are changed by their names, or one as a row."""
        self.assertEqual((await self.values())["friend"], ("approve", 1))
        answer = await self.send("PATCH", "/settings", {"signup": "invite", "name": "School", "upload_limit": 5})
        self.assertEqual({row["name"]: row["value"] for row in answer.rows}["signup"], "invite")
        found = await self.values()
        self.assertEqual((found["name"], found["upload_limit"]), (("School", 0), ("5", 0)))
        await self.done("PATCH", "/settings", {"name": "group", "value": "approve"})
        self.assertEqual((await self.values())["group"], ("approve", 0))

    async def test_settings_refused(self) -> None:
        """A fixed one is a conflict, and with it or a wrong one nothing else is changed."""
        for status, loose in (
            (409, {"signup": "off", "friend": "open"}),
            (400, {"signup": "off", "group": "everybody"}),
            (400, {"signup": "off", "unknown": "1"}),
            (400, {}),
        ):
            self.assert_refused(await self.send("PATCH", "/settings", loose), status)
        self.assertEqual((await self.values())["signup"], ("open", 0))

    async def test_nodes(self) -> None:
        """This node is up."""
        (row,) = (await self.read("/nodes")).rows
        self.assertEqual(row["silent"], 0)

    async def test_figures(self) -> None:
        """All lists of a plot are equally long; another time than hour or day is refused."""
        for over, step in (("hour", 10), ("day", 300)):
            data = (await self.read(f"/figures?over={over}")).data
            self.assertEqual(data.pop("step"), step)
            self.assertEqual({len(column) for column in data.values()}, {0})
            self.assertEqual(set(data), {"at", "connections", "messages", "commit", "slow", "database", "free"})
        self.assert_refused(await self.get_as(self.boss, "/figures?over=year"), 400)

    async def test_storage(self) -> None:
        """Who has uploaded most comes first; a file of two users counts for each, and once for all."""
        files = [("aa", self.ann.id, 10), ("bb", self.ann.id, 30), ("bb", self.bo.id, 30), ("cc", 5, 1)]
        for stem, userid, size in files:
            await self.database.execute(insert(upload).values(stem=stem, userid=userid, size=size, at=0))
        answer = await self.read("/storage")
        self.assertEqual(
            [(row["user"], row["files"], row["bytes"]) for row in answer.rows],
            [(self.ann.id, 2, 40), (self.bo.id, 1, 30), (5, 1, 1)],
        )
        self.assertEqual((answer.json["files"], answer.json["bytes"]), (3, 41))
        self.assertEqual(len((await self.read("/storage?limit=1")).rows), 1)
        self.assert_refused(await self.get_as(self.boss, "/storage?limit=0"), 400)

    async def test_purge(self) -> None:
        """What is old enough is deleted, and how much that was is told; a group that isn't there is refused."""
        self.assertEqual(await self.done("POST", "/purge", {"days": 30}), {"messages": 0, "files": 0, "bytes": 0})
        self.assert_refused(await self.send("POST", "/purge", {"days": 30, "group": 1}), 404)

    async def test_purge_refused(self) -> None:
        """Days are needed, and a group is a number."""
        for loose in ({}, {"days": 0}, {"days": 40_000}, {"days": 1, "group": "x"}):
            self.assert_refused(await self.send("POST", "/purge", loose), 400)


class WhoTests(AdminNode):
    """Who may ask, and from where."""

    async def test_refused(self) -> None:
        """A member, who was an administrator, and who is logged out; all without anything done."""
        await self.done("PATCH", f"/users/{self.ann.id}", {"role": "admin"})
        self.assertEqual((await self.get_as(self.ann, "/users")).status, 200)
        await self.done("PATCH", f"/users/{self.ann.id}", {"role": "member"})
        for person in (self.ann, self.bo):
            self.assert_refused(await self.get_as(person, "/users"), 403, "administrators")
            self.assert_refused(await self.send("PATCH", "/settings", {"signup": "off"}, person), 403)
        self.assert_refused(await self.ask("GET", f"{API}/users"), 401)
        await self.done("PATCH", f"/users/{self.bo.id}", {"disabled": 1})
        self.assert_refused(await self.get_as(self.bo, "/users"), 401)

    async def test_other_site(self) -> None:
        """A page of another site neither reads nor writes, though the browser sends the cookie along."""
        cookie = f"Cookie: token={self.boss.token}"
        self.assertEqual((await self.ask("GET", f"{API}/users", cookie, "Sec-Fetch-Site: same-origin")).status, 200)
        for header in ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"):
            self.assert_refused(await self.ask("GET", f"{API}/users", cookie, header), 403, "another site")
            path = f"{API}/users/{self.ann.id}/sessions"
            self.assert_refused(await self.ask("POST", path, cookie, header), 403, "another site")
        self.assertEqual((await self.ann.get("/user/sessions")).status, 200)

    async def test_headers(self) -> None:
        """Nobody keeps an answer or puts it into a frame, a refusal among them."""
        for answer in (await self.read("/users"), await self.get_as(self.ann, "/users")):
            self.assertEqual(answer.header("cache-control"), "no-store")
            self.assertEqual(answer.header("x-frame-options"), "DENY")
            self.assertIn("frame-ancestors 'none'", answer.header("content-security-policy"))

    async def test_unknown(self) -> None:
        """Paths and methods that there are not."""
        self.assert_refused(await self.get_as(self.boss, "/nothing"), 404)
        self.assert_refused(await self.send("POST", "/users", {}), 405)


class GoneTests(AdminNode):
    """Who asks for something that takes long, and goes away."""

    async def begin(self, outcome: Deferred[dict[str, object]]) -> list[str]:
        """Ask for a deletion that ends with `outcome`, and be gone before. Gives a list to which its end is written."""
        ended: list[str] = []
        begun: Deferred[None] = Deferred()

        async def act(name: str, values: object, actor: object) -> dict[str, object]:
            begun.callback(None)
            try:
                return await outcome
            finally:
                ended.append(name)

        self.patch(self.node.administration, "act", act)
        asking = await connectProtocol(self.way_in(), Protocol())
        lines = (
            f"POST {API}/purge?days=3 HTTP/1.1",
            f"Host: {self.host}",
            f"Authorization: Bearer {self.boss.token}",
            "Content-Length: 0",
        )
        asking.transport.write("\r\n".join((*lines, "", "")).encode())
        await begun
        asking.transport.abortConnection()
        await self.ask("GET", "/health/live")  # a turn of the reactor later the server knows
        return ended

    async def test_goes_on(self) -> None:
        """The act is carried out to its end."""
        outcome: Deferred[dict[str, object]] = Deferred()
        ended = await self.begin(outcome)
        self.assertEqual(ended, [])
        outcome.callback({})
        self.assertEqual(ended, ["purge"])

    async def test_failure_is_logged(self) -> None:
        """A bug is logged, and a refusal told to nobody."""
        outcome: Deferred[dict[str, object]] = Deferred()
        await self.begin(outcome)
        outcome.errback(ValueError("a bug"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        outcome = Deferred()
        await self.begin(outcome)
        outcome.errback(Conflict("another deletion runs"))


class PageTests(AdminNode):
    """The pages."""

    async def page(self, path: str, person: Person | None = None) -> Answer:
        cookies = [f"Cookie: token={person.token}"] if person else []
        return await self.ask("GET", path, *cookies)

    async def test_administrator(self) -> None:
        """Each page is there, for nobody to frame or keep."""
        for name in PAGES:
            answer = await self.page(f"/admin/{name}.shtml", self.boss)
            self.assertEqual(answer.status, 200)
            self.assertIn(f'data-section="{name}"'.encode(), answer.body)
            self.assertEqual((answer.header("x-frame-options"), answer.header("cache-control")), ("DENY", "no-store"))
            self.assertIn("frame-ancestors 'none'", answer.header("content-security-policy"))
            self.assertIn("script-src 'self'", answer.header("content-security-policy"))

    async def test_member(self) -> None:
        """Others are told that it isn't for them."""
        answer = await self.page("/admin/people.shtml", self.ann)
        self.assertEqual((answer.status, answer.header("x-frame-options")), (403, "DENY"))
        self.assertNotIn(b"data-section", answer.body)

    async def test_logged_out(self) -> None:
        """Who isn't logged in goes to the log-in, which leads back."""
        answer = await self.page("/admin/people.shtml")
        self.assertEqual((answer.status, answer.header("location")), (302, "/user/login.shtml?to=/admin/people.shtml"))

    async def test_begin(self) -> None:
        """The short addresses lead to the first page; what can be no page is none, for anybody."""
        for path in ("/admin", "/admin/"):
            answer = await self.page(path)
            self.assertEqual((answer.status, answer.header("location")), (302, "/admin/overview.shtml"))
        for path in ("/admin/x", "/admin/..%2Fx.shtml", "/admin/_frame.shtml"):
            self.assert_refused(await self.page(path), 404)
        self.assert_refused(await self.page("/admin/nothing.shtml", self.boss), 404)
