"""What all REST paths share: who is asking, from which site, and in which form; odd requests never cause an internal
error."""

from __future__ import annotations

from urllib.parse import urlencode

from twisted.internet.defer import fail
from twisted.internet.endpoints import connectProtocol

from test.access.http.request_rig import Talk
from test.access.running_node import FORM, PASSWD, LimitedNode, RunningNode, reactor
from twim.errors import OTHER_USER

POSTS = (
    "/user/logout",
    "/user/update",
    "/user/passwd",
    "/user/revoke",
    "/contact/addfriend",
    "/contact/deletefriend",
    "/contact/approvefriend",
    "/contact/refusefriend",
    "/contact/createcommunity",
    "/contact/updatecommunity",
    "/contact/joincommunity",
    "/contact/leavecommunity",
    "/contact/removemember",
)
BOTH = (
    "/user/find",
    "/user/sessions",
    "/contact/loadfriend",
    "/contact/loadrequest",
    "/contact/loadcommunity",
    "/contact/loadmember",
    "/message/conversations",
    "/message/history",
)
BOUNDARY = "multipart/form-data; boundary=b"

# How browsers tell that a page of another site asks.
FOREIGN = (
    ["Origin: http://evil.example"],
    ["Origin: null"],
    ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"],
    ["Origin: http://127.0.0.1:1", "Sec-Fetch-Site: same-site"],
    ["Origin: http://evil.example", "Sec-Fetch-Site: same-origin"],
    ["Sec-Fetch-Site: cross-site"],
    ["Sec-Fetch-Site: same-site"],
    ["Sec-Fetch-Site: Cross-Site"],
    ["Sec-Fetch-Site: anything"],
    ["Sec-Fetch-Site: cross-site", "Referer: http://evil.example/"],
    ["Referer: http://evil.example/page"],
    ["Referer: HTTPS://evil.example"],
)


def parts(**fields: bytes) -> bytes:
    """A multipart body with boundary b."""
    each = (
        b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (k.encode(), v) for k, v in fields.items()
    )
    return b"".join(each) + b"--b--\r\n"


class WhoTests(RunningNode):
    """Which user is asking."""

    async def test_everything_needs_a_token(self) -> None:
        """Without a token, or with a wrong one, every path says 401."""
        for path in (*POSTS, *BOTH, "/attach/upload"):
            media, body = (BOUNDARY, parts(file=b"x")) if "upload" in path else (FORM, b"")
            answer = await self.ask("POST", path, media=media, body=body)
            self.assert_refused(answer, 401)
            self.assertEqual(answer.header("www-authenticate"), "Bearer")
            self.assert_refused(await self.ask("POST", f"{path}?token=wrong", media=media, body=body), 401)
        for path in BOTH:
            self.assert_refused(await self.ask("GET", path), 401)

    async def test_three_ways(self) -> None:
        """The token is taken from cookie, Authorization or field; the explicit ones win over the cookie."""
        one, two = await self.people(2)
        cookie, bearer = f"Cookie: x=y; token={one.token}", f"Authorization: Bearer {two.token}"
        for headers, body, who in (
            ([cookie], b"", one),
            ([bearer], b"", two),
            ([f"authorization: bearer  {two.token} "], b"", two),
            ([], urlencode({"token": one.token}).encode(), one),
            ([cookie, bearer], b"", two),
            ([cookie], urlencode({"token": two.token}).encode(), two),
        ):
            answer = await self.ask("POST", "/user/update", *headers, body=body, media=FORM)
            self.assertEqual(answer.data["id"], who.id)

    async def test_wrong_tokens(self) -> None:
        """Whatever isn't a token of ours gets 401, however odd it is."""
        for token in (b"", b"x", b"x" * 10_000, b"\xff\xfe", "密".encode(), b"\x00"):
            lines = [b"Authorization: Bearer " + token, b"Cookie: token=" + token]
            for line in lines if b"\x00" not in token else []:
                self.assert_refused(await self.ask("POST", "/user/update", line, media=FORM), 401)
        for token in ("x" * 300, "密", "a b"):
            self.assertIn((await self.post("/user/update", token=token)).status, (400, 401))

    async def test_userid_must_be_the_callers(self) -> None:
        """`userid` and `ownerid`, when given, are the caller's own on every path."""
        one, two = await self.people(2)
        for path in (*POSTS, *BOTH):
            for name in ("userid", "ownerid"):
                self.assert_refused(await one.post(path, **{name: two.id}), 403, name)
                self.assert_refused(await one.post(path, **{name: 0}), 403, name)
                self.assert_refused(await one.post(path, **{name: "x"}), 400, name)
                self.assert_refused(await one.post(path, **{name: -1}), 400, name)
        for name in ("userid", "ownerid"):
            self.assertEqual((await one.post("/user/update", **{name: one.id})).json["code"], 0)
            self.assertEqual((await one.post("/user/update", **{name: ""})).json["code"], 0)
            self.assertEqual((await one.post("/contact/loadfriend", **{name: one.id})).json["code"], 0)

    async def test_names_its_user(self) -> None:
        """A request that is meant to be somebody else's is refused on every path with a code of its own, by GET and
        POST, by cookie and token, an upload before its file is read; and nothing is done. One's own name is fine."""
        one, two = await self.people(2)
        ways = (f"Cookie: token={two.token}", f"Authorization: Bearer {two.token}")
        asked = [("POST", path) for path in (*POSTS, *BOTH, "/attach/presign", "/attach/upload")]
        asked += [("GET", path) for path in (*BOTH, "/cluster")]
        for way in ways:
            for method, path in asked:
                media, body = (BOUNDARY, parts(file=b"x")) if "upload" in path else (FORM, b"")
                for named in (str(one.id), "0", f"0{two.id}", f"+{two.id}", f"{two.id}, {one.id}", "x", "\xff"):
                    answer = await self.ask(method, path, way, f"Twim-User: {named}", media=media, body=body)
                    self.assert_refused(answer, 403)
                    self.assertEqual(answer.json["code"], OTHER_USER, (method, path, named))
        self.assertEqual((await two.post("/user/update")).status, 200, "still logged in")
        for named in (str(two.id), ""):
            answer = await self.ask("POST", "/user/update", ways[0], f"Twim-User: {named}", media=FORM)
            self.assertEqual(answer.data["id"], two.id)

    async def test_named_and_not_logged_in(self) -> None:
        """Without a login the answer is 401, whichever user is named: the page then asks to log in."""
        one = await self.person()
        answer = await self.ask("POST", "/user/update", f"Twim-User: {one.id}", media=FORM)
        self.assert_refused(answer, 401)
        for path in ("/user/login", "/user/login?token=wrong"):
            body = f"mobile={one.mobile}&passwd={PASSWD}".encode()
            answer = await self.ask("POST", path, "Cookie: token=wrong", body=body, media=FORM)
            self.assertEqual(answer.data["id"], one.id)

    async def test_other_sites(self) -> None:
        """A page of another site can't use the cookie; it can use a token that it has itself."""
        one = await self.person()
        cookie = f"Cookie: token={one.token}"
        for origin in (
            b"http://evil.example",
            b"null",
            b"http://[",
            b"http://[::1",
            b"",
            b"\xff",
            b"http://127.0.0.1:1",
            f"http://{self.host}.evil.example".encode(),
            f"http://{self.host}@evil.example".encode(),
            f"http://evil.example/{self.host}".encode(),
        ):
            answer = await self.ask("POST", "/user/update", cookie, b"Origin: " + origin, media=FORM)
            self.assert_refused(answer, 403)
            answer = await self.ask("POST", f"/user/update?token={one.token}", b"Origin: " + origin, media=FORM)
            self.assertEqual(answer.status, 200, (origin, answer))
        for ours in (f"Origin: http://{self.host}", f"Origin: https://{self.host}"):
            answer = await self.ask("POST", "/user/update", cookie, ours, media=FORM)
            self.assertEqual(answer.status, 200)

    async def test_sites_that_browsers_tell(self) -> None:
        """Whoever tells that a page of another site asks, by whichever header, may not use the cookie; who tells
        nothing is a program."""
        one = await self.person()
        cookie, ours = f"Cookie: token={one.token}", f"http://{self.host}"
        for lines in FOREIGN:
            answer = await self.ask("POST", "/user/update", cookie, *lines, media=FORM)
            self.assert_refused(answer, 403, "another site")
            answer = await self.ask("POST", f"/user/update?token={one.token}", cookie, *lines, media=FORM)
            self.assertEqual(answer.status, 200, lines)
        for lines in (
            [],
            [f"Origin: {ours}", "Sec-Fetch-Site: same-origin"],
            ["Sec-Fetch-Site: same-origin"],
            ["Sec-Fetch-Site: none"],
            ["Sec-Fetch-Site: same-origin", "Referer: http://evil.example/"],
            [f"Referer: {ours}/user/login.shtml"],
            ["Referer: "],
            ["Referer: about:blank"],
            ["Referer: nothing"],
        ):
            self.assertEqual((await self.ask("POST", "/user/update", cookie, *lines, media=FORM)).status, 200, lines)

    async def test_other_sites_set_no_cookie(self) -> None:
        """A page of another site can neither log a browser in nor out, also with a token of its own, and makes no
        account; a program can."""
        one, two = await self.people(2)
        cookie = f"Cookie: token={one.token}"
        for lines in FOREIGN:
            for path, fields in (
                ("/user/login", {"mobile": two.mobile, "passwd": PASSWD}),
                ("/user/register", {"mobile": "13600000001", "passwd": PASSWD}),
                ("/user/logout", {}),
                ("/user/logout", {"token": two.token}),
            ):
                for known in ([], [cookie]):
                    answer = await self.ask("POST", path, *known, *lines, body=urlencode(fields).encode(), media=FORM)
                    self.assert_refused(answer, 403)
                    self.assertEqual(answer.header("set-cookie"), "")
            bearer = f"Authorization: Bearer {two.token}"
            self.assert_refused(await self.ask("POST", "/user/logout", bearer, cookie, *lines, media=FORM), 403)
        self.assertEqual((await self.post("/user/register", mobile="13600000001", passwd=PASSWD)).json["code"], 0)
        for person in (one, two):
            self.assertEqual((await person.post("/user/logout")).json["code"], 0)

    async def test_reading_changes_nothing(self) -> None:
        """What GET and HEAD can ask for sets no cookie, with or without one."""
        one = await self.person()
        for path in ("/", "/user/login.shtml", "/chat/index.shtml", "/asset/icon.svg", *BOTH):
            for method in ("GET", "HEAD"):
                answer = await self.ask(method, path, f"Cookie: token={one.token}")
                self.assertEqual(answer.header("set-cookie"), "", path)
        self.assertEqual((await one.post("/user/sessions")).json["code"], 0)


class FormTests(RunningNode):
    """In which form the fields are sent."""

    async def test_every_form(self) -> None:
        """Forms, multipart and JSON are equal; a query is read too, but the body wins."""
        one = await self.person()
        auth = f"Authorization: Bearer {one.token}"
        for media, body in (
            (FORM, b"nickname=%E6%9D%8E&memo=m"),
            (FORM + "; charset=UTF-8", "nickname=李&memo=m".encode()),
            (BOUNDARY, parts(nickname="李".encode(), memo=b"m")),
            ("application/json", '{"nickname":"李","memo":"m"}'.encode()),
            ("Application/JSON; charset=utf-8", b'{"nickname":"\\u674e","memo":"m","avatar":null}'),
        ):
            await one.post("/user/update", nickname="before", memo="")
            answer = await self.ask("POST", "/user/update?nickname=query", auth, media=media, body=body)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual((answer.data["nickname"], answer.data["memo"]), ("李", "m"), media)
        answer = await self.ask("POST", "/user/update?nickname=query", auth, media=FORM)
        self.assertEqual(answer.data["nickname"], "query")

    async def test_json_numbers(self) -> None:
        """A number in JSON is as good as its digits; null is a field left out."""
        one, two = await self.people(2)
        found = await self.post_json("/user/find", {"id": two.id, "token": one.token, "userid": one.id, "mobile": None})
        self.assertEqual(found.data["id"], two.id)

    async def test_json_truth_values(self) -> None:
        """true is neither a text nor a number, and nobody's id; nor is false."""
        one = await self.person()
        auth = f"Authorization: Bearer {one.token}"
        for path, name in (
            ("/contact/addfriend", "dstid"),
            ("/user/update", "nickname"),
            ("/user/update", "userid"),
            ("/contact/createcommunity", "name"),
            ("/message/history", "limit"),
        ):
            for value in (True, False):
                self.assert_refused(await self.post_json(path, {name: value}, auth), 400, f"{name}: ")

    async def test_bodies_that_are_none(self) -> None:
        """A body that isn't what its type says gets 400 with the envelope, on every kind of path."""
        json_media = "application/json"
        deep = b"[" * 50_000
        cases = [
            (json_media, b"{"),
            (json_media, b"[]"),
            (json_media, b"[1,2]"),
            (json_media, b"null"),
            (json_media, b'"text"'),
            (json_media, b"\xff"),
            (json_media, b"\xef\xbb\xbf{}"),
            (json_media, deep),
            (json_media, b'{"a":' + deep),
            (json_media, b'{"mobile":["1","2"]}'),
            (json_media, b'{"mobile":{"a":1}}'),
            (json_media, b'{"mobile":1.5}'),
            (json_media, b'{"mobile":1e999}'),
            (json_media, b'{"mobile":' + b"9" * 5_000 + b"}"),
            (json_media, b'{"mobile":' + b"9" * 400 + b"}"),
            (json_media, b'{"mobile":"\\ud800"}'),
            (json_media, b'{"mobile":"\\u0000"}'),
            (json_media, b'{"mobile":"123\xff"}'),
            (FORM, b"mobile=%ff%fe"),
            (FORM, b"mobile=\xff"),
            (FORM, b"%ff=1"),
            (FORM, b"mobile=%00"),
            (FORM, b"&&&==&%%%"),
            (BOUNDARY, b""),
            (BOUNDARY, b"nothing like it"),
            (BOUNDARY, b"--b\r\n\r\n\r\n--b--"),
            (BOUNDARY, parts(mobile=b"\xff")),
            (BOUNDARY, b'--b\r\nContent-Disposition: form-data; name="mobile"\r\n\r\nhalf'),
            ("multipart/form-data", parts(mobile=b"123")),
            ("multipart/form-data; boundary=", parts(mobile=b"123")),
            ("multipart/form-data; boundary=\xff", parts(mobile=b"123")),
            ("multipart/form-data; boundary=b", parts(mobile=b"123")[:-4]),
        ]
        for media, body in cases:
            answer = await self.ask("POST", "/user/register", media=media, body=body)
            self.assert_refused(answer, 400)

    async def test_odd_values_everywhere(self) -> None:
        """No value of any field on any path causes an internal error."""
        one, two = await self.friends()
        group = await one.group()
        names = [
            *("id", "mobile", "nickname", "avatar", "sex", "memo", "passwd", "newpasswd", "dstid", "name", "icon"),
            *("cate", "requestid", "memberid", "scope", "before", "after", "limit", "userid"),
        ]
        odd: list[object] = [
            "",
            " ",
            "\x00",
            "a\x00b",
            "-1",
            "0",
            "00000000000000001",
            str(2**53),
            str(2**63),
            "9" * 300,
            "1e3",
            "0x1",
            "NaN",
            "١٢",
            "'; DROP TABLE user; --",
            "%s%n{0}",
            "\u202e\ufeff\uffff",
            "😀" * 40,
            True,
            -(2**70),
        ]
        for path in (*POSTS[4:], *BOTH):
            for value in odd:
                fields = dict.fromkeys(names, value)
                for said in (
                    fields,
                    fields | {"dstid": group, "scope": 11},
                    {"dstid": two.id, "scope": 10, "after": value},
                ):
                    answer = await self.post_json(path, said | {"token": one.token, "userid": one.id})
                    self.assertIn(answer.status, (200, 400, 403, 404), (path, said, answer))
                    self.assertIn("code", answer.json)
        self.assertEqual((await one.post("/user/sessions")).json["code"], 0)

    async def test_duplicates(self) -> None:
        """Of a field given twice the last counts, in every form."""
        for media, body in (
            (FORM, b"mobile=x&passwd=123456&mobile=1390011"),
            ("application/json", b'{"mobile":[],"passwd":"123456","mobile":"1390012"}'),
        ):
            answer = await self.ask("POST", "/user/register", media=media, body=body)
            self.assertEqual(answer.json["code"], 0, answer)

    async def test_odd_headers(self) -> None:
        """Headers that aren't UTF-8 are no bug of ours."""
        one = await self.person()
        for name in (b"User-Agent", b"Content-Type", b"Accept-Language", b"Cookie", b"X-Forwarded-For", b"Referer"):
            for path in ("/user/login", "/user/find"):
                answer = await self.ask("POST", path, name + b": \xff\xfe\x80", body=b"")
                self.assertIn(answer.status, (200, 400, 401, 415), (name, path, answer))
                self.assertIn("code", answer.json)
        answer = await self.ask("GET", "/user/login.shtml", b"Accept-Language: \xff", b"Cookie: lang=\xff; token=\xff")
        self.assertEqual(answer.status, 200, answer)
        agent = await self.ask(
            "POST",
            "/user/login",
            b"User-Agent: \xff\x00",
            media=FORM,
            body=f"mobile={one.mobile}&passwd={PASSWD}".encode(),
        )
        self.assertIn(agent.status, (200, 400))
        long = await self.ask(
            "POST",
            "/user/login",
            "User-Agent: " + "密" * 400,
            media=FORM,
            body=f"mobile={one.mobile}&passwd={PASSWD}".encode(),
        )
        self.assertEqual(long.status, 200, long)
        agents = [row["agent"] for row in (await one.post("/user/sessions")).rows]
        self.assertIn("密" * 150, agents)


class StatusTests(RunningNode):
    """Every status with its envelope."""

    async def test_not_found(self) -> None:
        """A missing path is 404 by any method, with the code for 404."""
        for path in (
            "/nothing",
            "/user/nothing",
            "/user/",
            "/user",
            "/contact",
            "/contact/x/y",
            "/message/x",
            "/attach/x",
            "/mnt/x",
            "/mnt/x/y/z",
            "/asset/nothing.js",
            "/asset/../setup.cfg",
            "/asset/%2e%2e/setup.cfg",
            "/user/nothing.shtml",
            "/user/../user/login.shtml",
            "/%ff",
            "/%00",
            "/..",
            "//user/login",
            "/user//login",
            "/chat/nothing",
            "/chat/",
            "/.git/config",
            "/index.html",
        ):
            for method in ("GET", "POST"):
                answer = await self.ask(method, path, media=FORM if method == "POST" else "")
                # What can only be a page or a file is 405 by POST, whether it is there or not.
                only_read = method == "POST" and (path.endswith(".shtml") or path.startswith("/asset/"))
                self.assertEqual(answer.status, 405 if only_read else 404, (method, path, answer))
                self.assertEqual(answer.json["code"], -1 if only_read else -4, path)

    async def test_head_of_nothing(self) -> None:
        """HEAD has the status and no body."""
        answer = await self.ask("HEAD", "/nothing")
        self.assertEqual((answer.status, answer.body), (404, b""))

    async def test_method(self) -> None:
        """A path that takes only POST answers 405 otherwise, and says what it takes."""
        for path in (*POSTS, "/user/register", "/user/login"):
            for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
                answer = await self.ask(method, path)
                self.assert_refused(answer, 405)
                self.assertIn("POST", answer.header("allow"))
        for path, method in (
            ("/", "POST"),
            ("/user/login.shtml", "POST"),
            ("/chat/index.shtml", "DELETE"),
            ("/chat", "POST"),
            ("/chat", "PUT"),
            ("/message/history", "DELETE"),
            ("/attach/upload", "GET"),
        ):
            answer = await self.ask(method, path, media=FORM if method == "POST" else "")
            self.assert_refused(answer, 405)
            self.assertTrue(answer.header("allow"), (path, answer))

    async def test_too_large(self) -> None:
        """A body beyond its bound is 413, announced or not."""
        answer = await self.ask("POST", "/user/login", body=b"mobile=" + b"1" * 70_000, media=FORM)
        self.assert_refused(answer, 413)
        chunks = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        answer = await self.ask_raw(
            b"POST /user/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks * 3
            + b"0\r\n\r\n"
        )
        self.assert_refused(answer, 413)

    async def test_media_type(self) -> None:
        """A body that is neither a form nor JSON is 415; so is one whose type isn't said."""
        form = b"mobile=1390031&passwd=123456"
        for media in ("application/xml", "image/png", "x", "text/plain;charset=UTF-8", ""):
            self.assert_refused(await self.ask("POST", "/user/login", media=media, body=form), 415)
            self.assert_refused(await self.ask("POST", "/nothing", media=media, body=form), 404)
        one = await self.person()
        self.assert_refused(await self.ask("POST", f"/attach/upload?token={one.token}", media=FORM, body=b"x"), 415)

    async def test_no_body(self) -> None:
        """Without a body its type doesn't matter."""
        one = await self.person()
        for media in ("", "text/plain", "application/xml", "application/json", FORM, BOUNDARY):
            answer = await self.ask("POST", f"/user/update?token={one.token}", media=media)
            self.assertEqual(answer.status, 200, (media, answer))

    async def test_our_bug(self) -> None:
        """An internal error is logged and answered with 500, without details."""
        one = await self.person()
        for target, name, paths in (
            (self.node.presence, "online", ("/contact/loadmember", "/user/find")),
            (self.node.hub, "befriended", ("/contact/addfriend",)),
        ):
            self.patch(target, name, lambda *_: 1 / 0)
            two = await self.person()
            group = await one.group()
            for path in paths:
                answer = await one.post(path, dstid=group if "member" in path else two.id, id=two.id)
                self.assert_refused(answer, 500)
                self.assertNotIn("zero", answer.json["msg"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    async def test_our_bug_in_a_page(self) -> None:
        """Pages and the upgrade have the same 500."""
        one = await self.person()
        self.patch(self.database, "read", lambda work: fail(ZeroDivisionError()))
        for path in ("/chat/index.shtml", "/"):
            self.assert_refused(await self.ask("GET", path, f"Cookie: token={one.token}"), 500)
        self.assert_refused(await self.upgrade_refusal("/chat?token=unknown"), 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)

    async def test_no_storage(self) -> None:
        """While the database can't be used, everything that needs it gets 503, and works afterwards."""
        one, two = await self.people(2)
        file = self.folder / "im.db"
        away = file.rename(self.folder / "away.db")
        try:
            for path, fields in (
                ("/contact/addfriend", {"dstid": two.id}),
                ("/user/find", {"id": two.id}),
                ("/message/conversations", {}),
                ("/contact/createcommunity", {"name": "x"}),
                ("/user/login", {"mobile": one.mobile, "passwd": PASSWD}),
            ):
                self.assert_refused(await one.post(path, **fields), 503)
            self.assert_refused(await self.upgrade_refusal("/chat?token=unknown"), 503)
            self.assert_refused(await self.ask("GET", "/chat/index.shtml", f"Cookie: token={one.token}"), 503)
        finally:
            away.rename(file)
        self.assertEqual((await one.post("/contact/addfriend", dstid=two.id)).json["code"], 0)


class RawTests(RunningNode):
    """Bytes that are hardly HTTP."""

    async def test_nothing_breaks(self) -> None:
        """Each is answered with a refusal or the end of its connection; none is our bug, none harms the next."""
        close = b"Host: x\r\nConnection: close\r\n\r\n"
        for request in (
            b"\r\n\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n" + close,
            b"GET / HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:b:c\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET nothing HTTP/1.1\r\n" + close,
            b"GET http://[ HTTP/1.1\r\n" + close,
            b"GET http://x/user/find HTTP/1.1\r\n" + close,
            b"GET ? HTTP/1.1\r\n" + close,
            b"GET /user/find?%ff=%fe HTTP/1.1\r\n" + close,
            b"GET /user/find?&=&%00=%00;id=1;;%zz HTTP/1.1\r\n" + close,
            b"GET /user/\xff HTTP/1.1\r\n" + close,
            b"GET /user/%ff%00%zz HTTP/1.1\r\n" + close,
            b"GET /chat%ff HTTP/1.1\r\n" + close,
            b"GET /mnt/%ff/%00 HTTP/1.1\r\n" + close,
            b"GET /asset/%ff HTTP/1.1\r\n" + close,
            b"GET /chat?token=%ff&id=%ff HTTP/1.1\r\n" + close,
            b"GET /" + b"a/" * 7_000 + b" HTTP/1.1\r\n" + close,
            b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n" + close,
            b"OPTIONS * HTTP/1.1\r\n" + close,
            b"CONNECT a:1 HTTP/1.1\r\n" + close,
            b"get / HTTP/1.1\r\n" + close,
            b"G\xc3\x84T / HTTP/1.1\r\n" + close,
            b"POST /user/login HTTP/1.1\r\nContent-Length: -1\r\n" + close,
            b"POST /user/login HTTP/1.1\r\nContent-Length: x\r\n" + close,
            b"POST /user/login HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + close,
            b"POST /user/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + close + b"zz\r\n\r\n",
            b"POST /user/login HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" + close,
        ):
            endpoint = await connectProtocol(self.way_in(), Talk())
            endpoint.transport.write(request)
            # A connection that waits for more bytes is ended here; all others end by themselves long before.
            hanging_up = reactor.callLater(0.5, endpoint.transport.loseConnection)
            await endpoint.closed
            if hanging_up.active():
                hanging_up.cancel()
            answer = endpoint.received
            self.assertTrue(not answer or answer[:9] in (b"HTTP/1.1 ", b"HTTP/1.0 "), request[:60])
            self.assertNotIn(b" 500 ", answer[:20], request[:60])
            self.assertNotIn(b"Traceback", answer)
        self.assertEqual((await self.ask("GET", "/user/login.shtml")).status, 200)


class PageTests(RunningNode):
    """Pages and redirects."""

    async def test_start(self) -> None:
        """`/` goes to the chat when logged in, else to the log-in."""
        one = await self.person()
        for headers, where in (
            ((), "/user/login.shtml"),
            (("Cookie: token=wrong",), "/user/login.shtml"),
            ((f"Cookie: token={one.token}",), "/chat/index.shtml"),
        ):
            for method in ("GET", "HEAD"):
                answer = await self.ask(method, "/", *headers)
                self.assertEqual((answer.status, answer.header("location")), (302, where))

    async def test_pages(self) -> None:
        """Templates are found by their path, by GET and HEAD."""
        one = await self.person()
        for path in ("/user/login.shtml", "/user/register.shtml", "/chat/index.shtml"):
            answer = await self.ask("GET", path, f"Cookie: token={one.token}")
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.header("content-type").startswith("text/html"))
            head = await self.ask("HEAD", path, f"Cookie: token={one.token}")
            self.assertEqual((head.status, head.body), (200, b""))

    async def test_assets(self) -> None:
        """Static files have validators and cache headers, and are not sent twice."""
        answer = await self.ask("GET", "/asset/icon.svg")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.header("cache-control"))
        again = await self.ask("GET", "/asset/icon.svg", f"If-None-Match: {answer.header('etag')}")
        self.assertEqual((again.status, again.body), (304, b""))

    async def test_favicon(self) -> None:
        """Who asks for an icon without having read a page is led to ours."""
        for method in ("GET", "HEAD"):
            answer = await self.ask(method, "/favicon.ico")
            self.assertEqual((answer.status, answer.header("location")), (302, "/asset/icon.svg"))
            self.assertIn("max-age", answer.header("cache-control"))
        self.assertEqual((await self.ask("GET", answer.header("location"))).header("content-type"), "image/svg+xml")

    async def test_answers_are_not_kept(self) -> None:
        """Nothing between us and the browser may keep an answer."""
        answer = await self.post("/user/login")
        self.assertEqual(answer.header("cache-control"), "no-store")
        self.assertEqual(answer.header("x-content-type-options"), "nosniff")


class LimitTests(LimitedNode):
    """Requests with limits on."""

    settings = {"limits": "on", "limit-logins": "2/s,100"}  # noqa: RUF012

    async def test_guessing(self) -> None:
        """After five wrong passwords the next try gets 429 with a wait; other mobiles aren't affected."""
        for _ in range(5):
            self.assert_refused(await self.post("/user/login", mobile="1390021", passwd="wrong-1"), 200)
        answer = await self.post("/user/login", mobile="1390021", passwd="wrong-1")
        self.assert_refused(answer, 429)
        self.assertTrue(answer.raw.startswith(b"HTTP/1.1 429 Too Many Requests\r\n"), answer.raw)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        self.assert_refused(await self.post("/user/login", mobile="1390022", passwd="wrong-1"), 200)
        # The same number written otherwise is the same number.
        self.assert_refused(await self.post("/user/login", mobile=" 1390021 ", passwd="wrong-1"), 429)

    async def test_guessing_with_a_token(self) -> None:
        """A logged-in user can't guess faster."""
        one = await self.person()
        for _ in range(10):
            self.assert_refused(await one.post("/user/passwd", passwd="wrong-1", newpasswd=PASSWD), 200)
        self.assert_refused(await one.post("/user/passwd", passwd=PASSWD, newpasswd="another-1"), 429)

    async def test_one_address(self) -> None:
        """Log-ins and registrations of one address are counted together."""
        codes = [(await self.post("/user/register", mobile="x")).status for _ in range(110)]
        self.assertEqual(codes[:100], [400] * 100)
        self.assertIn(429, codes[100:])

    async def test_one_user(self) -> None:
        """A user with too many requests gets 429; another user doesn't."""
        one, two = await self.people(2)
        answers = [await one.post("/user/update", sex="X") for _ in range(260)]
        late = [a for a in answers if a.status == 429]
        self.assertTrue(late)
        self.assert_refused(late[0], 429)
        self.assertTrue(late[0].header("retry-after"))
        self.assertEqual((await two.post("/user/update")).status, 200)
