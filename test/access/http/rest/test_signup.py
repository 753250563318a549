"""Who may register, who becomes the administrator, and who may not log in."""

from __future__ import annotations

from typing import ClassVar

from twisted.internet.defer import Deferred, gatherResults

from test.access.running_node import PASSWD, Answer, RunningNode

FROM_AFAR = "X-Forwarded-For: 192.0.2.1"


class SignUpNode(RunningNode):
    """A node where users register straight from this machine, or as through a proxy."""

    async def register(self, mobile: str, *headers: str, **more: object) -> Answer:
        return await self.post("/user/register", *headers, mobile=mobile, passwd=PASSWD, **more)

    async def log_in_as(self, mobile: str, passwd: str = PASSWD) -> Answer:
        return await self.post("/user/login", mobile=mobile, passwd=passwd)

    def assert_closed(self, answer: Answer, *words: str) -> None:
        """403, and no cookie."""
        self.assert_refused(answer, 403, *words)
        self.assertEqual(answer.header("set-cookie"), "")


class FirstTests(SignUpNode):
    """The first administrator."""

    async def test_from_this_machine(self) -> None:
        """The first account registered from this machine becomes an administrator and is told so; later ones don't."""
        self.assertEqual((await self.register("139000", FROM_AFAR)).data["role"], "member")
        first = await self.register("139001")
        self.assertEqual(first.data["role"], "admin")
        second = await self.register("139002")
        self.assertEqual(second.data["role"], "member")
        self.assertEqual((await self.log_in_as("139001")).data["role"], "admin")
        token, other = first.data["token"], second.data["token"]
        self.assertEqual((await self.post("/user/find", token=token, id=first.data["id"])).data["role"], "admin")
        self.assertNotIn("role", (await self.post("/user/find", token=other, id=first.data["id"])).data)

    async def test_setup(self) -> None:
        """The setup code makes an administrator from any address, once."""
        code = (await self.node.registrations.start()).setup
        self.assertEqual((await self.register("139000", FROM_AFAR, setup="guess")).data["role"], "member")
        self.assertEqual((await self.register("139001", FROM_AFAR, setup=code)).data["role"], "admin")
        self.assertEqual((await self.register("139002", FROM_AFAR, setup=code)).data["role"], "member")

    async def test_at_once(self) -> None:
        """Of several registrations at once exactly one becomes an administrator."""
        asked = [Deferred.fromCoroutine(self.register(f"13900{n}")) for n in range(4)]
        roles = sorted(one.data["role"] for one in await gatherResults(asked))
        self.assertEqual(roles, ["admin", "member", "member", "member"])


class InviteOnlyTests(SignUpNode):
    """``--signup invite``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "invite"}

    async def test_refused(self) -> None:
        """Only the first administrator needs no invitation; who has none, or a wrong one, learns nothing of mobiles."""
        self.assert_closed(await self.register("139000", FROM_AFAR), "invitation")
        self.assertEqual((await self.register("139001")).data["role"], "admin")
        for mobile in ("139001", "139002"):
            self.assert_closed(await self.register(mobile), "invitation")
            self.assert_closed(await self.register(mobile, invite="x"), "invitation")
        self.assertEqual((await self.log_in_as("139002")).json["msg"], "password wrong")


class OffTests(SignUpNode):
    """``--signup off``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "off"}

    async def test_refused(self) -> None:
        """Nobody registers, but who knows the code of the start and becomes the first administrator."""
        self.assert_closed(await self.register("139000"), "closed")
        self.assert_closed(await self.register("139000", setup="x", invite="x"), "closed")
        code = (await self.node.registrations.start()).setup
        made = await self.register("139000", setup=code)
        self.assertEqual(made.data["role"], "admin")
        invite = await self.post("/invite/create", token=made.data["token"], **{"for": "server"})
        self.assert_closed(await self.register("139001", invite=invite.data["code"]), "closed")
        self.assert_closed(await self.register("139001", setup=code), "closed")


class ApproveTests(SignUpNode):
    """``--signup approve``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "signup": "approve"}

    async def test_waits(self) -> None:
        """A new user gets a number, but no token and no cookie, and may log in once approved."""
        self.assertEqual((await self.register("139000")).data["role"], "admin")
        answer = await self.register("139001")
        self.assertEqual(set(answer.json), {"code", "msg", "data"})
        self.assertEqual(set(answer.data), {"waiting"})
        self.assertEqual((answer.json["code"], answer.header("set-cookie")), (0, ""))
        self.assert_closed(await self.log_in_as("139001"), "not approved yet")
        wrong = await self.log_in_as("139001", "another-1")
        self.assertEqual((wrong.status, wrong.json["msg"]), (200, "password wrong"))
        self.assert_refused(await self.register("139001"), 200, "this mobile have account")
        await self.node.roles.approve(answer.data["waiting"])
        self.assertEqual((await self.log_in_as("139001")).data["id"], answer.data["waiting"])


class DisabledTests(SignUpNode):
    """Users who were disabled."""

    async def test_cut_off(self) -> None:
        """A disabled user's devices are disconnected and their tokens refused; their messages stay."""
        admin, person = await self.people(2)
        group = await admin.group(person)
        device = await person.device()
        await device.tell(11, group, "hi")
        await self.node.roles.disable(person.id)
        await device.closed()
        self.assert_refused(await person.get("/user/sessions"), 401)
        self.assertEqual((await admin.history(11, group))[-1]["content"], "hi")
        self.assert_closed(await self.log_in_as(person.mobile), "disabled")
        wrong = await self.log_in_as(person.mobile, "another-1")
        self.assertEqual((wrong.status, wrong.json["msg"]), (200, "password wrong"))
        await self.node.roles.enable(person.id)
        self.assertEqual((await self.log_in_as(person.mobile)).data["id"], person.id)


class FindTests(SignUpNode):
    """``--find id``."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "find": "id"}

    async def test_by_mobile(self) -> None:
        """Nobody is found by a mobile, whether it has an account or not; people are found by their numbers."""
        one, two = await self.people(2)
        for mobile in (two.mobile, "1234567"):
            self.assert_refused(await one.post("/user/find", mobile=mobile), 403, "by their numbers only")
        self.assertEqual((await one.post("/user/find", id=two.id)).data["id"], two.id)
