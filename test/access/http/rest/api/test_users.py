"""Users of another program."""

from __future__ import annotations

from test.access.http.rest.api.key import COMMAND, KeyedNode
from test.access.running_node import Device
from twim.storage.external import DEVICES


class UserTests(KeyedNode):
    """``/api/v1/users``."""

    async def test_made_and_changed(self) -> None:
        """A user is made at the first time and changed afterwards; what isn't said stays. It is named by both names."""
        made = await self.done("PUT", "/users/shop.1@x:y-z", {"nickname": "Ann", "mobile": "13900000001"})
        self.assertEqual((made["user"], made["nickname"]), ("shop.1@x:y-z", "Ann"))
        self.assertEqual((made["role"], made["disabled"]), ("member", 0))
        again = await self.done("PUT", "/users/shop.1@x:y-z", {"nickname": "Anna"})
        self.assertEqual(again, made | {"nickname": "Anna"})
        self.assertEqual(await self.done("GET", f"/users/id:{made['id']}"), again)
        self.assertEqual(await self.done("GET", "/users/shop.1@x:y-z"), again)
        self.assertEqual((await self.done("PUT", f"/users/id:{made['id']}", {"nickname": "A"}))["nickname"], "A")

    async def test_without_anything(self) -> None:
        """A user needs no field: the name is what the program calls it, and there is no mobile."""
        made = await self.done("PUT", "/users/somebody-with-a-long-name", {})
        self.assertEqual((made["nickname"], made["mobile"]), ("somebody-with-a-long", ""))
        token = (await self.done("POST", "/users/somebody-with-a-long-name/token"))["token"]
        found = await self.ask("GET", f"/user/find?id={made['id']}&token={token}")
        self.assertEqual(found.data["mobile"], "")

    async def test_names(self) -> None:
        """What can't be an id of the program's own is refused, and an unknown one isn't there."""
        for name in ("a b", "a%2Fb", "x" * 65, "ä"):
            self.assertIn((await self.call("PUT", f"/users/{name}", {})).status, (400, 404), name)
        self.assert_refused(await self.call("PUT", "/users/oidc:abc", {}), 400, "external id")
        for name in ("id:77", "id:0", "id:x"):
            self.assert_refused(await self.call("PUT", f"/users/{name}", {}), 404)
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/token"),
            ("DELETE", "/sessions"),
            ("GET", "/unread"),
        ):
            self.assert_refused(await self.call(method, f"/users/nobody{path}"), 404, "no such user")

    async def test_fields(self) -> None:
        """What isn't of its form is refused with its name, and nothing is made."""
        wrong: list[dict[str, object]] = [
            {"nickname": ""},
            {"nickname": "x" * 21},
            {"nickname": 7},
            {"mobile": "abc"},
            {"disabled": 2},
            {"avatar": "x" * 151},
            {"passwd": "secret"},
        ]
        for fields in wrong:
            self.assert_refused(await self.call("PUT", "/users/ann", fields), 400, next(iter(fields)))
        self.assert_refused(await self.call("GET", "/users/ann"), 404)
        self.assert_refused(await self.call("PUT", "/users/ann", []), 400)
        answer = await self.ask(
            "PUT", "/api/v1/users/ann", f"Authorization: Bearer {self.key}", body=b"{", media="application/json"
        )
        self.assert_refused(answer, 400, "not JSON")
        answer = await self.ask(
            "PUT", "/api/v1/users/ann", f"Authorization: Bearer {self.key}", body=b"a=1", media="x/y"
        )
        self.assert_refused(answer, 415)

    async def test_mobile_taken(self) -> None:
        """A mobile belongs to one user: the second one is neither made nor changed."""
        await self.done("PUT", "/users/ann", {"mobile": "13900000001"})
        self.assert_refused(await self.call("PUT", "/users/ben", {"mobile": "13900000001"}), 409)
        self.assert_refused(await self.call("GET", "/users/ben"), 404)
        await self.users("ben")
        self.assert_refused(await self.call("PUT", "/users/ben", {"mobile": self.boss.mobile}), 409)

    async def test_token(self) -> None:
        """A token is a device's, which connects; of too many made by keys the oldest ends, and no other."""
        (userid,) = await self.users("ann")
        first = await self.done("POST", "/users/ann/token")
        self.assertEqual(first["id"], userid)
        device: Device = await self.knock(f"/chat?id={userid}&token={first['token']}")
        device.say(cmd=0)
        await device.hear(cmd=0)
        others = [(await self.done("POST", "/users/ann/token"))["token"] for _ in range(DEVICES)]
        await device.closed()
        answers = [await self.ask("GET", f"/user/sessions?token={one}") for one in (first["token"], *others)]
        self.assertEqual([one.status for one in answers], [401, *[200] * DEVICES])

    async def test_sessions(self) -> None:
        """All devices end at once."""
        await self.users("ann")
        token = (await self.done("POST", "/users/ann/token"))["token"]
        self.assertEqual((await self.done("DELETE", "/users/ann/sessions"))["ended"], 1)
        self.assertEqual((await self.ask("GET", f"/user/sessions?token={token}")).status, 401)

    async def test_disabled(self) -> None:
        """A disabled user gets no token, and is enabled again; both are in the audit log."""
        (userid,) = await self.users("ann")
        token = (await self.done("POST", "/users/ann/token"))["token"]
        self.assertEqual((await self.done("PUT", "/users/ann", {"disabled": True}))["disabled"], 1)
        self.assertEqual((await self.ask("GET", f"/user/sessions?token={token}")).status, 401)
        self.assert_refused(await self.call("POST", "/users/ann/token"), 403, "disabled")
        self.assertEqual((await self.done("PUT", "/users/ann", {"disabled": 0}))["disabled"], 0)
        rows = (await self.node.administration.act("audit.list", {}, COMMAND))["rows"]
        assert isinstance(rows, list)
        acts = [(row["who"][:4], row["act"], row["what"]) for row in rows[:2]]
        self.assertEqual(acts, [("key:", f"user.{what}", {"user": userid}) for what in ("enable", "disable")])

    async def test_erased(self) -> None:
        """Who is erased is found by no name any more, and external id and mobile are free."""
        made = await self.done("PUT", "/users/ann", {"nickname": "Ann", "mobile": "13900000001"})
        await self.done("DELETE", "/users/ann")
        for name in ("ann", f"id:{made['id']}"):
            self.assert_refused(await self.call("GET", f"/users/{name}"), 404)
        again = await self.done("PUT", "/users/ann", {"nickname": "Ann", "mobile": "13900000001"})
        self.assertNotEqual(again["id"], made["id"])

    async def test_administrators(self) -> None:
        """No key acts upon an administrator, nor sets a role, without the scope for it."""
        boss = f"/users/id:{self.boss.id}"
        for method, path, loose in (
            ("PUT", boss, {"nickname": "x"}),
            ("PUT", boss, {"disabled": 1}),
            ("DELETE", boss, None),
            ("POST", f"{boss}/token", None),
            ("DELETE", f"{boss}/sessions", None),
        ):
            self.assert_refused(await self.call(method, path, loose), 403, "administrator")
        await self.users("ann")
        for role in ("admin", "member"):
            self.assert_refused(await self.call("PUT", "/users/ann", {"role": role}), 403, "scope admin")
        self.assertEqual((await self.done("GET", boss))["nickname"], "Boss")
        self.key = await self.new_key("users,admin")
        self.assertEqual((await self.done("PUT", "/users/ann", {"role": "admin"}))["role"], "admin")
        self.assertEqual((await self.done("PUT", boss, {"nickname": "Big"}))["nickname"], "Big")
        self.assert_refused(await self.call("PUT", "/users/ann", {"role": "king"}), 400)

    async def test_found_by_the_command(self) -> None:
        """Administrators find a user by the external id, and by no other word after `external:`."""
        (userid,) = await self.users("ann")
        for word, found in (("external:ann", [userid]), (f"external:id:{userid}", []), ("external:ben", [])):
            rows = (await self.node.administration.act("user.find", {"word": word}, COMMAND))["rows"]
            assert isinstance(rows, list)
            self.assertEqual([row["id"] for row in rows], found, word)
