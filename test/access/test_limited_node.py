"""Limits on a running node: what is too frequent gets 429 or -5 with the wait, and everything else works."""

from __future__ import annotations

from test.access.running_node import PASSWD, Answer, LimitedNode

STRANGER = "X-Forwarded-For: 192.0.2.1"
OWNER = "X-Forwarded-For: 198.51.100.7"


class ForwardedTo(LimitedNode):
    """A node that trusts what this machine forwards."""

    settings = {"proxies": "127.0.0.1"}  # noqa: RUF012 (as in `RunningNode`)

    def assert_too_many(self, answer: Answer) -> None:
        """Check for 429 with the wait in both forms."""
        self.assertEqual((answer.status, answer.json["code"]), (429, -5), answer)
        self.assertGreater(answer.json["wait"], 0)
        self.assertGreaterEqual(int(answer.header("retry-after")) * 1000, answer.json["wait"])


class LoginTests(ForwardedTo):
    """Log-ins."""

    async def guess(self, mobile: str, *headers: str) -> Answer:
        return await self.post("/user/login", *headers, mobile=mobile, passwd="not the password")

    async def test_guesser_and_owner(self) -> None:
        """A guesser is refused with the same words for known and unknown mobiles; the owner's browser is let in."""
        made = await self.post("/user/register", OWNER, mobile="13900000001", passwd=PASSWD)
        self.assertEqual(made.status, 200)
        said = []
        for mobile in ("13900000001", "13900000009"):
            answers = [await self.guess(mobile, STRANGER) for _ in range(6)]
            self.assertEqual([one.json["msg"] for one in answers[:5]], ["password wrong"] * 5)
            self.assert_too_many(answers[5])
            said.append(answers[5].json["msg"])
        self.assertEqual(said[0], said[1])
        right = {"mobile": "13900000001", "passwd": PASSWD}
        self.assert_too_many(await self.post("/user/login", STRANGER, **right))
        logged_in = await self.post("/user/login", OWNER, **right)
        self.assertEqual(logged_in.status, 200, logged_in)

    async def test_a_known_browser(self) -> None:
        """A browser that has logged in gets a cookie that scripts can't read, by which it is recognised later."""
        await self.post("/user/register", OWNER, mobile="13900000001", passwd=PASSWD)
        raw = await self.ask_raw(
            b"POST /user/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: 198.51.100.7\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 36\r\n\r\n"
            + f"mobile=13900000001&passwd={PASSWD}".encode().ljust(36, b"&")
        )
        self.assertEqual(raw.json["code"], 0, raw)
        cookies = [line for line in raw.raw.decode().split("\r\n") if line.lower().startswith("set-cookie: known=")]
        self.assertEqual(len(cookies), 1)
        for part in ("HttpOnly", "SameSite=lax", "Max-Age=34560000"):
            self.assertIn(part, cookies[0])
        known = "Cookie: known=" + cookies[0].partition("known=")[2].partition(";")[0]
        for _ in range(9):
            await self.guess("13900000001", STRANGER)
        answer = await self.post("/user/login", STRANGER, known, mobile="13900000001", passwd=PASSWD)
        self.assertEqual(answer.status, 200, answer)


class SearchTests(ForwardedTo):
    """Searches for people."""

    async def test_by_number(self) -> None:
        """After 20 searches in an hour everything that counts as a search is refused, and nothing else."""
        ann, bea, stranger = await self.people(3)
        await ann.befriend(bea)
        for _ in range(8):
            self.assertEqual((await ann.post("/user/find", mobile=stranger.mobile)).status, 200)
        for _ in range(8):
            self.assertEqual((await ann.post("/user/find", id=stranger.id)).status, 200)
        for path, status in (("/contact/joincommunity", 403), ("/contact/addfriend", 404)):
            for _ in range(2):
                self.assertEqual((await ann.post(path, dstid=99_999_999)).status, status)
        for path, fields in (
            ("/user/find", {"mobile": stranger.mobile}),
            ("/user/find", {"id": stranger.id}),
            ("/contact/joincommunity", {"dstid": 99_999_999}),
            ("/contact/addfriend", {"dstid": stranger.id}),
        ):
            self.assert_too_many(await ann.post(path, **fields))
        for known in (ann.id, bea.id):
            self.assertEqual((await ann.post("/user/find", id=known)).status, 200)
        self.assertEqual((await bea.post("/user/find", mobile=stranger.mobile)).status, 200)

    async def test_right_numbers_are_free(self) -> None:
        """Joining a group or adding a friend by an existing number isn't a search."""
        ann, *others = await self.people(26)
        for one in others:
            self.assertEqual((await ann.post("/contact/addfriend", dstid=one.id)).status, 200)
        self.assertEqual((await ann.post("/user/find", mobile=others[0].mobile)).status, 200)

    async def test_taken_mobiles(self) -> None:
        """After an address has learned of 60 mobiles in an hour that they are taken, it can't register."""
        ann = await self.person()
        taken = {"mobile": ann.mobile, "passwd": PASSWD}
        for _ in range(60):
            answer = await self.post("/user/register", STRANGER, **taken)
            self.assertEqual(answer.json["msg"], "this mobile have account")
        self.assert_too_many(await self.post("/user/register", STRANGER, **taken))
        self.assert_too_many(await self.post("/user/register", STRANGER, mobile="13900000008", passwd=PASSWD))
        self.assertEqual((await self.post("/user/register", OWNER, mobile="13900000008", passwd=PASSWD)).status, 200)


class OftenTests(ForwardedTo):
    """Other limited requests."""

    settings = ForwardedTo.settings | {
        "limit-messages": "4/s,3",
        "limit-friends": "2/d",
        "limit-groups": "2/d",
        "limit-uploads": "2/d",
        "limit-sockets": "2",
        "limit-message-searches": "2/d",
        "limit-previews": "2/d",
        "previews": "on",
    }

    async def test_messages(self) -> None:
        """After the burst messages are refused, and after the wait the same messages are accepted."""
        (ann,) = await self.people(1)
        device = await ann.device()
        for number in range(8):
            device.say(cmd=10, dstid=ann.id, media=1, content=str(number), cid=f"c{number}")
        answers = [await device.hear(cmd=1, cid=f"c{number}") for number in range(8)]
        self.assertEqual([one["code"] for one in answers], [0] * 3 + [-5] * 5)
        self.assertTrue(all(0 < one["wait"] <= 1000 for one in answers[3:]))
        self.time.advance(max(one["wait"] for one in answers[3:]) / 1000)
        for number in range(3, 6):
            device.say(cmd=10, dstid=ann.id, media=1, content=str(number), cid=f"c{number}")
            self.assertEqual((await device.hear(cmd=1, cid=f"c{number}"))["seq"], number + 1)

    async def test_refusals_close_nothing(self) -> None:
        """However much is refused for a limit, the connection stays."""
        (ann,) = await self.people(1)
        device = await ann.device()
        for number in range(200):
            device.say(cmd=10, dstid=ann.id, media=1, content="x", cid=f"c{number}")
        await device.hear(cmd=1, cid="c199")
        self.assertTrue(device.open and not device.gone)

    async def test_relations(self) -> None:
        """Friend requests and new groups are limited."""
        ann, *others = await self.people(4)
        for one in others[:2]:
            self.assertEqual((await ann.post("/contact/addfriend", dstid=one.id)).status, 200)
            self.assertEqual((await ann.post("/contact/createcommunity", name="g")).status, 200)
        self.assert_too_many(await ann.post("/contact/addfriend", dstid=others[2].id))
        self.assert_too_many(await ann.post("/contact/createcommunity", name="g"))

    async def test_message_searches(self) -> None:
        """Searches among messages are limited."""
        (ann,) = await self.people(1)
        answers = [await ann.get("/message/search", q="x") for _ in range(3)]
        self.assertEqual([one.status for one in answers[:2]], [200, 200])
        self.assert_too_many(answers[2])

    async def test_previews(self) -> None:
        """Previews of links are limited, those that find nothing too."""
        (ann,) = await self.people(1)
        answers = [await ann.get("/message/preview", url="http://127.0.0.1/") for _ in range(3)]
        self.assertEqual([one.data["title"] for one in answers[:2]], ["", ""])
        self.assert_too_many(answers[2])

    async def test_uploads(self) -> None:
        """Uploads are limited."""
        (ann,) = await self.people(1)
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhi\r\n--b--\r\n'
        answers = [
            await self.ask(
                "POST", f"/attach/upload?token={ann.token}", body=part, media="multipart/form-data; boundary=b"
            )
            for _ in range(3)
        ]
        self.assertEqual([one.status for one in answers[:2]], [200, 200])
        self.assert_too_many(answers[2])

    async def test_sockets(self) -> None:
        """WebSockets from one address are limited; others can connect, and a closed one makes room."""
        (ann,) = await self.people(1)
        first, _ = [await ann.device(STRANGER) for _ in range(2)]
        self.assert_too_many(await self.upgrade_refusal(f"/chat?id={ann.id}&token={ann.token}", STRANGER))
        await ann.device(OWNER)
        await first.leave()
        await ann.device(STRANGER)
