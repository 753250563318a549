"""A server below a path of its site: what `--prefix` or a trusted proxy says, in everything that leads back to it."""

from __future__ import annotations

import json
import re
from typing import ClassVar

from test.access.running_node import PASSWD, Answer, OnUnixSocket, RunningNode
from test.storage.files.samples import multipart, picture

FORWARDED = "X-Forwarded-Prefix"
PAGES = ("/user/login.shtml", "/user/register.shtml")
NOT_PREFIXES = (
    *("chat", "/", "/chat/", "//evil.example", "/chat//x", "/../x", "/a b", "/chat, /more", "https://evil.example"),
    *("/ch%61t", "/chat;x", '/"onload="x', "/ünï", "", "/" + "a" * 300),
)


def paths_in(page: bytes) -> list[str]:
    """Every address to which a page leads by itself."""
    return re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page.decode())


class Prefixed(RunningNode):
    """A node of which `prefixed` is asked as a browser asks that sees it below /chat."""

    outside: ClassVar[str] = ""
    header: ClassVar[tuple[str, ...]] = ()

    def assert_below(self, answer: Answer, prefix: str) -> None:
        """All that a page leads to is below the prefix, and there is something."""
        found = paths_in(answer.body)
        self.assertGreater(len(found), 3, answer)
        for path in found:
            self.assertTrue(path.startswith(f"{prefix}/"), path)
            self.assertFalse(prefix and path.startswith(prefix * 2 + "/asset"), path)
        self.assertIn(f'data-base="{prefix}"', answer.body.decode())


class _Both:
    """What holds by the option as by the header."""

    async def test_pages(self) -> None:
        """What pages lead to is below the prefix, and is there."""
        for page in PAGES:
            answer = await self.ask("GET", self.outside + page, *self.header)
            self.assert_below(answer, "/chat")
            for path in paths_in(answer.body):
                if "/asset/" in path:
                    asset = await self.ask("GET", self.outside + path.removeprefix("/chat"), *self.header)
                    self.assertEqual(asset.status, 200, path)

    async def test_redirects(self) -> None:
        """Every redirect leads below the prefix."""
        for path, to in (
            ("/", "/chat/user/login.shtml"),
            ("/admin", "/chat/admin/overview.shtml"),
            ("/admin/people.shtml", "/chat/user/login.shtml?to=/admin/people.shtml"),
            ("/favicon.ico", "/chat/asset/icon.svg"),
        ):
            answer = await self.ask("GET", self.outside + path, *self.header)
            self.assertEqual((answer.status, answer.header("location")), (302, to), path)

    async def test_cookies(self) -> None:
        """Every cookie is for what is below the prefix alone."""
        fields = {"mobile": "13800138000", "passwd": PASSWD}
        answer = await self.post(f"{self.outside}/user/register", *self.header, **fields)
        cookies = re.findall(rb"(?im)^set-cookie: (\w+)=.*?; path=([^;\r]*)", answer.raw)
        self.assertEqual(cookies, [(b"token", b"/chat/"), (b"known", b"/chat/")])

    async def test_app(self) -> None:
        """What makes the chat an app names everything relative to itself, and so below the prefix."""
        manifest = await self.ask("GET", f"{self.outside}/manifest.webmanifest", *self.header)
        app = manifest.json
        paths = [app["id"], app["start_url"], app["scope"], *(one["src"] for one in app["icons"])]
        self.assertEqual([path for path in paths if path.startswith("/")], [])
        for icon in app["icons"]:
            self.assertEqual((await self.ask("GET", f"{self.outside}/{icon['src']}", *self.header)).status, 200)
        worker = await self.ask("GET", f"{self.outside}/service-worker.js", *self.header)
        self.assertEqual(worker.status, 200)
        known = json.loads(worker.body.removeprefix(b"self.twim = ").partition(b";\n")[0])
        self.assertEqual([path for path in (known["chat"], known["icon"], known["badge"]) if path.startswith("/")], [])

    async def test_invitations_and_resets(self) -> None:
        """The pages of codes lead below the prefix, good or not, and are told to nobody."""
        for path in ("/i/no-such-code", "/reset/no-such-code"):
            answer = await self.ask("GET", self.outside + path, *self.header)
            self.assertEqual(answer.status, 404)
            self.assertEqual(answer.header("referrer-policy"), "no-referrer")
            self.assert_below(answer, "/chat")

    async def test_files(self) -> None:
        """A file is uploaded, and opened by its signed address behind the prefix; an address that a client made
        absolute is known, and a proxy that asks for one as its client wrote it is told."""
        person = await self.registered()
        media, body = multipart(("file", "a.png", "image/png", picture("PNG")))
        bearer = f"Authorization: Bearer {person.data['token']}"
        sent = await self.ask("POST", f"{self.outside}/attach/upload", bearer, *self.header, body=body, media=media)
        url = sent.data
        self.assertTrue(url.startswith("/mnt/"), url)
        self.assertEqual((await self.ask("GET", self.outside + url, *self.header)).status, 200)
        absolute = f"https://example.com/chat{url}"
        changed = await self.post(f"{self.outside}/user/update", bearer, *self.header, avatar=absolute)
        self.assertEqual(changed.data["avatar"], url)
        for asked, status in ((f"/chat{url}", 204), (f"/chat{url}0", 403), (f"/evil{url}", 204), (f"//evil{url}", 403)):
            original = f"X-Original-URI: {asked}"
            answer = await self.ask("GET", f"{self.outside}/mnt/granted", original, *self.header)
            self.assertEqual(answer.status, status, asked)

    async def registered(self) -> Answer:
        fields = {"mobile": "13800138001", "passwd": PASSWD}
        return await self.post(f"{self.outside}/user/register", *self.header, **fields)


class OptionTests(_Both, Prefixed):
    """By `--prefix`, for a proxy that passes paths on as they are."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "prefix": "/chat", "sites": "https://shop.example"}
    outside = "/chat"

    async def test_what_is_below(self) -> None:
        """Only what is below the prefix is answered, and what watches the server."""
        for path in ("/", "/user/login.shtml", "/chatter/user/login.shtml", "/chat2", "/settings", "/embed.js"):
            self.assert_refused(await self.ask("GET", path), 404, "no such path")
        self.assert_refused(await self.post("/user/register", mobile="13800138002", passwd=PASSWD), 404)
        self.assert_refused(await self.post("/attach/upload"), 404)
        for path in ("/health/live", "/health/ready", "/metrics", "/chat/health/live", "/chat/settings", "/chat/embed"):
            self.assertEqual((await self.ask("GET", path)).status, 200, path)
        start = await self.ask("GET", "/chat?lang=en")
        self.assertEqual(start.header("location"), "/chat/user/login.shtml")
        embed = await self.ask("GET", "/chat/embed.js")
        self.assertEqual((embed.status, embed.header("content-type")[:15]), (200, "text/javascript"))

    async def test_socket(self) -> None:
        """The socket is below the prefix, by its shortcut and without it, and nowhere else."""
        token = (await self.registered()).data["token"]
        device = await self.knock(f"/chat/chat?token={token}")
        self.assertTrue(device.open)
        through_site = await self.knock(f"/chat/chat?token={token}", "Expect: nothing")
        self.assertTrue(through_site.open)
        self.assertEqual((await self.upgrade_refusal(f"/chat?token={token}")).status, 302)
        self.assertEqual((await self.upgrade_refusal(f"/chat/?token={token}")).status, 302)

    async def test_header_is_not_read(self) -> None:
        """The option is what holds, whatever a proxy says."""
        answer = await self.ask("GET", "/chat/", f"{FORWARDED}: /other")
        self.assertEqual(answer.header("location"), "/chat/user/login.shtml")


class HeaderTests(_Both, Prefixed):
    """By what a trusted proxy says, which takes the prefix off."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "proxies": "127.0.0.1"}
    header = (f"{FORWARDED}: /chat",)

    async def test_several_segments(self) -> None:
        """A prefix has as many segments as it likes."""
        answer = await self.ask("GET", "/user/login.shtml", f"{FORWARDED}: /tools/our_chat-2")
        self.assert_below(answer, "/tools/our_chat-2")

    async def test_without(self) -> None:
        """A request that comes past the proxy's prefix is answered as at a site's root."""
        self.assert_below(await self.ask("GET", "/user/login.shtml"), "")

    async def test_malformed(self) -> None:
        """What is no prefix is ignored, whoever says it, and so are two."""
        for said in NOT_PREFIXES:
            answer = await self.ask("GET", "/user/login.shtml", f"{FORWARDED}: {said}".encode())
            self.assert_below(answer, "")
            self.assertNotIn(b"evil", answer.raw)
        answer = await self.ask("GET", "/user/login.shtml", f"{FORWARDED}: /a", f"{FORWARDED}: /b")
        self.assert_below(answer, "")


class StrangersTests(Prefixed):
    """From who is no proxy of ours."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "proxies": "192.0.2.1 unix"}

    async def test_forged(self) -> None:
        """Nobody else is believed, in nothing."""
        forged = f"{FORWARDED}: /evil"
        self.assert_below(await self.ask("GET", "/user/login.shtml", forged), "")
        self.assertEqual((await self.ask("GET", "/", forged)).header("location"), "/user/login.shtml")
        answer = await self.post("/user/register", forged, mobile="13800138000", passwd=PASSWD)
        self.assertNotIn(b"evil", answer.raw)
        self.assertIn(b"Path=/;", answer.raw)


class UnixTests(OnUnixSocket, Prefixed):
    """From a proxy on the same machine."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "proxies": "unix"}

    async def test_unix(self) -> None:
        """One that comes by a Unix socket is believed where `unix` is listed."""
        self.assert_below(await self.ask("GET", "/user/login.shtml", f"{FORWARDED}: /chat"), "/chat")


class CookieTests(RunningNode):
    """Two servers on one site."""

    async def test_first_cookie_counts(self) -> None:
        """A browser sends the cookie of the longer path first: that one is ours, by HTTP and by the socket."""
        mine = (await self.person()).token
        cookies = f"Cookie: token={mine}; lang=en; token=of-the-server-at-the-root"
        answer = await self.ask("GET", "/user/find?id=me", cookies)
        self.assertEqual(answer.status, 200, answer)
        for more in ((), ("Expect: nothing",)):  # by the shortcut, and without it
            device = await self.knock("/chat", cookies, f"Origin: http://{self.host}", *more)
            self.assertTrue(device.open)
