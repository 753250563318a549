"""``/user/…`` on a running node: registration, log-in, devices, profiles, and every bound of their fields."""

from __future__ import annotations

import re

from test.access.running_node import PASSWD, RunningNode
from twim.access.http.peers import Peers
from twim.logic.accounts import hash_token

USER_FIELDS = {"id", "mobile", "avatar", "sex", "nickname", "online", "memo", "createat"}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class RegisterTests(RunningNode):
    """A new user."""

    async def test_gives_the_user_and_a_token(self) -> None:
        """Registration answers with the user, a token that works, and the same token as a cookie."""
        answer = await self.post(
            "/user/register", mobile="13900000001", passwd=PASSWD, nickname="Li", sex="W", memo="hi", avatar="/a.png"
        )
        self.assertEqual((answer.status, answer.json["code"], answer.json["msg"]), (200, 0, ""))
        user = answer.data
        self.assertEqual(set(user), USER_FIELDS | {"role", "token"})
        self.assertEqual(
            (user["mobile"], user["nickname"], user["sex"], user["memo"], user["avatar"]),
            ("13900000001", "Li", "W", "hi", "/a.png"),
        )
        self.assertRegex(user["createat"], RFC3339)
        cookie = answer.header("set-cookie")
        self.assertTrue(cookie.startswith(f"token={user['token']};"), cookie)
        for part in ("HttpOnly", "SameSite=lax", "Path=/"):
            self.assertIn(part, cookie)
        self.assertNotIn("secure", cookie.lower())
        mine = await self.post("/user/find", token=user["token"], id=user["id"])
        self.assertEqual(mine.data["mobile"], "13900000001")

    async def test_secure_cookie(self) -> None:
        """Behind a trusted proxy that speaks TLS the cookie is Secure; other proxies aren't believed."""
        said = "X-Forwarded-Proto: https"
        answer = await self.post("/user/register", said, mobile="139001", passwd=PASSWD)
        self.assertNotIn("secure", answer.header("set-cookie").lower())
        self.trust("127.0.0.1")
        answer = await self.post("/user/login", said, mobile="139001", passwd=PASSWD)
        self.assertIn("secure", answer.header("set-cookie").lower())

    def trust(self, proxy: str) -> None:
        """Trust this proxy's forwarded headers."""
        authenticator = self.node.site.resource._chat._authenticator  # type: ignore[attr-defined]
        self.patch(authenticator, "peers", Peers(frozenset({proxy})))

    async def test_passwd_in_two_forms(self) -> None:
        """Composed and decomposed forms of a password are equal at registration, log-in and change, and counted
        alike."""
        mobile = "139009"
        for short, status in (("e\u0301" * 5, 400), ("e\u0301" * 129, 400), ("e\u0301" * 128, 200)):
            answer = await self.post("/user/register", mobile=mobile, passwd=short)
            self.assertEqual((answer.status, answer.json["code"] == 0), (status, status == 200), short)
        for typed, code in (("é" * 128, 0), ("e\u0301" * 128, 0), ("é" * 127, -1), ("e\u0301" * 129, -1)):
            answer = await self.post("/user/login", mobile=mobile, passwd=typed)
            self.assertEqual((answer.status, answer.json["code"]), (200, code))
        token = (await self.post("/user/login", mobile=mobile, passwd="é" * 128)).data["token"]
        for old, new, status in (
            ("e\u0301" * 128, "e\u0301" * 5, 400),
            ("e\u0301" * 128, "a\u0308\u3000234567", 200),
            ("ä 234567", "o\u0308-23456", 200),
        ):
            answer = await self.post("/user/passwd", token=token, passwd=old, newpasswd=new)
            self.assertEqual(answer.status, status, answer)
        self.assertEqual((await self.post("/user/login", mobile=mobile, passwd="ö-23456")).json["code"], 0)

    async def test_passwd_of_before(self) -> None:
        """An old hash of an unnormalised password matches what was typed, and from then on every form of it."""
        person = await self.person()
        typed = "e\u0301-12345"
        hashed = await self.node.passwords.hash(typed)
        store = self.node.site.resource._chat._authenticator._tokens._store  # type: ignore[attr-defined]
        await store.change_passwd(person.id, hashed, (await store.devices(person.id))[0].id)
        for passwd, code in (("é-12345", -1), (typed, 0), ("é-12345", 0), (typed, 0)):
            answer = await self.post("/user/login", mobile=person.mobile, passwd=passwd)
            self.assertEqual(answer.json["code"], code, passwd)

    async def test_taken(self) -> None:
        """A mobile has only one account."""
        person = await self.person()
        answer = await self.post("/user/register", mobile=person.mobile, passwd="another-1")
        self.assert_refused(answer, 200)
        self.assertEqual(answer.json["msg"], "this mobile have account")

    async def test_taken_at_once(self) -> None:
        """Of two who register the same mobile at the same moment one gets it, the other the same refusal."""
        from twisted.internet.defer import Deferred, gatherResults

        both = [Deferred.fromCoroutine(self.post("/user/register", mobile="139002", passwd=PASSWD)) for _ in range(4)]
        answers = await gatherResults(both)
        self.assertEqual(sorted(a.json["code"] for a in answers), [-1, -1, -1, 0])
        self.assertEqual({a.json["msg"] for a in answers}, {"", "this mobile have account"})
        self.assertEqual({a.status for a in answers}, {200})

    async def test_makes_a_nickname(self) -> None:
        """A user without a nickname gets one; the other optional fields are empty, the sex unknown."""
        user = (await self.post("/user/register", mobile="139003", passwd=PASSWD, nickname="  ")).data
        self.assertRegex(user["nickname"], r"user\d{6}")
        self.assertEqual((user["avatar"], user["memo"], user["sex"]), ("", "", "U"))

    async def test_bounds(self) -> None:
        """Each field at its bound is taken, beyond it refused by name."""
        good = {
            "mobile": ["123", "+" + "1" * 20],
            "passwd": ["x" * 6, "密" * 128],
            "nickname": ["李" * 20],
            "avatar": ["a" * 150],
            "memo": ["m" * 140],
            "sex": ["W", "M", "U"],
        }
        bad = {
            "mobile": ["", "12", "1" * 21, "+12", "12a4", "++123", "123+", "１２３４", "12\x004"],
            "passwd": ["", "x" * 5, "x" * 129],
            "nickname": ["n" * 21, "a\x00b", "a\x1bb"],
            "avatar": ["a" * 151],
            "memo": ["m" * 141, "\x00"],
            "sex": ["X", "w", "WM"],
        }
        free = iter(range(10_000, 20_000))
        for cases, refused in ((good, False), (bad, True)):
            for name, values in cases.items():
                for value in values:
                    fields = {"mobile": str(next(free)), "passwd": PASSWD} | {name: value}
                    answer = await self.post("/user/register", **fields)
                    if refused:
                        self.assert_refused(answer, 400, name)
                    else:
                        self.assertEqual(answer.json["code"], 0, (name, value, answer))

    async def test_missing(self) -> None:
        """A registration without fields is malformed, and the mobile is named."""
        self.assert_refused(await self.post("/user/register"), 400, "mobile")
        self.assert_refused(await self.post("/user/register", mobile="139004"), 400, "passwd")


class LoginTests(RunningNode):
    """One more device."""

    async def test_devices_stay_logged_in(self) -> None:
        """Each log-in has its own token, and all of them work."""
        one = await self.person()
        two = await self.log_in(one)
        self.assertEqual(two.id, one.id)
        self.assertNotEqual(two.token, one.token)
        for person in (one, two):
            self.assertEqual((await person.get("/user/find", id=one.id)).data["id"], one.id)

    async def test_wrong_is_wrong(self) -> None:
        """A wrong mobile and a wrong password get the same answer, as do values that could never be right."""
        person = await self.person()
        answers = [
            await self.post("/user/login", mobile=person.mobile, passwd="wrong-one"),
            await self.post("/user/login", mobile="139999999", passwd=PASSWD),
            await self.post("/user/login", mobile=person.mobile, passwd=""),
            await self.post("/user/login", mobile=person.mobile, passwd="x" * 5_000),
            await self.post("/user/login", mobile="nobody", passwd=PASSWD),
            await self.post("/user/login"),
        ]
        for answer in answers:
            self.assertEqual((answer.status, answer.json), (200, {"code": -1, "msg": "password wrong"}))
            self.assertEqual(answer.header("set-cookie"), "")

    async def test_cut_password_is_wrong(self) -> None:
        """A password of the maximum length isn't accepted for one that only begins like it."""
        await self.post("/user/register", mobile="139005", passwd="p" * 128)
        right = await self.post("/user/login", mobile="139005", passwd="p" * 128)
        self.assertEqual(right.json["code"], 0)
        self.assert_refused(await self.post("/user/login", mobile="139005", passwd="p" * 129), 200)

    async def test_logout(self) -> None:
        """Logging out ends this token only, and deletes the cookie."""
        one = await self.person()
        two = await self.log_in(one)
        answer = await one.post("/user/logout")
        self.assertEqual(answer.json, {"code": 0, "msg": ""})
        self.assertTrue(answer.header("set-cookie").startswith("token=;"))
        self.assertIn("Max-Age=0", answer.header("set-cookie"))
        self.assert_refused(await one.post("/user/sessions"), 401)
        self.assertEqual((await two.post("/user/sessions")).json["code"], 0)

    async def test_logout_cuts_the_socket(self) -> None:
        """The device that logs out is disconnected, the others aren't."""
        one = await self.person()
        two = await self.log_in(one)
        first, second = await one.device(), await two.device()
        await one.post("/user/logout")
        self.assertEqual(await first.closed(), 4401)
        await second.quiet()

    async def test_hashed(self) -> None:
        """Neither the password nor the token is on disk in plain, and the password's hash is argon2id."""
        person = await self.person()
        stored = await self.database.read(
            lambda c: (
                c.exec_driver_sql("SELECT passwd, salt, token FROM user").one(),
                c.exec_driver_sql("SELECT tokenhash FROM device").scalar_one(),
            )
        )
        self.assertTrue(stored[0][0].startswith("$argon2id$"))
        self.assertEqual(tuple(stored[0][1:]), ("", ""))
        self.assertEqual(stored[1], hash_token(person.token))
        await self.node.log.drained()
        for file in self.folder.glob("im.db*"):
            self.assertNotIn(person.token.encode(), file.read_bytes())
            self.assertNotIn(PASSWD.encode(), file.read_bytes())


class FindTests(RunningNode):
    """What other users may see."""

    async def test_public(self) -> None:
        """Others see no mobile, token, hash or salt."""
        one, two = await self.people(2)
        for answer in (
            await one.post("/user/find", id=two.id),
            await one.post("/user/find", mobile=two.mobile),
            await one.get("/user/find", id=two.id),
        ):
            self.assertEqual(set(answer.data), USER_FIELDS)
            self.assertEqual((answer.data["id"], answer.data["mobile"]), (two.id, ""))
            self.assertNotIn(two.mobile, answer.body.decode())

    async def test_myself(self) -> None:
        """By the id `me` whoever has only a token learns whose it is."""
        one = await self.person()
        for answer in (await one.get("/user/find", id="me"), await one.post("/user/find", id="me")):
            self.assertEqual((answer.data["id"], answer.data["mobile"]), (one.id, one.mobile))
        self.assert_refused(await self.post("/user/find", id="me"), 401)

    async def test_nobody(self) -> None:
        """A user who doesn't exist is not found; an impossible id is malformed."""
        one = await self.person()
        self.assert_refused(await one.post("/user/find", id=999), 404)
        self.assert_refused(await one.post("/user/find", mobile="1234567"), 404)
        for wrong in ("0", "-1", "x", str(2**53), "9" * 5_000, "1.5", "１"):
            self.assert_refused(await one.post("/user/find", id=wrong), 400, "id")
        self.assert_refused(await one.post("/user/find"), 400, "mobile")
        self.assert_refused(await one.post("/user/find", id=2**53 - 1), 404)

    async def test_online(self) -> None:
        """`online` says whether a device is connected; for oneself it is 1."""
        one, two = await self.people(2)
        self.assertEqual((await one.post("/user/find", id=two.id)).data["online"], 0)
        self.assertEqual((await two.post("/user/find", id=two.id)).data["online"], 1)
        self.assertEqual((await two.post("/user/update")).data["online"], 1)
        self.assertEqual((await self.post("/user/login", mobile=two.mobile, passwd=PASSWD)).data["online"], 1)
        await two.device()
        self.assertEqual((await one.post("/user/find", id=two.id)).data["online"], 1)


class UpdateTests(RunningNode):
    """The profile."""

    async def test_changes_what_is_given(self) -> None:
        """Fields that aren't given stay; friends and one's own devices are told."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        answer = await one.post("/user/update", nickname="新名字", sex="M")
        self.assertEqual((answer.data["nickname"], answer.data["sex"], answer.data["memo"]), ("新名字", "M", ""))
        answer = await one.post("/user/update", memo="about me", avatar="/mnt/x.png")
        self.assertEqual((answer.data["nickname"], answer.data["memo"]), ("新名字", "about me"))
        self.assertNotIn("token", answer.data)
        for device in (mine, theirs):
            for _ in range(2):
                await device.hear(cmd=8, what="profile", userid=one.id)

    async def test_bounds(self) -> None:
        """The same bounds as at registration; a name can't be taken away."""
        one = await self.person(nickname="kept")
        for name, value in (
            ("nickname", "n" * 21),
            ("nickname", ""),
            ("nickname", "   "),
            ("avatar", "a" * 151),
            ("memo", "m" * 141),
            ("sex", "Z"),
        ):
            self.assert_refused(await one.post("/user/update", **{name: value}), 400, name)
        self.assertEqual((await one.post("/user/update")).data["nickname"], "kept")

    async def test_only_ones_own(self) -> None:
        """Another user's id is refused."""
        one, two = await self.people(2)
        self.assert_refused(await one.post("/user/update", userid=two.id, nickname="x"), 403)


class PasswdTests(RunningNode):
    """A new password."""

    async def test_ends_every_other_device(self) -> None:
        """Changing the password ends all other tokens and their sockets; this one stays."""
        one = await self.person()
        two = await self.log_in(one)
        mine, other = await one.device(), await two.device()
        answer = await one.post("/user/passwd", passwd=PASSWD, newpasswd="another-1")
        self.assertEqual(answer.json, {"code": 0, "msg": ""})
        self.assertEqual(await other.closed(), 4401)
        await mine.quiet()
        self.assert_refused(await two.post("/user/sessions"), 401)
        self.assertEqual((await one.post("/user/sessions")).json["total"], 1)
        self.assert_refused(await self.post("/user/login", mobile=one.mobile, passwd=PASSWD), 200)
        right = await self.post("/user/login", mobile=one.mobile, passwd="another-1")
        self.assertEqual(right.json["code"], 0)

    async def test_refusals(self) -> None:
        """A wrong old one is wrong, a new one beyond its bounds is refused by name, and nothing changes."""
        one = await self.person()
        two = await self.log_in(one)
        wrong = await one.post("/user/passwd", passwd="wrong-one", newpasswd="another-1")
        self.assertEqual((wrong.status, wrong.json["msg"]), (200, "password wrong"))
        for new in ("", "x" * 5, "x" * 129):
            self.assert_refused(await one.post("/user/passwd", passwd=PASSWD, newpasswd=new), 400, "newpasswd")
        self.assertEqual((await two.post("/user/sessions")).json["total"], 2)


class SessionsTests(RunningNode):
    """The list of devices."""

    async def test_lists_and_revokes(self) -> None:
        """Each device is listed by id, with the caller's own marked; revoking one ends its token and socket."""
        one = await self.person()
        two = await self.log_in(one)
        device = await two.device()
        listed = await one.get("/user/sessions")
        self.assertEqual(listed.json["total"], 2)
        self.assertEqual([row["current"] for row in listed.rows], [0, 1])
        self.assertNotIn("token", listed.body.decode())
        for row in listed.rows:
            self.assertRegex(row["createat"], RFC3339)
        self.assertEqual((await one.post("/user/revoke", id=listed.rows[0]["id"])).json["code"], 0)
        self.assertEqual(await device.closed(), 4401)
        self.assert_refused(await two.post("/user/sessions"), 401)
        refused = await self.knock(f"/chat?id={one.id}&token={two.token}")
        self.assertEqual(refused.refused and refused.refused.status, 401)

    async def test_not_anothers(self) -> None:
        """Another user's device is not found."""
        one, two = await self.people(2)
        theirs = (await two.post("/user/sessions")).rows[0]["id"]
        self.assert_refused(await one.post("/user/revoke", id=theirs), 404)
        self.assert_refused(await one.post("/user/revoke"), 400, "id")
        self.assertEqual((await two.post("/user/sessions")).json["code"], 0)
