"""``/contact/…`` on a running node: friends at once or by approval, groups and their rules, every bound."""

from __future__ import annotations

import re

from twisted.internet.defer import Deferred, gatherResults

from test.access.running_node import RunningNode

GROUP_FIELDS = {"id", "name", "ownerid", "icon", "cate", "memo", "createat"} | {
    "join",
    "history",
    "post",
    "notice",
    "dissolved",
}
USER_FIELDS = {"id", "mobile", "avatar", "sex", "nickname", "online", "memo", "createat"}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class FriendTests(RunningNode):
    """Two users become friends at once, as with the original Go server."""

    async def test_both_ways(self) -> None:
        """Adding makes friends on both sides; lists show the public user; both are told."""
        one, two = await self.people(2)
        mine, theirs = await one.device(), await two.device()
        answer = await one.post("/contact/addfriend", dstid=two.id, memo="from work")
        self.assertEqual(answer.json["code"], 0)
        await mine.hear(cmd=8, what="friend", userid=two.id)
        await theirs.hear(cmd=8, what="friend", userid=one.id)
        for person, other in ((one, two), (two, one)):
            listed = await person.get("/contact/loadfriend")
            self.assertEqual([row["id"] for row in listed.rows], [other.id])
            self.assertEqual(listed.json["total"], 1)
            self.assertEqual(set(listed.rows[0]), USER_FIELDS | {"remark"})
            self.assertEqual((listed.rows[0]["mobile"], listed.rows[0]["online"]), ("", 1))

    async def test_refusals(self) -> None:
        """Adding oneself, or somebody twice from either side, is refused as by the original Go server; nobody is 404,
        no id 400."""
        one, two = await self.people(2)
        self.assert_refused(await one.post("/contact/addfriend", dstid=one.id), 200, "yourself")
        await one.befriend(two)
        self.assert_refused(await one.post("/contact/addfriend", dstid=two.id), 200, "already")
        self.assert_refused(await two.post("/contact/addfriend", dstid=one.id), 200, "already")
        self.assert_refused(await one.post("/contact/addfriend", dstid=999), 404)
        for wrong in ("", "0", "-1", "x", str(2**53)):
            self.assert_refused(await one.post("/contact/addfriend", dstid=wrong), 400, "dstid")
        self.assert_refused(await one.post("/contact/addfriend"), 400, "dstid")
        third = await self.person()
        self.assert_refused(await one.post("/contact/addfriend", dstid=third.id, memo="m" * 121), 400, "memo")

    async def test_at_once(self) -> None:
        """Two users who add each other at the same moment become friends once."""
        one, two = await self.people(2)
        both = [
            Deferred.fromCoroutine(person.post("/contact/addfriend", dstid=other.id))
            for person, other in ((one, two), (two, one)) * 3
        ]
        answers = await gatherResults(both)
        self.assertEqual(sorted(a.json["code"] for a in answers), [-1] * 5 + [0])
        self.assertEqual({a.status for a in answers}, {200})
        for person in (one, two):
            self.assertEqual((await person.get("/contact/loadfriend")).json["total"], 1)

    async def test_ending_it(self) -> None:
        """A friendship ends for both; what was said stays readable; it can begin again."""
        one, two = await self.friends()
        device = await one.device()
        await device.tell(10, two.id, "remember")
        self.assertEqual((await two.post("/contact/deletefriend", dstid=one.id)).json["code"], 0)
        await device.hear(cmd=8, what="friend", userid=two.id)
        for person in (one, two):
            self.assertEqual((await person.get("/contact/loadfriend")).rows, [])
        self.assertEqual([m["content"] for m in await one.history(10, two.id)], ["remember"])
        self.assertLess((await two.post("/contact/deletefriend", dstid=one.id)).json["code"], 0)
        await two.befriend(one)
        self.assertEqual((await device.tell(10, two.id, "again"))["seq"], 2)


class ApproveTests(RunningNode):
    """Friendship with approval."""

    settings = {"limits": "off", "friend": "approve"}  # noqa: RUF012

    async def test_accepted(self) -> None:
        """After a request has been accepted the two are friends, and both are told."""
        one, two = await self.people(2)
        mine, theirs = await one.device(), await two.device()
        self.assertEqual((await one.post("/contact/addfriend", dstid=two.id, memo="it's me")).json["code"], 0)
        await theirs.hear(cmd=8, what="friend-request", userid=one.id)
        self.assertEqual((await one.get("/contact/loadfriend")).rows, [])
        self.assertLess((await mine.ask(cmd=10, dstid=two.id, media=1, content="x"))["code"], 0)
        waiting = (await two.get("/contact/loadrequest")).rows
        self.assertEqual(
            [(r["user"]["id"], r["memo"], r["user"]["mobile"]) for r in waiting], [(one.id, "it's me", "")]
        )
        self.assertRegex(waiting[0]["createat"], RFC3339)
        self.assert_refused(await one.post("/contact/addfriend", dstid=two.id), 200)
        # Neither the user who asked nor a third user can answer it.
        third = await self.person()
        for person in (one, third):
            answer = await person.post("/contact/approvefriend", requestid=waiting[0]["id"])
            self.assertIn(answer.status, (403, 404))
        self.assertEqual((await two.post("/contact/approvefriend", requestid=waiting[0]["id"])).json["code"], 0)
        await mine.hear(cmd=8, what="friend", userid=two.id)
        await theirs.hear(cmd=8, what="friend", userid=one.id)
        await mine.tell(10, two.id, "at last")
        self.assertEqual((await theirs.hear(cmd=10))["content"], "at last")
        self.assertEqual((await two.get("/contact/loadrequest")).rows, [])
        self.assertLess((await two.post("/contact/approvefriend", requestid=waiting[0]["id"])).json["code"], 0)

    async def test_refused(self) -> None:
        """A refused request is removed, and can be made again."""
        one, two = await self.people(2)
        await one.post("/contact/addfriend", dstid=two.id)
        request = (await two.get("/contact/loadrequest")).rows[0]["id"]
        self.assertEqual((await two.post("/contact/refusefriend", requestid=request)).json["code"], 0)
        self.assertEqual((await two.get("/contact/loadrequest")).rows, [])
        self.assertEqual((await one.get("/contact/loadfriend")).rows, [])
        self.assertEqual((await one.post("/contact/addfriend", dstid=two.id)).json["code"], 0)

    async def test_asking_back_accepts(self) -> None:
        """Asking somebody who has asked already accepts their request."""
        one, two = await self.people(2)
        await one.post("/contact/addfriend", dstid=two.id)
        await two.post("/contact/addfriend", dstid=one.id)
        for person in (one, two):
            self.assertEqual((await person.get("/contact/loadfriend")).json["total"], 1)
            self.assertEqual((await person.get("/contact/loadrequest")).rows, [])


class GroupTests(RunningNode):
    """Groups."""

    async def test_create(self) -> None:
        """The answer is the group with its real id; the owner is in it."""
        one = await self.person()
        answer = await one.post(
            "/contact/createcommunity", name=" 组 ", icon="/mnt/i.png", cate=3, memo="m", ownerid=one.id
        )
        made = answer.data
        self.assertEqual(set(made), GROUP_FIELDS)
        self.assertEqual(
            (made["name"], made["ownerid"], made["icon"], made["cate"], made["memo"]),
            ("组", one.id, "/mnt/i.png", 3, "m"),
        )
        self.assertRegex(made["createat"], RFC3339)
        listed = await one.get("/contact/loadcommunity")
        self.assertEqual((listed.rows, listed.json["total"]), ([made | {"role": "owner", "muted": 0}], 1))

    async def test_bounds(self) -> None:
        """An empty name is refused as in the original Go server. A field beyond its bound is refused by its name."""
        one = await self.person()
        for none in ({}, {"name": ""}, {"name": "   "}):
            self.assert_refused(await one.post("/contact/createcommunity", **none), 200, "name")
        for name, value in (
            ("name", "n" * 31),
            ("icon", "i" * 251),
            ("memo", "m" * 121),
            ("cate", "x"),
            ("cate", -1),
            ("cate", 2**31),
        ):
            self.assert_refused(
                await one.post("/contact/createcommunity", **({"name": "g"} | {name: value})), 400, name
            )
        good = await one.post("/contact/createcommunity", name="名" * 30, icon="i" * 250, memo="m" * 120)
        self.assertEqual(good.json["code"], 0)

    async def test_five(self) -> None:
        """The sixth group is refused, also when several are made at once; joining others' isn't limited by it."""
        one, two = await self.people(2)
        asked = [Deferred.fromCoroutine(one.post("/contact/createcommunity", name=f"g{n}")) for n in range(8)]
        answers = await gatherResults(asked)
        self.assertEqual(sorted(a.json["code"] for a in answers), [-1] * 3 + [0] * 5)
        self.assertEqual({a.status for a in answers}, {200})
        group = await two.group()
        self.assertEqual((await one.post("/contact/joincommunity", dstid=group)).json["code"], 0)
        self.assertEqual((await one.get("/contact/loadcommunity")).json["total"], 6)

    async def test_join(self) -> None:
        """A user joins once and only an existing group; members see each other, others don't."""
        one, two, three = await self.people(3)
        group = await one.group(two)
        self.assert_refused(await two.post("/contact/joincommunity", dstid=group), 200, "already")
        self.assert_refused(await two.post("/contact/joincommunity", dstid=999), 403, "no group that")
        self.assert_refused(await two.post("/contact/joincommunity"), 400, "dstid")
        listed = await one.get("/contact/loadmember", dstid=group)
        self.assertEqual([row["id"] for row in listed.rows], sorted([one.id, two.id]))
        self.assertEqual({row["mobile"] for row in listed.rows}, {""})
        self.assert_refused(await three.get("/contact/loadmember", dstid=group), 403)

    async def test_owner_only(self) -> None:
        """Only the owner changes a group and removes members; nobody removes the owner."""
        one, two, three = await self.people(3)
        group = await one.group(two, three)
        self.assert_refused(await two.post("/contact/removemember", dstid=group, memberid=three.id), 403)
        self.assert_refused(await two.post("/contact/updatecommunity", dstid=group, name="x"), 403)
        self.assertLess((await one.post("/contact/removemember", dstid=group, memberid=one.id)).json["code"], 0)
        self.assertLess((await one.post("/contact/removemember", dstid=group, memberid=999)).json["code"], 0)
        self.assert_refused(await one.post("/contact/removemember", dstid=group), 400, "memberid")
        self.assert_refused(await one.post("/contact/updatecommunity", dstid=group, name=""), 200, "name")
        self.assert_refused(await one.post("/contact/updatecommunity", dstid=999, name="x"), 403)
        self.assertLess((await three.post("/contact/leavecommunity", dstid=999)).json["code"], 0)

    async def test_heir(self) -> None:
        """When the owner leaves, the oldest member becomes the owner; an empty group is no error."""
        one, two, three = await self.people(3)
        group = await one.group(two, three)
        await one.post("/contact/leavecommunity", dstid=group)
        self.assertEqual((await two.get("/contact/loadcommunity")).rows[0]["ownerid"], two.id)
        changed = await two.post("/contact/updatecommunity", dstid=group, name="ours", icon="/i", memo="m")
        self.assertEqual((changed.data["name"], changed.data["icon"], changed.data["memo"]), ("ours", "/i", "m"))
        for person in (two, three):
            self.assertEqual((await person.post("/contact/leavecommunity", dstid=group)).json["code"], 0)
        self.assertLess((await three.post("/contact/leavecommunity", dstid=group)).json["code"], 0)
        self.assertEqual((await one.post("/contact/joincommunity", dstid=group)).json["code"], 0)
