"""Pages of other sites: what a listed one may do, and that all others, and all other paths, are as without a list."""

from __future__ import annotations

from typing import ClassVar

from test.access.running_node import PASSWD, Answer, Person, RunningNode, until
from test.storage.files.samples import multipart, picture

SHOP = "http://shop.example:3000"
OTHER = "https://other.example"
OPEN = ("/user/find", "/contact/loadfriend", "/message/conversations", "/invite/list", "/attach/upload", "/settings")
CLOSED = ("/admin/api/users", "/api/v1/messages", "/user/login.shtml", "/embed", "/i/CODE", "/reset/CODE", "/metrics")
CORS = ("access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers")


class Asked(RunningNode):
    """What is asked by a page of an origin."""

    async def preflight(self, path: str, origin: str = SHOP) -> Answer:
        wanted = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization")
        return await self.ask("OPTIONS", path, f"Origin: {origin}", *wanted)

    async def ask_from(self, origin: str, person: Person | None, method: str, path: str, *headers: str) -> Answer:
        bearer = [f"Authorization: Bearer {person.token}"] if person else []
        return await self.ask(method, path, f"Origin: {origin}", "Sec-Fetch-Site: cross-site", *bearer, *headers)

    def assert_closed(self, answer: Answer) -> None:
        """No page of another site may read this answer, or send anything after it."""
        for name in CORS:
            self.assertEqual(answer.header(name), "", answer)
        self.assertEqual(answer.header("access-control-allow-credentials"), "")


class ListedTests(Asked):
    """A node that lists one site."""

    settings: ClassVar[dict[str, str]] = {"limits": "off", "sites": SHOP, "upload-limit": "1"}

    async def test_preflights(self) -> None:
        """A page may send a token, the type of its body and its user's number to each path of REST."""
        for path in OPEN:
            answer = await self.preflight(path)
            self.assertEqual((answer.status, answer.body), (204, b""), path)
            self.assertEqual(answer.header("access-control-allow-origin"), SHOP)
            self.assertEqual(answer.header("access-control-allow-headers"), "Authorization, Content-Type, Twim-User")
            self.assertEqual(answer.header("access-control-allow-methods"), "GET, HEAD, POST")
            self.assertEqual(answer.header("vary"), "Origin")
            self.assertEqual(answer.header("access-control-allow-credentials"), "")

    async def test_preflights_that_are_refused(self) -> None:
        """An origin that isn't listed exactly, a path that isn't open, and what is no preflight."""
        near = (OTHER, "null", "http://shop.example", "https://shop.example:3000", SHOP + "/", SHOP.upper(), "*", "")
        for origin in near:
            answer = await self.preflight("/user/find", origin)
            self.assertEqual((answer.status, answer.header("vary")), (405, "Origin"), origin)
            self.assert_closed(answer)
        for path in CLOSED:
            answer = await self.preflight(path)
            self.assertNotEqual(answer.status, 204, path)
            self.assert_closed(answer)
        plain = await self.ask("OPTIONS", "/user/find", f"Origin: {SHOP}")
        self.assertEqual(plain.status, 405)
        doubled = await self.ask(
            "OPTIONS", "/user/find", f"Origin: {SHOP}", f"Origin: {OTHER}", "Access-Control-Request-Method: POST"
        )
        self.assert_closed(doubled)

    async def test_calls(self) -> None:
        """Answers and refusals can be read by the listed site alone, and differ by the origin for every cache."""
        ann = await self.person()
        answer = await self.ask_from(SHOP, ann, "POST", f"/user/find?id={ann.id}", f"Twim-User: {ann.id}")
        self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (200, SHOP))
        refused = await self.ask_from(SHOP, None, "POST", "/user/find?id=me")
        self.assertEqual((refused.status, refused.header("access-control-allow-origin")), (401, SHOP))
        self.assertEqual(refused.header("access-control-expose-headers"), "Retry-After")
        lost = await self.ask_from(SHOP, ann, "GET", "/user/nothing")
        self.assertEqual((lost.status, lost.header("access-control-allow-origin")), (404, SHOP))
        for other in (
            await self.ask_from(OTHER, ann, "POST", f"/user/find?id={ann.id}"),
            await self.ask("POST", f"/user/find?id={ann.id}", f"Authorization: Bearer {ann.token}"),
        ):
            self.assertEqual((other.status, other.header("vary")), (200, "Origin"))
            self.assert_closed(other)

    async def test_uploads(self) -> None:
        """A file is taken by the token; one that is too large is refused so that the page can read why."""
        ann = await self.person()
        media, body = multipart(("file", "a.png", "image/png", picture("PNG", 40, 30)))
        headers = (f"Origin: {SHOP}", "Sec-Fetch-Site: cross-site")
        bearer = f"Authorization: Bearer {ann.token}"
        taken = await self.ask("POST", "/attach/upload", *headers, bearer, body=body, media=media)
        self.assertEqual((taken.status, taken.header("access-control-allow-origin")), (200, SHOP))
        cookie = await self.ask(
            "POST", "/attach/upload", *headers, f"Cookie: token={ann.token}", body=body, media=media
        )
        self.assertEqual((cookie.status, cookie.header("access-control-allow-origin")), (401, SHOP))
        much = body + bytes(1 << 21)
        large = await self.ask("POST", "/attach/upload", *headers, bearer, body=much, media=media)
        self.assertEqual((large.status, large.header("access-control-allow-origin")), (413, SHOP))
        file = await self.ask_from(SHOP, None, "GET", taken.data)
        self.assertEqual((file.status, file.header("access-control-allow-origin")), (200, SHOP))
        self.assertIn("Origin", file.header("vary"))

    async def test_only_the_bearer(self) -> None:
        """Neither the cookie nor a field says who asks, by any method."""
        ann = await self.person()
        for method in ("GET", "POST"):
            for answer in (
                await self.ask_from(SHOP, None, method, f"/user/find?id={ann.id}", f"Cookie: token={ann.token}"),
                await self.ask_from(SHOP, None, method, f"/user/find?id={ann.id}&token={ann.token}"),
            ):
                self.assertEqual(answer.status, 401, answer)

    async def test_no_cookie_is_set(self) -> None:
        """Registration, log-in and log-out work, and leave the browser's cookies alone."""
        fields = f"passwd={PASSWD}&mobile=13555550001"
        made = await self.ask_from(SHOP, None, "POST", f"/user/register?{fields}")
        entered = await self.ask_from(SHOP, None, "POST", f"/user/login?{fields}", "Cookie: known=abc")
        person = Person(self, entered, "13555550001")
        renewed = await self.ask_from(
            SHOP, person, "POST", f"/user/find?id={person.id}", f"Cookie: token={person.token}"
        )
        left = await self.ask_from(SHOP, person, "POST", "/user/logout")
        for answer in (made, entered, renewed, left):
            self.assertEqual((answer.status, answer.json["code"]), (200, 0), answer)
            self.assertEqual(answer.header("set-cookie"), "")
        self.assertEqual((await person.get("/user/sessions")).status, 401)

    async def test_other_sites_log_nobody_in(self) -> None:
        """A site that isn't listed is refused as before."""
        refused = await self.ask_from(OTHER, None, "POST", f"/user/login?passwd={PASSWD}&mobile=13555550001")
        self.assertEqual(refused.status, 403)

    async def test_administration_is_closed(self) -> None:
        """No page of another site administrates, by whatever token, or reads what administrators read."""
        boss = await self.person()
        for answer in (
            await self.ask_from(SHOP, boss, "GET", "/admin/api/users"),
            await self.ask_from(SHOP, boss, "POST", f"/admin/api/users/{boss.id}/sessions"),
            await self.ask_from(SHOP, None, "GET", "/admin/people.shtml", f"Cookie: token={boss.token}"),
        ):
            self.assert_closed(answer)
        self.assertEqual((await self.ask_from(SHOP, boss, "GET", "/admin/api/users")).status, 403)

    async def test_own_pages(self) -> None:
        """The server's own pages use the cookie as ever, and are given a cookie."""
        ann = await self.person()
        own = (f"Origin: http://127.0.0.1:{self.port}", "Sec-Fetch-Site: same-origin")
        answer = await self.ask("POST", f"/user/find?id={ann.id}", *own, f"Cookie: token={ann.token}")
        self.assertEqual(answer.status, 200)
        self.assertIn(f"token={ann.token}", answer.header("set-cookie"))

    async def test_modules(self) -> None:
        """The client's modules and the script that embeds can be imported by the listed site, and nothing else."""
        for path in ("/asset/js/im/index.js", "/embed.js"):
            answer = await self.ask_from(SHOP, None, "GET", path)
            self.assertEqual((answer.status, answer.header("access-control-allow-origin")), (200, SHOP), path)
            self.assertEqual(answer.header("content-type"), "text/javascript; charset=utf-8")
            self.assertEqual(answer.header("vary"), "Accept-Encoding, Origin")
            self.assert_closed(await self.ask_from(OTHER, None, "GET", path))
        self.assert_closed(await self.ask_from(SHOP, None, "GET", "/asset/js/page/chat.js"))
        self.assertEqual((await self.ask("GET", "/embed.js/more")).status, 404)

    async def test_sockets(self) -> None:
        """A socket opens by a token from any site, and by the cookie from the server's own alone."""
        ann = await self.person()
        await ann.device(f"Origin: {SHOP}")
        refused = await self.knock(f"/chat?id={ann.id}", f"Origin: {SHOP}", f"Cookie: token={ann.token}")
        await until(lambda: refused.refused or refused.open)
        assert refused.refused is not None
        self.assertEqual(refused.refused.status, 403)

    async def test_frames(self) -> None:
        """The listed site may frame the chat and the embedded page, and nobody any other page."""
        for path in ("/chat/index.shtml", "/embed"):
            policy = (await self.ask("GET", path)).header("content-security-policy")
            self.assertIn(f"frame-ancestors {SHOP};", policy + ";", path)
        closed = ("/user/login.shtml", "/user/register.shtml", "/i/CODE", "/reset/CODE", "/user/reset.shtml")
        boss = await self.person()
        admin = await self.ask("GET", "/admin/overview.shtml", f"Cookie: token={boss.token}")
        self.assertEqual(admin.status, 200)
        for answer in [admin, *[await self.ask("GET", path) for path in closed]]:
            self.assertIn("frame-ancestors 'none'", answer.header("content-security-policy"))

    async def test_frames_have_no_cookie(self) -> None:
        """The embedded page is the same with a cookie as without, and the chat page in a frame is that page."""
        ann = await self.person()
        cookie = f"Cookie: token={ann.token}; lang=zh"
        self.assertEqual((await self.ask("GET", "/embed", cookie)).body, (await self.ask("GET", "/embed")).body)
        self.assertEqual((await self.ask("GET", "/embed.shtml", cookie)).status, 404)
        framed = await self.ask("GET", "/chat/index.shtml", cookie, "Sec-Fetch-Dest: iframe")
        self.assertEqual((framed.status, framed.header("location")), (302, "/embed"))
        chinese = (await self.ask("GET", "/embed?lang=zh")).body.decode()
        self.assertIn('lang="zh-CN"', chinese)


class UnlistedTests(Asked):
    """A node without a list."""

    async def test_nothing_is_open(self) -> None:
        """Preflights are refused, no answer names an origin, and there is no page to frame."""
        ann = await self.person()
        for path in OPEN:
            answer = await self.preflight(path)
            self.assertEqual((answer.status, answer.header("vary")), (405, ""), path)
            self.assert_closed(answer)
        self.assert_closed(await self.ask_from(SHOP, ann, "POST", f"/user/find?id={ann.id}"))
        for path in ("/embed", "/embed.js", "/embed.shtml"):
            self.assertEqual((await self.ask("GET", path)).status, 404, path)
        chat = await self.ask("GET", "/chat/index.shtml", "Sec-Fetch-Dest: iframe")
        self.assertEqual(chat.status, 200)
        self.assertIn("frame-ancestors 'none'", chat.header("content-security-policy"))

    async def test_cookie_of_another_site(self) -> None:
        """Another site's page changes nothing by the cookie."""
        ann = await self.person()
        answer = await self.ask_from(SHOP, None, "POST", f"/user/find?id={ann.id}", f"Cookie: token={ann.token}")
        self.assertEqual(answer.status, 403)
