"""What the store of friends and groups promises on every database."""

from __future__ import annotations

from typing import Any

from test.storage.rig import DEVICE, WIDE, Storage, asynchronous
from twim.errors import NotFound, NotYours
from twim.storage import relations
from twim.wire.commands import GROUP


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
        """Tokens and circles of many are read together, each its own; an unknown token is none of them."""
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
        """More users than go into one statement."""
        self.patch(relations, "TOGETHER", 2)
        people = [(await self.storage.user()).id for _ in range(5)]
        await self.storage.relations.befriend(people[0], people[4], "", False)
        found = await self.storage.relations.circles(people)
        self.assertEqual([found[one].friends for one in people], [{people[4]}, set(), set(), set(), {people[0]}])

    @asynchronous
    async def test_befriend_refused(self: Any) -> None:
        """Nobody befriends who isn't there, or a friend again."""
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
        """A user's friends are bounded."""
        self.patch(relations, "FRIENDS", 1)
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.relations.befriend(a.id, b.id, "", False)
        await self.refused(self.storage.relations.befriend(a.id, c.id, "", False), "at most 1 friends")

    @asynchronous
    async def test_request(self: Any) -> None:
        """With approval a request waits until the one who was asked accepts it."""
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
        """A request that is refused is gone, and can be made again."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", True)
        (request,) = await self.storage.relations.requests(b.id)
        await self.storage.relations.answer_request(b.id, request.id, False)
        self.assertEqual(await self.storage.relations.friends(a.id), [])
        self.assertFalse(await self.storage.relations.befriend(a.id, b.id, "", True))

    @asynchronous
    async def test_both_ask(self: Any) -> None:
        """Who asks somebody that asked before says yes."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", True)
        self.assertTrue(await self.storage.relations.befriend(b.id, a.id, "", True))
        self.assertEqual(await self.storage.relations.friends(a.id), [b])

    @asynchronous
    async def test_part(self: Any) -> None:
        """A friendship ends on both sides, once."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.relations.befriend(a.id, b.id, "", False)
        await self.storage.relations.part(b.id, a.id)
        self.assertEqual(await self.storage.relations.friends(a.id), [])
        await self.refused(self.storage.relations.part(a.id, b.id), "not your friend")

    @asynchronous
    async def test_create(self: Any) -> None:
        """A group's first member is its owner; its fields hold every character."""
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
        """Who joins has read what was said before, joins once, and a group that is there."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.say(a.id, group.id, scope=GROUP)
        self.assertEqual(await self.storage.relations.join(b.id, group.id), group)
        (row,) = await self.storage.conversations.rows(b.id)
        self.assertEqual((row.seq, row.read), (1, 1))
        await self.refused(self.storage.relations.join(b.id, group.id), "already a member")
        await self.refused(self.storage.relations.join(b.id, 2**52), "no such group", NotFound)
        self.assertEqual(await self.storage.relations.members(group.id), [a, b])

    @asynchronous
    async def test_too_many_members(self: Any) -> None:
        """A group is bounded, also when many join at once."""
        self.patch(relations, "MEMBERS", 3)
        people = [await self.storage.user() for _ in range(6)]
        group = await self.storage.group(people[0].id)
        joined = 0
        for one in [self.storage.relations.join(p.id, group.id) for p in people[1:]]:
            try:
                await one
                joined += 1
            except Exception as error:
                self.assertIn("at most 3 members", str(error))
        self.assertEqual(joined, 2)

    @asynchronous
    async def test_leave(self: Any) -> None:
        """The owner who leaves hands the group to its oldest member; the last one leaves nobody."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        await self.storage.relations.join(c.id, group.id)
        await self.storage.relations.join(b.id, group.id)
        await self.storage.relations.leave(a.id, group.id)
        (now,) = await self.storage.relations.groups(b.id)
        self.assertEqual(now.ownerid, c.id)
        self.assertEqual(await self.storage.relations.groups(a.id), [])
        await self.refused(self.storage.relations.leave(a.id, group.id), "not a member")
        await self.refused(self.storage.relations.leave(a.id, 2**52), "no such group", NotFound)
        await self.storage.relations.leave(c.id, group.id)
        await self.storage.relations.leave(b.id, group.id)
        self.assertEqual(await self.storage.relations.members(group.id), [])

    @asynchronous
    async def test_remove(self: Any) -> None:
        """Only the owner removes a member, and not itself."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id)
        remove = self.storage.relations.remove
        await self.refused(remove(b.id, group.id, a.id), "only the group's owner", NotYours)
        await self.refused(remove(a.id, group.id, a.id), "to leave, leave")
        await self.refused(remove(a.id, group.id, c.id), "not a member")
        await self.refused(remove(a.id, 2**52, c.id), "no such group", NotFound)
        await remove(a.id, group.id, b.id)
        self.assertEqual(await self.storage.relations.members(group.id), [a])
        self.assertEqual(await self.storage.conversations.rows(b.id), [])

    @asynchronous
    async def test_change(self: Any) -> None:
        """Only the owner changes the group."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        change = self.storage.relations.change
        before, now = await change(a.id, group.id, {"name": WIDE})
        self.assertEqual((before, now.name), (group, WIDE))
        self.assertEqual(await change(a.id, group.id, {}), (now, now))
        await self.refused(change(b.id, group.id, {"name": "x"}), "only the group's owner", NotYours)
        await self.refused(change(a.id, 2**52, {"name": "x"}), "no such group", NotFound)
