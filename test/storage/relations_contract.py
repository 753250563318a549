"""What the store of friends and groups promises on every database."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredList, gatherResults

from test.storage.rig import DEVICE, WIDE, Storage, asynchronous
from twim.errors import NotFound, NotYours, Refusal
from twim.logic.policy import may_act_on, may_join, may_remove, may_run
from twim.storage import friends, groups, members, relations
from twim.wire.commands import GROUP, RECALL


class AnyRelations:
    """Friends and groups."""

    storage: Storage

    @asynchronous
    async def test_befriend(self: Any) -> None:
        """Friends are friends both ways, at once."""
        a, b = await self.storage.user(), await self.storage.user()
        self.assertTrue(await self.storage.relations.befriend(a.id, b.id, WIDE, False))
        self.assertEqual(await self.storage.relations.friends(a.id), [b])
        self.assertEqual(await self.storage.relations.friends(b.id), [a])
        self.assertEqual((await self.storage.relations.circle(b.id)).friends, {a.id})

    @asynchronous
    async def test_arriving(self: Any) -> None:
        """The tokens and circles of many users are read together; an unknown token gives nothing."""
        people = [await self.storage.user() for _ in range(4)]
        a, b, c, d = (one.id for one in people)
        await self.storage.relations.befriend(a, b, "", False)
        group = await self.storage.group(b)
        tokens = {}
        for number, userid in enumerate((a, b, d)):
            token = bytes([200, number]) * 16
            device = await self.storage.accounts.add_device(userid, "hash", DEVICE | {"tokenhash": token})
            tokens[token] = (userid, device.id)
        known, circles = await self.storage.relations.arriving([*tokens, b"\xfe" * 32], [c, d])
        self.assertEqual(known, tokens)
        self.assertEqual(
            {userid: (one.friends, one.groups) for userid, one in circles.items()},
            {a: ({b}, set()), b: ({a}, {group.id}), c: (set(), set()), d: (set(), set())},
        )
        self.assertEqual(await self.storage.relations.arriving([], []), ({}, {}))
        self.assertEqual((await self.storage.relations.arriving([], [a]))[1][a].friends, {b})

    @asynchronous
    async def test_circles(self: Any) -> None:
        """Circles can be read for more users than fit into one statement."""
        self.patch(relations, "TOGETHER", 2)
        people = [(await self.storage.user()).id for _ in range(5)]
        await self.storage.relations.befriend(people[0], people[4], "", False)
        found = await self.storage.relations.circles(people)
        self.assertEqual([found[one].friends for one in people], [{people[4]}, set(), set(), set(), {people[0]}])

    @asynchronous
    async def test_befriend_refused(self: Any) -> None:
        """A missing user, or one who is a friend already, can't be befriended."""
        a, b = await self.storage.user(), await self.storage.user()
        befriend = self.storage.relations.befriend
        await self.refused(befriend(a.id, 2**52, "", False), "no such user", NotFound)
        await befriend(a.id, b.id, "", False)
        await self.refused(befriend(a.id, b.id, "", False), "already your friend")
        await self.refused(befriend(b.id, a.id, "", True), "already your friend")

    @asynchronous
    async def test_befriend_at_once(self: Any) -> None:
        """Two who add each other at the same moment are friends once."""
        a, b = await self.storage.user(), await self.storage.user()
        both = [self.storage.relations.befriend(x, y, "", False) for x, y in ((a.id, b.id), (b.id, a.id))]
        refused = 0
        for one in both:
            try:
                await one
            except Exception as error:
                self.assertIn("already your friend", str(error))
                refused += 1
        self.assertEqual(refused, 1)
        self.assertEqual(await self.storage.relations.friends(a.id), [b])

    @asynchronous
    async def test_too_many_friends(self: Any) -> None:
        """The number of a user's friends is bounded."""
        self.patch(friends, "FRIENDS", 1)
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.relations.befriend(a.id, b.id, "", False)
        await self.refused(self.storage.relations.befriend(a.id, c.id, "", False), "at most 1 friends")

    @asynchronous
    async def test_request(self: Any) -> None:
        """With approval a request waits until the person asked accepts it."""
        a, b = await self.storage.user(), await self.storage.user()
        self.assertFalse(await self.storage.relations.befriend(a.id, b.id, WIDE, True))
        await self.refused(self.storage.relations.befriend(a.id, b.id, "", True), "you asked already")
        (request,) = await self.storage.relations.requests(b.id)
        self.assertEqual((request.user, request.memo), (a, WIDE))
        self.assertEqual(await self.storage.relations.requests(a.id), [])
        await self.refused(self.storage.relations.answer_request(a.id, request.id, True), "no such request", NotFound)
        self.assertEqual(await self.storage.relations.answer_request(b.id, request.id, True), a.id)
        self.assertEqual(await self.storage.relations.friends(a.id), [b])
        self.assertEqual(await self.storage.relations.requests(b.id), [])

    @asynchronous
    async def test_request_refused(self: Any) -> None:
        """A refused request is gone, and can be made again."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", True)
        (request,) = await self.storage.relations.requests(b.id)
        await self.storage.relations.answer_request(b.id, request.id, False)
        self.assertEqual(await self.storage.relations.friends(a.id), [])
        self.assertFalse(await self.storage.relations.befriend(a.id, b.id, "", True))

    @asynchronous
    async def test_both_ask(self: Any) -> None:
        """Asking somebody who has asked accepts their request."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", True)
        self.assertTrue(await self.storage.relations.befriend(b.id, a.id, "", True))
        self.assertEqual(await self.storage.relations.friends(a.id), [b])

    @asynchronous
    async def test_part(self: Any) -> None:
        """A friendship ends for both, once."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", False)
        await self.storage.relations.part(b.id, a.id)
        self.assertEqual(await self.storage.relations.friends(a.id), [])
        await self.refused(self.storage.relations.part(a.id, b.id), "not your friend")

    @asynchronous
    async def test_create(self: Any) -> None:
        """A group's first member is its owner; its fields hold any character."""
        a = await self.storage.user()
        fields = {"name": "群" * 29 + "👪", "icon": "🖼" * 250, "cate": 7, "memo": "𠮷" * 120}
        made = await self.storage.group(a.id, **fields)
        self.assertEqual({k: getattr(made, k) for k in fields} | {"owner": made.ownerid}, fields | {"owner": a.id})
        self.assertEqual(await self.storage.relations.groups(a.id), [made])
        self.assertEqual(await self.storage.relations.members(made.id), [a])
        self.assertEqual((await self.storage.relations.circle(a.id)).groups, {made.id})

    @asynchronous
    async def test_five_groups(self: Any) -> None:
        """A user owns five groups, however fast it makes them."""
        a = await self.storage.user()
        outcomes = []
        for made in [self.storage.relations.create(a.id, {"name": str(n)}) for n in range(8)]:
            try:
                outcomes.append(await made)
            except Exception as error:
                self.assertIn("at most 5 groups", str(error))
        self.assertEqual(len(outcomes), 5)

    @asynchronous
    async def test_join(self: Any) -> None:
        """A user joins an existing group once, and has read what was said before."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.say(a.id, group.id, scope=GROUP)
        self.assertEqual((await self.storage.relations.join(b.id, group.id, 0, may_join)).group, group)
        (row,) = await self.storage.conversations.rows(b.id)
        self.assertEqual((row.seq, row.read), (1, 1))
        await self.refused(self.storage.relations.join(b.id, group.id, 0, may_join), "already a member")
        unknown = self.storage.relations.join(b.id, 2**52, 0, may_join)
        await self.refused(unknown, "no group that you may join", NotYours)
        members_now = await self.storage.relations.members(group.id)
        self.assertEqual(sorted(one.id for one in members_now), sorted([a.id, b.id]))

    @asynchronous
    async def test_too_many_members(self: Any) -> None:
        """The number of a group's members is bounded, also when many join at once."""
        self.patch(members, "MEMBERS", 3)
        people = [await self.storage.user() for _ in range(6)]
        group = await self.storage.group(people[0].id)
        joined = 0
        for one in [self.storage.relations.join(p.id, group.id, 0, may_join) for p in people[1:]]:
            try:
                await one
                joined += 1
            except Exception as error:
                self.assertIn("at most 3 members", str(error))
        self.assertEqual(joined, 2)

    @asynchronous
    async def test_leave(self: Any) -> None:
        """When the owner leaves, the oldest member becomes the owner; the last one leaves an empty group."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        await self.storage.relations.join(c.id, group.id, 0, may_join)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        await self.storage.relations.leave(a.id, group.id, 0)
        (now,) = await self.storage.relations.groups(b.id)
        self.assertEqual(now.ownerid, c.id)
        self.assertEqual(await self.storage.relations.groups(a.id), [])
        await self.refused(self.storage.relations.leave(a.id, group.id, 0), "not a member")
        await self.refused(self.storage.relations.leave(a.id, 2**52, 0), "not a member")
        await self.storage.relations.leave(c.id, group.id, 0)
        await self.storage.relations.leave(b.id, group.id, 0)
        self.assertEqual(await self.storage.relations.members(group.id), [])

    @asynchronous
    async def test_without_an_owner(self: Any) -> None:
        """Former members have no rights in an empty group; the first who joins owns it."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        relations = self.storage.relations
        self.assertEqual((await relations.leave(a.id, group.id, 0))[0].ownerid, 0)
        await self.refused(
            relations.change(a.id, group.id, {"name": "x"}, 0, may_run), "you are not in that group", NotYours
        )
        self.assertEqual((await relations.join(b.id, group.id, 0, may_join)).group.ownerid, b.id)
        self.assertEqual((await relations.join(c.id, group.id, 0, may_join)).group.ownerid, b.id)
        for former in (a, c):
            words = "you are not in" if former is a else "only the group's owner"
            await self.refused(relations.change(former.id, group.id, {"name": "x"}, 0, may_run), words, NotYours)
            await self.refused(relations.remove(former.id, group.id, b.id, 0, may_act_on), words, NotYours)
        self.assertEqual((await relations.join(a.id, group.id, 0, may_join)).group.ownerid, b.id)
        await relations.remove(b.id, group.id, c.id, 0, may_act_on)
        self.assertEqual((await relations.change(b.id, group.id, {"name": "ours"}, 0, may_run))[1].name, "ours")

    @asynchronous
    async def test_an_owner_who_left_makes_room(self: Any) -> None:
        """A group that its owner left doesn't count among the owner's five."""
        self.patch(groups, "GROUPS_OWNED", 1)
        a = await self.storage.user()
        group = await self.storage.group(a.id)
        await self.refused(self.storage.relations.create(a.id, {"name": "g"}), "at most 1 groups")
        await self.storage.relations.leave(a.id, group.id, 0)
        await self.storage.group(a.id)

    @asynchronous
    async def test_at_once(self: Any) -> None:
        """When members leave, join, remove and rename at the same moment, the owner is a member, and others are
        refused."""
        people = [(await self.storage.user()).id for _ in range(4)]
        a, b, c, d = people
        other = self.open().relations
        for attempt in range(6):
            here = self.storage.relations
            group = (await self.storage.group(a)).id
            await here.join(b, group, 0, may_join)
            both = [here.leave(a, group, 0), other.leave(b, group, 0)]
            both += [here.join(c, group, 0, may_join), other.join(d, group, 0, may_join)]
            more = [other.change(a, group, {"name": "x"}, 0, may_run), here.remove(a, group, b, 0, may_act_on)]
            more.append(other.leave(a, group, 0))
            await DeferredList([*both, *more][:: -1 if attempt % 2 else 1], consumeErrors=True)
            (now,) = [one for one in await here.groups(c) if one.id == group]
            members = [one.id for one in await here.members(group)]
            self.assertEqual(sorted(members), sorted([c, d]))
            self.assertIn(now.ownerid, members)
            for one in people:
                if one != now.ownerid:
                    changing = here.change(one, group, {"name": "y"}, 0, may_run)
                    await self.refused(changing, "", NotYours)
            await here.change(now.ownerid, group, {"name": "mine"}, 0, may_run)

    @asynchronous
    async def test_all_leave_at_once(self: Any) -> None:
        """A group that everybody leaves at the same moment has no owner."""
        a, b, c = [(await self.storage.user()).id for _ in range(3)]
        other = self.open().relations
        group = (await self.storage.group(a)).id
        for one in (b, c):
            await other.join(one, group, 0, may_join)
        leaving = [other.leave(b, group, 0), other.leave(c, group, 0)]
        await gatherResults([self.storage.relations.leave(a, group, 0), *leaving])
        self.assertEqual((await self.storage.relations.join(b, group, 0, may_join)).group.ownerid, b)

    @asynchronous
    async def test_answered_at_once(self: Any) -> None:
        """Of several answers to one request at the same moment one counts."""
        for accepts in ((True, True), (True, False), (False, True)):
            a, b = await self.storage.user(), await self.storage.user()
            await self.storage.relations.befriend(a.id, b.id, "", True)
            (request,) = await self.storage.relations.requests(b.id)
            stores = (self.storage.relations, self.open().relations)
            answers = [one.answer_request(b.id, request.id, yes) for one, yes in zip(stores, accepts, strict=True)]
            outcomes = await DeferredList(answers, consumeErrors=True)
            self.assertEqual(sorted(done for done, _ in outcomes), [False, True])
            self.assertTrue(all(done or what.check(NotFound, Refusal) for done, what in outcomes))
            holds = next(yes for (done, _), yes in zip(outcomes, accepts, strict=True) if done)
            self.assertEqual(await self.storage.relations.friends(a.id), [b] if holds else [])

    @asynchronous
    async def test_old_wishes(self: Any) -> None:
        """A request from before a friendship, or from before its end, isn't valid any more."""
        a, b = await self.storage.user(), await self.storage.user()
        relations = self.storage.relations
        await relations.befriend(a.id, b.id, "", True)
        (request,) = await relations.requests(b.id)
        await relations.befriend(b.id, a.id, "", False)
        self.assertEqual(await relations.requests(b.id), [])
        await relations.part(a.id, b.id)
        await self.refused(relations.answer_request(b.id, request.id, True), "no such request", NotFound)
        self.assertEqual(await relations.friends(a.id), [])

    @asynchronous
    async def test_former_owner_recalls_nothing(self: Any) -> None:
        """A group's owner may recall members' messages only while being a member and the owner."""
        a, b = await self.storage.user(), await self.storage.user()
        group = (await self.storage.group(a.id)).id
        await self.storage.relations.join(b.id, group, 0, may_join)

        async def recall(who: int) -> bool:
            said = await self.storage.say(b.id, group, scope=GROUP)
            post = await self.storage.say(who, group, scope=GROUP, media=RECALL, ref=said.message.seq)
            return bool(post.is_new)

        self.assertTrue(await recall(a.id))
        await self.storage.relations.leave(a.id, group, 0)
        self.assertFalse(await recall(a.id))
        await self.storage.relations.join(a.id, group, 0, may_join)
        self.assertFalse(await recall(a.id))

    @asynchronous
    async def test_remove(self: Any) -> None:
        """Only the owner removes a member, and can't be removed."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        remove = self.storage.relations.remove
        await self.refused(remove(b.id, group.id, a.id, 0, may_act_on), "only the group's owner", NotYours)
        await self.refused(remove(a.id, group.id, a.id, 0, may_remove(True)), "to leave, leave")
        await self.refused(remove(a.id, group.id, c.id, 0, may_act_on), "not a member")
        await self.refused(remove(a.id, 2**52, c.id, 0, may_act_on), "you are not in that group", NotYours)
        await remove(a.id, group.id, b.id, 0, may_act_on)
        self.assertEqual(await self.storage.relations.members(group.id), [a])
        self.assertEqual(await self.storage.conversations.rows(b.id), [])

    @asynchronous
    async def test_change(self: Any) -> None:
        """Only the owner changes the group."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        change = self.storage.relations.change
        before, now = await change(a.id, group.id, {"name": WIDE}, 0, may_run)
        self.assertEqual((before, now.name), (group, WIDE))
        self.assertEqual(await change(a.id, group.id, {}, 0, may_run), (now, now))
        await self.refused(change(b.id, group.id, {"name": "x"}, 0, may_run), "you are not in that group", NotYours)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        await self.refused(change(b.id, group.id, {"name": "x"}, 0, may_run), "only the group's owner", NotYours)
        await self.refused(change(a.id, 2**52, {"name": "x"}, 0, may_run), "you are not in that group", NotYours)
