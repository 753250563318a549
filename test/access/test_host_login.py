"""Log-in by a host's tokens, over HTTP: who gets in, as whom, and into which groups."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS, trustRootFromCertificates
from twisted.web.iweb import IPolicyForHTTPS
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

from test.access.running_node import Answer, Person, RunningNode, reactor
from test.cluster.certificates import Authority
from test.identity.signing import SECRET, in_set, private_key, token
from twim.config import Config, read_config
from twim.identity import fetching
from twim.logic.administration.acts import Actor
from twim.storage.external import DEVICES, GROUP
from twim.storage.schema import external
from twim.storage.schema_host_members import host_member

SHOP = "https://shop.example"
PICTURE = "https://shop.example/ann.png"


class HostNode(RunningNode):
    """A node that takes a host's tokens."""

    def config(self) -> Config:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "secret").write_bytes(SECRET + b"\n")
        return read_config({"data": str(self.folder), "login": self.login(), "sites": SHOP} | self.settings, {})

    def login(self) -> str:
        """The value of ``--login``."""
        return f"jwt:{self.folder}/secret"

    async def enter(self, *headers: str, **said: Any) -> Answer:
        return await self.post("/user/enter", *headers, jwt=token(**said))

    async def entered(self, **said: Any) -> Person:
        answer = await self.enter(**said)
        self.assertEqual(answer.status, 200, answer)
        return Person(self, answer, "")

    async def profile(self, person: Person) -> Any:
        return (await person.post("/user/find", id="me")).data


class SecretTests(HostNode):
    """By a secret."""

    async def test_first_sight(self) -> None:
        """A user is made at first sight and is the same at the next; the answer is a log-in's, and its token works."""
        answer = await self.enter(name=" Ann\u202e\n Example, of a very long name ", picture=PICTURE)
        self.assertEqual((answer.data["nickname"], answer.data["avatar"]), ("Ann Example, of a ve", PICTURE))
        self.assertEqual((answer.data["role"], answer.data["mobile"]), ("member", ""))
        self.assertIn(f"token={answer.data['token']}", answer.header("set-cookie"))
        ann = Person(self, answer, "")
        self.assertTrue((await ann.device()).open)
        again = await self.entered()
        self.assertEqual(again.id, ann.id)
        self.assertNotEqual(again.token, ann.token)
        self.assertNotEqual((await self.entered(sub="Ann")).id, ann.id)
        self.assertEqual((await self.profile(await self.entered(sub="ben")))["nickname"], "ben")
        rows = (await ann.get("/user/sessions")).rows
        self.assertEqual({row["address"] for row in rows}, {"jwt:127.0.0.1"})

    async def test_never_first_administrator(self) -> None:
        """Who comes by a token doesn't become the first administrator, and who registers after them does."""
        self.assertEqual((await self.profile(await self.entered()))["role"], "member")
        self.assertEqual((await self.profile(await self.person()))["role"], "admin")

    async def test_updated(self) -> None:
        """Name and picture are what the last token says; what it doesn't say stays, and what can't be one counts as not
        said. A friend is told."""
        ann, ben = await self.entered(name="Ann", picture=PICTURE), await self.person()
        await ann.befriend(ben)
        device = await ben.device()
        await self.entered(name="Anna", picture=None)
        await device.hear(cmd=8, what="profile", userid=ann.id)
        self.assertEqual((await self.profile(ann))["nickname"], "Anna")
        for picture in ("javascript:alert(1)", "http://shop.example/a.png", f"{PICTURE}?{'x' * 150}", 7, 'https://a/"'):
            await self.entered(name="\u200b\n", picture=picture)
            now = await self.profile(ann)
            self.assertEqual((now["nickname"], now["avatar"]), ("Anna", PICTURE))
        await self.entered(picture="")
        self.assertEqual((await self.profile(ann))["avatar"], "")

    async def test_bad_tokens(self) -> None:
        """A bad token is 401, whatever is wrong with it, and makes nobody; a request without any is 400."""
        before = int(time.time())
        for wrong in (
            *({"sub": sub} for sub in ("id:7", "oidc:x", "", "a b", "ä", "x" * 65, "a/b", "a\n")),
            *({"exp": None}, {"exp": before - 61}, {"sub": None}, {"aud": "other"}, {"groups": "a"}),
            {"key": SECRET[::-1]},
            {"key": SECRET * 2, "algorithm": "HS512"},
        ):
            answer = await self.enter(**wrong)
            self.assert_refused(answer, 401, "the token is not valid")
            self.assertEqual(answer.header("set-cookie"), "")
        for text in ("x", "", "x" * 30_000):
            self.assert_refused(await self.post("/user/enter", jwt=text), 401, "not valid")
        self.assert_refused(await self.post("/user/enter"), 400, "jwt: missing")
        self.assertNotIn(SECRET.decode(), str(self.node.config))

    async def test_disabled(self) -> None:
        """Who is disabled isn't let in (403), and their profile and memberships stay."""
        ann, owner = await self.entered(name="Ann"), await self.person()
        group = await owner.group()
        await self.node.administration.act("user.disable", {"user": ann.id}, Actor("command:test"))
        answer = await self.enter(name="Anna", groups=[f"id:{group}"])
        self.assert_refused(answer, 403, "disabled")
        await self.node.administration.act("user.enable", {"user": ann.id}, Actor("command:test"))
        again = await self.entered()
        self.assertEqual((await self.profile(again))["nickname"], "Ann")
        self.assertEqual((await again.get("/contact/loadcommunity")).rows, [])

    async def test_signup_off(self) -> None:
        """The host vouches for its users: they come in also where nobody may register."""
        await self.node.administration.act("setting.set", {"name": "signup", "value": "off"}, Actor("command:test"))
        await self.entered()

    async def test_devices(self) -> None:
        """Each page that is loaded may make a device, so the oldest of too many ends; password log-ins have nothing to
        do with it."""
        first = await self.entered()
        socket = await first.device()
        for _ in range(DEVICES):
            last = await self.entered()
        self.assertEqual(await socket.closed(), 4401)
        self.assertEqual((await first.post("/user/find", id="me")).status, 401)
        self.assertEqual((await last.post("/user/find", id="me")).status, 200)

    async def test_other_sites(self) -> None:
        """A page of a listed site logs in and gets no cookie; one of any other site may not."""
        browser = ("Sec-Fetch-Site: cross-site",)
        answer = await self.enter(f"Origin: {SHOP}", *browser)
        self.assertEqual((answer.status, answer.header("set-cookie")), (200, ""))
        self.assertEqual(answer.header("access-control-allow-origin"), SHOP)
        asking = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
        preflight = await self.ask("OPTIONS", "/user/enter", f"Origin: {SHOP}", *asking)
        self.assertEqual(preflight.status, 204)
        answer = await self.enter("Origin: https://other.example", *browser)
        self.assert_refused(answer, 403, "another site")

    async def test_provider(self) -> None:
        """Without a provider there is no way to one."""
        self.assert_refused(await self.post("/user/oidc"), 404, "no provider")
        self.assert_refused(await self.ask("GET", "/user/oidc?code=a&state=b"), 404, "no provider")


class GroupTests(HostNode):
    """The claim `groups`."""

    async def made(self) -> tuple[Person, int, int, int]:
        owner = await self.person()
        groups = [await owner.group(name=name) for name in ("rowers", "cooks", "others")]
        for name, group in zip(("rowers", "cooks"), groups[:2], strict=True):
            await owner.post("/contact/updatecommunity", dstid=group, join="invite")
            await self.named(name, group)
        return owner, groups[0], groups[1], groups[2]

    async def named(self, name: str, group: int) -> None:
        await self.database.execute(insert(external).values(kind=GROUP, name=name, id=group))

    async def groups_of(self, person: Person) -> set[int]:
        return {row["id"] for row in (await person.get("/contact/loadcommunity")).rows}

    async def test_joined_and_left(self) -> None:
        """Groups that are named are joined, whatever their rule, and left when they are named no more; unknown ones
        count for nothing. A token without the claim changes nothing, and one with an empty list ends all."""
        owner, rowers, cooks, _ = await self.made()
        ann = await self.entered(groups=["rowers", f"id:{cooks}", "nothing", "no name!", "id:1"])
        self.assertEqual(await self.groups_of(ann), {rowers, cooks})
        device, owners = await ann.device(), await owner.device()
        await owners.tell(11, rowers, "welcome")
        await device.hear(cmd=11, content="welcome")
        await self.entered()
        self.assertEqual(await self.groups_of(ann), {rowers, cooks})
        await self.entered(groups=["cooks"])
        self.assertEqual(await self.groups_of(ann), {cooks})
        self.assertEqual((await device.ask(cmd=11, dstid=rowers, media=1, content="still here"))["code"], -3)
        await self.entered(groups=["cooks"])
        await self.entered(groups=[])
        self.assertEqual(await self.groups_of(ann), set())
        await self.entered(groups=["rowers"])
        self.assertEqual(await self.groups_of(ann), {rowers})

    async def test_own_memberships(self) -> None:
        """A group that somebody joined by themselves isn't left, whether a token named it meanwhile or not; nor is one
        that they left and joined again by themselves."""
        owner, _, cooks, others = await self.made()
        ann = await self.entered(groups=["rowers"])
        await ann.post("/contact/joincommunity", dstid=others)
        await self.named("others", others)
        await self.entered(groups=["others", "rowers"])
        await self.entered(groups=[])
        self.assertEqual(await self.groups_of(ann), {others})
        await self.entered(groups=["cooks"])
        await ann.post("/contact/leavecommunity", dstid=cooks)
        await owner.befriend(ann)
        await owner.post("/contact/addmember", dstid=cooks, memberid=ann.id)
        await self.entered(groups=[])
        self.assertEqual(await self.groups_of(ann), {others, cooks})

    async def test_ended_group(self) -> None:
        """A group that has ended isn't joined, and doesn't keep anybody out of the others."""
        owner, rowers, cooks, _ = await self.made()
        await owner.post("/contact/dissolve", dstid=rowers)
        ann = await self.entered(groups=["rowers", "cooks"])
        self.assertEqual(await self.groups_of(ann), {cooks})

    async def test_erased(self) -> None:
        """Of an erased user no membership is remembered, and the next token makes another user."""
        await self.made()
        ann = await self.entered(groups=["rowers"])
        await self.node.administration.act("user.erase", {"user": ann.id}, Actor("command:test"))
        rows = await self.database.read(lambda c: c.execute(select(host_member)).all())
        self.assertEqual(rows, [])
        again = await self.entered(groups=["rowers"])
        self.assertNotEqual(again.id, ann.id)


class _Keys(Resource):
    """Serves a key set."""

    isLeaf = True
    status = 200
    keys: list[dict[str, Any]]

    def render_GET(self, request: Any) -> bytes:
        """Twisted's hook."""
        request.setResponseCode(self.status)
        request.setHeader(b"location", b"/elsewhere")
        return json.dumps({"keys": self.keys}).encode()


class KeySetTests(HostNode):
    """By a key set on a server with TLS."""

    def login(self) -> str:
        return f"jwt:https://localhost:{self.keys_port.getHost().port}/keys?aud=chat"

    async def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        authority = Authority(folder)
        self.keys = _Keys()
        self.keys.keys = [in_set("ES256", "one")]
        served = PrivateCertificate.loadPEM(authority.sign("server", host="localhost").read_bytes())
        self.keys_port = reactor.listenSSL(0, Site(self.keys), served.options(), interface="127.0.0.1")
        self.addCleanup(self.keys_port.stopListening)
        trusted = trustRootFromCertificates([Certificate.loadPEM(authority.file.read_bytes())])

        @implementer(IPolicyForHTTPS)
        class Trusting:
            """As browsers check certificates, by the test's own authority."""

            def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
                return optionsForClientTLS(hostname.decode(), trustRoot=trusted)

        if "untrusted" not in self.id():
            self.patch(fetching, "BrowserLikePolicyForHTTPS", Trusting)
        await super().setUp()

    async def by(self, kid: str, number: int = 0, **said: Any) -> int:
        key = private_key("ES256", number)
        return (await self.enter(key=key, algorithm="ES256", kid=kid, aud="chat", **said)).status

    async def test_rotation(self) -> None:
        """A new key of the set counts at once, an old one no longer; other keys and audiences never do."""
        self.assertEqual(await self.by("one"), 200)
        self.assertEqual(await self.by("one", 1), 401)
        self.assertEqual(await self.by("two", 1), 401)
        self.keys.keys = [in_set("ES256", "two", 1)]
        self.assertEqual(await self.by("two", 1), 200)
        self.assertEqual(await self.by("one"), 401)
        answer = await self.enter(key=private_key("ES256", 1), algorithm="ES256", kid="two", aud="mail")
        self.assertEqual(answer.status, 401)
        self.assertEqual((await self.enter(kid="two", aud="chat")).status, 401)

    async def test_unreachable(self) -> None:
        """While the keys can't be fetched nobody gets in, which is no fault of the token (503). Redirects aren't
        followed."""
        self.keys.status = 302
        answer = await self.enter(key=private_key("ES256"), algorithm="ES256", kid="one", aud="chat")
        self.assert_refused(answer, 503, "keys of tokens")

    async def test_untrusted(self) -> None:
        """Keys aren't taken from whom no authority vouches for."""
        self.assertEqual(await self.by("one"), 503)
