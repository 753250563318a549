"""Groups of another program."""

from __future__ import annotations

from test.access.http.rest.api.key import KeyedNode
from test.access.running_node import Device


class GroupTests(KeyedNode):
    """``/api/v1/groups``."""

    async def setUp(self) -> None:
        await super().setUp()
        self.ann, self.ben, self.cat = await self.users("ann", "ben", "cat")

    async def connected(self, name: str) -> Device:
        made = await self.done("POST", f"/users/{name}/token")
        device: Device = await self.knock(f"/chat?id={made['id']}&token={made['token']}")
        device.say(cmd=0)
        await device.hear(cmd=0)
        return device

    async def test_made_and_changed(self) -> None:
        """A group is made at the first time and changed afterwards; what isn't said stays."""
        made = await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann", "members": ["ben"]})
        expected = {"group": "g", "name": "Shop", "owner": "ann", "join": "open", "history": "joined", "dissolved": 0}
        self.assertEqual(made | expected, made)
        self.assertEqual(set(made["members"]), {"ann", "ben"})
        again = await self.done("PUT", "/groups/g", {"name": "Sale", "join": "invite", "history": "all"})
        self.assertEqual(again, made | {"name": "Sale", "join": "invite", "history": "all"})
        self.assertEqual(await self.done("GET", f"/groups/id:{made['id']}"), again)

    async def test_members(self) -> None:
        """Members come and go, which the group reads; a list of them replaces all but the owner."""
        await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann"})
        device = await self.connected("ann")
        for _ in range(2):
            await self.done("PUT", "/groups/g/members/ben")
        self.assertEqual((await device.hear(cmd=11, content="added"))["memo"], str(self.ben))
        await self.done("DELETE", "/groups/g/members/ben")
        self.assertEqual((await device.hear(cmd=11, content="removed"))["memo"], str(self.ben))
        self.assert_refused(await self.call("DELETE", "/groups/g/members/ben"), 404, "not a member")
        await self.done("PUT", "/groups/g", {"members": ["ben", "cat"]})
        shown = await self.done("PUT", "/groups/g", {"members": ["cat"]})
        self.assertEqual(set(shown["members"]), {"ann", "cat"})

    async def test_owner(self) -> None:
        """Another owner is named; an owner who is removed hands the group to its oldest member."""
        await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann", "members": ["cat", "ben"]})
        self.assertEqual((await self.done("PUT", "/groups/g", {"owner": "ben"}))["owner"], "ben")
        await self.done("DELETE", "/groups/g/members/ben")
        shown = await self.done("GET", "/groups/g")
        self.assertEqual((shown["owner"], set(shown["members"])), ("ann", {"ann", "cat"}))

    async def test_blocked_members(self) -> None:
        """The program adds also who blocks the owner."""
        cat = await self.connected("cat")
        token = (await self.done("POST", "/users/cat/token"))["token"]
        await self.post("/contact/block", token=token, dstid=self.ann)
        await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann", "members": ["cat"]})
        await cat.hear(cmd=8, what="group")
        self.assertEqual(len((await self.done("GET", "/groups/g"))["members"]), 2)

    async def test_not_counted(self) -> None:
        """Such groups don't count towards the five that their owner may make."""
        for number in range(6):
            await self.done("PUT", f"/groups/g{number}", {"name": "Shop", "owner": "ann"})
        token = (await self.done("POST", "/users/ann/token"))["token"]
        made = await self.post("/contact/createcommunity", token=token, name="mine")
        self.assertEqual(made.json["code"], 0)

    async def test_dissolved(self) -> None:
        """Nobody posts in a group that has ended, nor joins it; its external id is free."""
        made = await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann"})
        await self.done("DELETE", "/groups/g")
        self.assert_refused(await self.call("GET", "/groups/g"), 404)
        old = f"/groups/id:{made['id']}"
        self.assertEqual((await self.done("GET", old))["dissolved"], 1)
        for method, path, loose in (
            ("PUT", old, {"name": "x"}),
            ("PUT", f"{old}/members/ben", None),
            ("DELETE", old, None),
        ):
            self.assert_refused(await self.call(method, path, loose), 409, "dissolved")
        again = await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann"})
        self.assertNotEqual(again["id"], made["id"])

    async def test_refused(self) -> None:
        """What isn't there or not of its form is refused, and nothing is made."""
        for loose, status in (
            ({"name": "Shop"}, 400),
            ({"owner": "ann"}, 400),
            ({"name": "Shop", "owner": "nobody"}, 404),
            ({"name": "Shop", "owner": "ann", "members": ["nobody"]}, 404),
            ({"name": "Shop", "owner": "ann", "join": "never"}, 400),
            ({"name": "x" * 31, "owner": "ann"}, 400),
            ({"name": "Shop", "owner": "ann", "icon": "x"}, 400),
        ):
            self.assert_refused(await self.call("PUT", "/groups/g", loose), status)
        self.assert_refused(await self.call("PUT", "/groups/id:12", {"name": "Shop", "owner": "ann"}), 404)
        self.assert_refused(await self.call("PUT", "/groups/oidc:a", {"name": "Shop", "owner": "ann"}), 400)
        for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/members/ann"), ("DELETE", "/members/ann")):
            self.assert_refused(await self.call(method, f"/groups/g{path}"), 404, "no such group")
        await self.done("PUT", "/groups/g", {"name": "Shop", "owner": "ann"})
        self.assert_refused(await self.call("PUT", "/groups/g/members/nobody"), 404, "no such user")
