"""``/contact/…`` on a running node: rules, roles and mutes of groups, requests, notices and blocks."""

from __future__ import annotations

from typing import Any

from test.access.running_node import Answer, Person, RunningNode

REMOVED_BEFORE = "you were removed from that group"


class GroupNode(RunningNode):
    """A node, with shorthands for these tests."""

    async def fine(self, person: Person, path: str, **fields: object) -> Any:
        """Make a request that must be accepted, and give its data."""
        answer: Answer = await person.post(f"/contact/{path}", **fields)
        self.assertEqual((answer.status, answer.json["code"]), (200, 0), answer)
        return answer.json.get("data")

    async def no(self, person: Person, path: str, *words: str, status: int = 403, **fields: object) -> None:
        """Make a request that must be refused."""
        self.assert_refused(await person.post(f"/contact/{path}", **fields), status, *words)

    async def made(self, owner: Person, *members: Person, **rules: object) -> int:
        """Make a group with these rules, and add its members."""
        group: int = (await self.fine(owner, "createcommunity", name="g", **rules))["id"]
        for one in members:
            if one.id not in {row["id"] for row in (await owner.get("/contact/loadfriend")).rows}:
                await owner.befriend(one)
            await self.fine(owner, "addmember", dstid=group, memberid=one.id)
        return group

    async def stands(self, person: Person, group: int) -> dict[int, tuple[str, int]]:
        """The role and mute of every member."""
        rows = (await person.get("/contact/loadmember", dstid=group)).rows
        return {row["id"]: (row["role"], row["muted"]) for row in rows}


class RuleTests(GroupNode):
    """Who may join, and what new members may read."""

    async def test_defaults(self) -> None:
        """A group made without rules is open and read from the joining on; under another rule new members read
        everything."""
        one = await self.person()
        made = await self.fine(one, "createcommunity", name="g")
        self.assertEqual((made["join"], made["history"], made["post"]), ("open", "joined", "members"))
        made = await self.fine(one, "createcommunity", name="g", join="invite", post="admins")
        self.assertEqual((made["join"], made["history"], made["post"]), ("invite", "all", "admins"))
        listed = (await one.get("/contact/loadcommunity")).rows
        self.assertEqual({(row["role"], row["muted"]) for row in listed}, {("owner", 0)})
        for name in ("join", "history", "post"):
            await self.no(one, "createcommunity", name, status=400, **{"name": "g", name: "x"})
            await self.no(one, "updatecommunity", name, status=400, **{"dstid": made["id"], name: ""})
        await self.no(one, "updatecommunity", "notice", status=400, dstid=made["id"], notice="n" * 2001)

    async def test_invite(self) -> None:
        """A group under `invite` is refused like a missing one; only admins among its members may add friends."""
        one, two, three, four = await self.people(4)
        group = await self.made(one, two, join="invite")
        refused = [await three.post("/contact/joincommunity", dstid=number) for number in (group, 999)]
        self.assertEqual(refused[0].json, refused[1].json)
        self.assertEqual({one.status for one in refused}, {403})
        await two.befriend(three)
        await self.no(two, "addmember", dstid=group, memberid=three.id)
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="admin")
        await self.no(two, "addmember", "not your friend", dstid=group, memberid=four.id)
        await self.fine(two, "addmember", dstid=group, memberid=three.id)
        await self.no(two, "addmember", "already", status=200, dstid=group, memberid=three.id)
        await self.no(four, "addmember", dstid=group, memberid=three.id)
        await self.no(four, "addmember", dstid=999, memberid=three.id)

    async def test_approve(self) -> None:
        """Somebody who asks to join is a member once the owner or an admin accepts; they are told of the request."""
        one, two, three = await self.people(3)
        group = await self.made(one, two, join="approve")
        owner, asker = await one.device(), await three.device()
        self.assertEqual(await self.fine(three, "joincommunity", dstid=group), {"member": 0})
        await owner.hear(cmd=8, what="join-request", dstid=group, userid=three.id)
        await self.no(three, "joincommunity", "asked already", status=200, dstid=group)
        await self.no(two, "loadjoin", dstid=group)
        await self.no(three, "loadjoin", dstid=group)
        await self.no(three, "loadjoin", dstid=999)
        (row,) = (await one.get("/contact/loadjoin", dstid=group)).rows
        self.assertEqual(set(row), {"requestid", "userid", "nickname", "avatar", "at"})
        self.assertEqual(row["userid"], three.id)
        for person in (two, three):
            await self.no(person, "answerjoin", status=404, requestid=row["requestid"], accept=1)
        await self.no(one, "answerjoin", "accept", status=400, requestid=row["requestid"])
        await self.fine(one, "answerjoin", requestid=row["requestid"], accept=0)
        self.assertEqual((await one.get("/contact/loadjoin", dstid=group)).rows, [])
        await self.fine(three, "joincommunity", dstid=group)
        (row,) = (await one.get("/contact/loadjoin", dstid=group)).rows
        await self.fine(one, "answerjoin", requestid=row["requestid"], accept=1)
        notice = await asker.hear(cmd=11, media=23, content="approved")
        self.assertEqual((notice["userid"], notice["mentions"]), (one.id, [three.id]))
        self.assertIn(three.id, await self.stands(one, group))

    async def test_removed(self) -> None:
        """A removed member comes back only when an admin adds them or accepts their request."""
        one, two, three = await self.people(3)
        group = await self.made(one, two, three)
        await self.fine(one, "removemember", dstid=group, memberid=two.id)
        await self.no(two, "joincommunity", REMOVED_BEFORE, dstid=group)
        await three.befriend(two)
        await self.no(three, "addmember", "removed", dstid=group, memberid=two.id)
        await self.fine(one, "addmember", dstid=group, memberid=two.id)
        await self.fine(two, "leavecommunity", dstid=group)
        await self.fine(two, "joincommunity", dstid=group)
        await self.fine(one, "removemember", dstid=group, memberid=two.id)
        await self.fine(one, "updatecommunity", dstid=group, join="approve")
        self.assertEqual(await self.fine(two, "joincommunity", dstid=group), {"member": 0})

    async def test_floor(self) -> None:
        """A new member reads, counts and catches up from the joining on, and can't reply to older messages."""
        one, two = await self.people(2)
        group = await self.made(one)
        mine = await one.device()
        for word in ("a", "b", "c"):
            await mine.tell(11, group, word, mentions=[two.id])
        await self.fine(two, "joincommunity", dstid=group)
        notice = await mine.hear(cmd=11, media=23, content="joined")
        last = (await mine.tell(11, group, "d", mentions=[two.id]))["seq"]
        device = await two.device()
        (row,) = (await two.get("/message/conversations")).rows
        self.assertEqual((row["floor"], row["unread"], row["mentions"]), (notice["seq"], 1, 1))
        for how in ({}, {"after": 0}, {"before": last + 1}, {"after": 1, "limit": 200}):
            page = await two.history(11, group, **how)
            self.assertEqual([m["seq"] for m in page], [notice["seq"], last], how)
        self.assertEqual(await two.history(11, group, before=notice["seq"]), [])
        last_frame = await device.caught_up(have={f"11:{group}": 1})
        self.assertEqual(last_frame["rows"][0]["floor"], notice["seq"])
        self.assertEqual({m["seq"] for m in device.messages()}, {notice["seq"], last})
        answer = await device.ask(cmd=11, dstid=group, media=22, content="👍", ref=2)
        self.assertEqual((answer["code"], answer["msg"]), (-1, "ref: there is no such message"))
        (row,) = (await one.get("/message/conversations")).rows
        self.assertNotIn("floor", row)

    async def test_nothing_to_read_yet(self) -> None:
        """A new member who may read nothing yet isn't shown the newest message either."""
        one, two = await self.people(2)
        group = await self.made(one)
        await (await one.device()).tell(11, group, "secret")
        self.patch(self.node.log, "append", lambda post: None)  # the notice of the joining never comes
        await self.fine(two, "joincommunity", dstid=group)
        self.assertEqual((await two.get("/message/conversations")).rows, [])
        device = await two.device()
        self.assertEqual((await device.caught_up(have={f"11:{group}": 1}))["rows"], [])
        self.assertEqual(device.messages(), [])


class RoleTests(GroupNode):
    """What owners and admins do to members."""

    async def test_roles(self) -> None:
        """The owner gives roles and hands over the group, which then doesn't count among the receiver's five."""
        one, two, three = await self.people(3)
        group = await self.made(one, two, three)
        await self.no(two, "setrole", dstid=group, memberid=three.id, role="admin")
        await self.no(one, "setrole", "role", status=400, dstid=group, memberid=two.id, role="king")
        await self.no(one, "setrole", status=200, dstid=group, memberid=one.id, role="member")
        await self.no(one, "setrole", "not a member", status=200, dstid=group, memberid=999, role="admin")
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="admin")
        await self.no(two, "setrole", dstid=group, memberid=three.id, role="admin")
        device = await two.device()
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="owner")
        notice = await device.hear(cmd=11, media=23, content="role", memo="owner")
        self.assertEqual((notice["userid"], notice["mentions"]), (one.id, [two.id]))
        stands = await self.stands(three, group)
        self.assertEqual(
            {who: role for who, (role, _) in stands.items()}, {one.id: "admin", two.id: "owner", three.id: "member"}
        )
        await self.no(one, "dissolve", dstid=group)
        for _ in range(5):
            await self.fine(two, "createcommunity", name="mine")
        await self.no(two, "createcommunity", "at most 5", status=200, name="mine")

    async def test_admins(self) -> None:
        """Admins act on members, but neither on the owner nor on each other."""
        one, two, three, four = await self.people(4)
        group = await self.made(one, two, three, four)
        for admin in (two, three):
            await self.fine(one, "setrole", dstid=group, memberid=admin.id, role="admin")
        for path, more in (("removemember", {}), ("mutemember", {"seconds": 60})):
            for target in (one, three):
                await self.no(two, path, dstid=group, memberid=target.id, **more)
        await self.fine(two, "mutemember", dstid=group, memberid=four.id, seconds=60)
        await self.fine(two, "updatecommunity", dstid=group, notice="be kind", name="renamed")
        self.assertEqual((await four.get("/contact/loadcommunity")).rows[0]["notice"], "be kind")
        await self.fine(two, "removemember", dstid=group, memberid=four.id)
        await self.fine(one, "removemember", dstid=group, memberid=three.id)

    async def test_recall(self) -> None:
        """An admin recalls messages of members, but not those of the owner or another admin."""
        one, two, three = await self.people(3)
        group = await self.made(one, two, three)
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="admin")
        owner, admin, member = await one.device(), await two.device(), await three.device()
        of_owner = (await owner.tell(11, group, "a"))["seq"]
        of_member = (await member.tell(11, group, "b"))["seq"]
        of_admin = (await admin.tell(11, group, "c"))["seq"]
        for device, ref, code in (
            (member, of_owner, -1),
            (member, of_admin, -1),
            (admin, of_owner, -1),
            (admin, of_member, 0),
            (owner, of_admin, 0),
        ):
            self.assertEqual((await device.ask(cmd=11, dstid=group, media=20, ref=ref))["code"], code)

    async def test_mute(self) -> None:
        """A muted member's messages are refused until the time is over or the mute is removed, also after leaving and
        coming back."""
        one, two = await self.people(2)
        group = await self.made(one, two)
        device = await two.device()
        await device.tell(11, group, "a")
        await self.no(two, "mutemember", dstid=group, memberid=one.id, seconds=60)
        await self.no(one, "mutemember", "seconds", status=400, dstid=group, memberid=two.id, seconds=10**9)
        await self.no(one, "mutemember", "not a member", status=200, dstid=group, memberid=999, seconds=60)
        await self.fine(one, "mutemember", dstid=group, memberid=two.id, seconds=60)
        await device.hear(cmd=11, media=23, content="muted", mentions=[two.id])
        self.assertEqual((await device.ask(cmd=11, dstid=group, media=1, content="b"))["code"], -3)
        self.assertGreater((await two.get("/contact/loadcommunity")).rows[0]["muted"], 0)
        again = await two.device()
        self.assertEqual((await again.ask(cmd=11, dstid=group, media=1, content="b"))["code"], -3)
        await self.fine(two, "leavecommunity", dstid=group)
        await self.fine(two, "joincommunity", dstid=group)
        self.assertEqual((await device.ask(cmd=11, dstid=group, media=1, content="b"))["code"], -3)
        await self.fine(one, "mutemember", dstid=group, memberid=two.id, seconds=0)
        await device.tell(11, group, "c")
        self.assertEqual((await self.stands(one, group))[two.id], ("member", 0))

    async def test_post(self) -> None:
        """Where only admins may post, a member is refused, and may post after becoming an admin."""
        one, two = await self.people(2)
        group = await self.made(one, two)
        mine, theirs = await one.device(), await two.device()
        await theirs.tell(11, group, "a")
        await self.fine(one, "updatecommunity", dstid=group, post="admins")
        await theirs.hear(cmd=11, media=23, content="rule-post", memo="admins")
        self.assertEqual((await theirs.ask(cmd=11, dstid=group, media=1, content="b"))["code"], -3)
        await mine.tell(11, group, "c")
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="admin")
        await theirs.tell(11, group, "d")
        await self.fine(one, "setrole", dstid=group, memberid=two.id, role="member")
        self.assertEqual((await theirs.ask(cmd=11, dstid=group, media=1, content="e"))["code"], -3)
        newcomer = await self.person()
        device = await newcomer.device()
        await self.fine(newcomer, "joincommunity", dstid=group)
        self.assertEqual((await device.ask(cmd=11, dstid=group, media=1, content="f"))["code"], -3)

    async def test_dissolved(self) -> None:
        """In a dissolved group nobody posts, joins or changes anything; members read until they leave."""
        one, two, three = await self.people(3)
        group = await self.made(one, two)
        device = await two.device()
        await self.no(two, "dissolve", dstid=group)
        await self.no(three, "dissolve", dstid=group)
        await self.no(three, "dissolve", dstid=999)
        await self.fine(one, "dissolve", dstid=group)
        await device.hear(cmd=11, media=23, content="dissolved")
        self.assertEqual((await device.ask(cmd=11, dstid=group, media=1, content="b"))["code"], -3)
        await self.no(three, "joincommunity", dstid=group)
        await self.no(one, "updatecommunity", dstid=group, name="x")
        await self.no(one, "dissolve", dstid=group)
        self.assertIn("dissolved", [m.get("content") for m in await two.history(11, group)])
        await self.fine(two, "leavecommunity", dstid=group)
        self.assert_refused(await two.get("/message/history", scope=11, dstid=group), 403)


class BlockTests(GroupNode):
    """Blocks and remarks."""

    async def test_messages(self) -> None:
        """A blocked friend's messages are refused as a stranger's are; after unblocking all is as before."""
        one, two = await self.friends()
        mine, theirs = await one.device(), await two.device()
        await theirs.tell(10, one.id, "a")
        await self.no(one, "block", "yourself", status=200, dstid=one.id)
        await self.no(one, "block", status=404, dstid=999)
        for _ in range(2):
            await self.fine(one, "block", dstid=two.id)
        answer = await theirs.ask(cmd=10, dstid=one.id, media=1, content="b")
        stranger = await theirs.ask(cmd=10, dstid=999, media=1, content="b")
        self.assertEqual((answer["code"], answer["msg"]), (stranger["code"], stranger["msg"]))
        again = await two.device()
        self.assertEqual((await again.ask(cmd=10, dstid=one.id, media=1, content="b"))["code"], -3)
        theirs.say(cmd=5, scope=10, dstid=one.id)
        await theirs.quiet()
        self.assertEqual([f for f in await mine.quiet() if f["cmd"] in (5, 10) and f.get("content") != "a"], [])
        self.assertEqual([row["id"] for row in (await one.get("/contact/loadblock")).rows], [two.id])
        for person in (one, two):
            self.assertEqual([row["online"] for row in (await person.get("/contact/loadfriend")).rows], [0])
        self.assertEqual((await two.get("/user/find", id=one.id)).data["online"], 0)
        await self.fine(one, "unblock", dstid=two.id)
        await theirs.tell(10, one.id, "c")
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["online"], 1)
        self.assertEqual((await one.get("/contact/loadblock")).rows, [])

    async def test_presence(self) -> None:
        """Neither of the two is told when the other comes online."""
        one, two, three = await self.friends(3)
        await self.fine(one, "block", dstid=two.id)
        theirs, others = await two.device(), await three.device()
        await one.device()
        await others.hear(cmd=7, userid=one.id, online=1)
        await theirs.quiet()
        self.assertEqual([f for f in theirs.heard if f["cmd"] == 7 and f["userid"] == one.id], [])

    async def test_friend_request(self) -> None:
        """A blocked user's request is answered like any other, and has no effect."""
        one, two = await self.people(2)
        await self.fine(one, "block", dstid=two.id)
        self.assertEqual(await self.fine(two, "addfriend", dstid=one.id), {"friend": 1})
        await self.no(two, "addfriend", "already your friend", status=200, dstid=one.id)
        self.assertEqual((await one.get("/contact/loadfriend")).rows, [])
        self.assertEqual((await one.get("/contact/loadrequest")).rows, [])
        await self.fine(one, "unblock", dstid=two.id)
        self.assertEqual((await one.get("/contact/loadrequest")).rows, [])
        self.assertEqual(await self.fine(two, "addfriend", dstid=one.id), {"friend": 1})
        self.assertEqual(len((await one.get("/contact/loadfriend")).rows), 1)

    async def test_groups(self) -> None:
        """In groups a block changes nothing, except that a blocked user can't add me."""
        one, two = await self.friends()
        group = await self.made(two, one)
        await self.fine(one, "block", dstid=two.id)
        device = await two.device()
        await device.tell(11, group, "a")
        other = (await self.fine(two, "createcommunity", name="g"))["id"]
        await self.no(two, "addmember", "not your friend", dstid=other, memberid=one.id)

    async def test_remark(self) -> None:
        """My own name for a friend is seen by me only."""
        one, two = await self.friends()
        await self.no(one, "remark", status=200, dstid=999, memo="x")
        await self.no(one, "remark", "memo", status=400, dstid=two.id, memo="m" * 121)
        await self.fine(one, "remark", dstid=two.id, memo="大哥")
        self.assertEqual((await one.get("/contact/loadfriend")).rows[0]["remark"], "大哥")
        self.assertEqual((await two.get("/contact/loadfriend")).rows[0]["remark"], "")


class ApprovingBlockTests(GroupNode):
    """Blocks where friends agree first."""

    settings = {"limits": "off", "friend": "approve", "group": "invite"}  # noqa: RUF012

    async def test_request(self) -> None:
        """A blocked user's request is never shown, nor one from before the block; and the default rule of groups."""
        one, two = await self.people(2)
        self.assertEqual(await self.fine(two, "addfriend", dstid=one.id), {"friend": 0})
        (row,) = (await one.get("/contact/loadrequest")).rows
        await self.fine(one, "block", dstid=two.id)
        self.assertEqual((await one.get("/contact/loadrequest")).rows, [])
        await self.no(one, "approvefriend", status=404, requestid=row["id"])
        third = await self.person()
        await self.fine(one, "block", dstid=third.id)
        self.assertEqual(await self.fine(third, "addfriend", dstid=one.id), {"friend": 0})
        await self.no(third, "addfriend", "asked already", status=200, dstid=one.id)
        self.assertEqual((await one.get("/contact/loadrequest")).rows, [])
        self.assertEqual((await self.fine(one, "createcommunity", name="g"))["join"], "invite")
        self.assertEqual((await self.get_settings())["group"], "invite")

    async def get_settings(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.ask("GET", "/settings")).data
        return answer
