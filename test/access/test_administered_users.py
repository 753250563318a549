"""What administrators do with users, on a running node: their life there, and resets of passwords."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.defer import Deferred, gatherResults

from test.access.running_node import PASSWD, Device, Person, RunningNode, until
from test.access.test_administration import AdministeredNode
from twim.errors import Conflict, NotFound
from twim.logic import password_resets


class UserTests(AdministeredNode):
    """What is done to users."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "approve"}

    async def setUp(self) -> None:
        await RunningNode.setUp(self)
        self.boss = await self.person(nickname="Boss")
        waiting = await self.post("/user/register", mobile="139900", passwd=PASSWD, nickname="Ann")
        self.waiting: int = waiting.data["waiting"]

    async def log_in_as(self, mobile: str, passwd: str = PASSWD) -> Any:
        return await self.post("/user/login", mobile=mobile, passwd=passwd)

    async def approved(self) -> Person:
        await self.act("user.approve", user=self.waiting)
        answer = await self.log_in_as("139900")
        return Person(self, answer, "139900")

    async def test_life(self) -> None:
        """Who waits is approved; who is disabled is cut off until enabled again; each act is written down."""
        listed = await self.act("user.list", waiting=1)
        self.assertEqual([(row["id"], row["devices"]) for row in listed["rows"]], [(self.waiting, 0)])
        ann = await self.approved()
        device: Device = await ann.device()
        await self.act("user.disable", user=ann.id)
        await until(lambda: device.code is not None or device.gone)
        self.assert_refused(await ann.get("/user/sessions"), 401)
        self.assert_refused(await self.log_in_as("139900"), 403, "disabled")
        await self.act("user.enable", user=ann.id)
        self.assertEqual((await self.log_in_as("139900")).json["code"], 0)
        await self.act("user.role", user=ann.id, role="admin")
        self.assertEqual((await self.act("user.show", user=ann.id))["role"], "admin")
        who = f"id:{self.boss.id}"
        done = ("user.approve", "user.disable", "user.enable")
        lines = [(who, act, {"user": ann.id}) for act in done]
        lines.append((who, "user.role", {"user": ann.id, "role": "admin"}))
        self.assertEqual(await self.audited(), lines)

    async def test_refused(self) -> None:
        """The last administrator stays one; nothing is done to who isn't there, and nothing of that is written down."""
        boss = self.boss.id
        await self.refused(Conflict, "last administrator", "user.role", user=boss, role="member")
        await self.refused(Conflict, "last administrator", "user.disable", user=boss)
        for act in ("approve", "disable", "enable", "reset", "sessions", "show"):
            await self.refused(NotFound, "no such user", f"user.{act}", user=7)
        await self.refused(NotFound, "no such user", "user.role", user=7, role="admin")
        self.assertEqual(await self.audited(), [])

    async def test_sessions(self) -> None:
        """All devices end, the connected one too; the password stays."""
        ann = await self.approved()
        device: Device = await ann.device()
        self.assertEqual(await self.act("user.sessions", user=ann.id), {"ended": 1})
        await until(lambda: device.code is not None or device.gone)
        self.assert_refused(await ann.get("/user/sessions"), 401)
        self.assertEqual((await self.log_in_as("139900")).json["code"], 0)
        self.assertEqual((await self.audited())[-1][2], {"user": ann.id, "ended": 1})

    async def test_find(self) -> None:
        """A word names who has it as id, mobile or whole nickname; with a prefix it is only that."""
        ann = self.waiting

        async def found(word: str) -> list[int]:
            return [row["id"] for row in (await self.act("user.find", word=word))["rows"]]

        for word in ("Ann", "139900", str(ann), f"id:{ann}", "mobile:139900"):
            self.assertEqual(await found(word), [ann], word)
        for word in ("An", "ann", "mobile:Ann", "id:139900", "id:Ann", "external:Ann", "id:", f"mobile:{ann}", ":"):
            self.assertEqual(await found(word), [], word)
        await self.boss.post("/user/update", nickname="Ann")
        self.assertEqual(set(await found("Ann")), {ann, self.boss.id})


class ResetTests(AdministeredNode):
    """Resets of passwords."""

    async def reset(self) -> str:
        url: str = (await self.act("user.reset", user=self.ann.id))["url"]
        return url

    async def log_in_with(self, passwd: str) -> int:
        answer = await self.post("/user/login", mobile=self.ann.mobile, passwd=passwd)
        code: int = answer.json["code"]
        return code

    async def test_reset(self) -> None:
        """The old password and all sessions are dead at once; the page sets a new one, once; the code stays nowhere."""
        device: Device = await self.ann.device()
        url = await self.reset()
        await until(lambda: device.code is not None or device.gone)
        self.assert_refused(await self.ann.get("/user/sessions"), 401)
        self.assertEqual(await self.log_in_with(PASSWD), -1)
        for _ in range(2):
            page = await self.ask("GET", url)
            self.assertEqual((page.status, page.header("referrer-policy")), (200, "no-referrer"))
            self.assertIn(f'action="{url}"'.encode(), page.body)
        self.assertEqual((await self.ask("HEAD", url)).status, 200)
        answer = await self.post(url, passwd="another-1")
        self.assertEqual((answer.json["code"], answer.header("referrer-policy")), (0, "no-referrer"))
        self.assertEqual([await self.log_in_with(one) for one in (PASSWD, "another-1")], [-1, 0])
        for file in self.folder.glob("im.db*"):
            self.assertNotIn(url.rpartition("/")[2].encode(), file.read_bytes())
        self.assertEqual((await self.audited())[-1], (f"id:{self.boss.id}", "user.reset", {"user": self.ann.id}))

    async def test_in_json(self) -> None:
        """The password may come in a JSON body; a field cannot name another code than the path."""
        url = await self.reset()
        self.assert_refused(await self.post("/reset/x", passwd="another-1", code=url.rpartition("/")[2]), 404)
        self.assertEqual((await self.post_json(url, {"passwd": "another-1", "code": "x"})).json["code"], 0)
        self.assertEqual(await self.log_in_with("another-1"), 0)

    async def test_refused_alike(self) -> None:
        """Wrong, used, replaced, expired and overlong codes are answered alike, whatever is asked."""
        replaced = await self.reset()
        used = await self.reset()
        self.assertEqual((await self.post(used, passwd="another-1")).json["code"], 0)
        self.patch(password_resets, "GOOD_MS", 0)
        expired = await self.reset()
        answers = []
        for url in (replaced, used, expired, "/reset/wrong", "/reset/" + "x" * 65, "/reset/" + "x" * 300):
            refused = await self.post(url, passwd="a new one")
            page = await self.ask("GET", url)
            self.assertNotIn(b"<form", page.body)
            answers.append((refused.status, refused.body, page.status, page.body, page.header("referrer-policy")))
            self.assert_refused(refused, 404, "no such link")
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual(answers[0][2::2], (404, "no-referrer"))
        self.assertEqual(await self.log_in_with("a new one"), -1)

    async def test_bad_password(self) -> None:
        """A password that is too short is refused and uses nothing up."""
        url = await self.reset()
        for passwd in ("", "12345"):
            self.assert_refused(await self.post(url, passwd=passwd), 400, "passwd")
        self.assertEqual((await self.post(url, passwd="123456")).json["code"], 0)

    async def test_other_methods(self) -> None:
        """The path takes GET, HEAD and POST."""
        answer = await self.ask("PUT", await self.reset())
        self.assertEqual((answer.status, answer.header("allow")), (405, "GET, HEAD, POST"))

    async def test_at_once(self) -> None:
        """Of several who use a link at once one sets the password."""
        url = await self.reset()
        sent = [Deferred.fromCoroutine(self.post(url, passwd=f"another-{n}")) for n in range(4)]
        statuses = sorted(answer.status for answer in await gatherResults(sent))
        self.assertEqual(statuses, [200, 404, 404, 404])

    async def test_languages(self) -> None:
        """The page is in the language that the browser wants."""
        url = await self.reset()
        for lang, title in (("zh", "新密码"), ("en", "New password")):
            page = await self.ask("GET", url, f"Accept-Language: {lang}")
            self.assertIn(f"<h1>{title}</h1>", page.body.decode())
