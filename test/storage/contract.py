"""What the stores promise on every database. Each class is a mixin; `test_contract` runs them on all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from twisted.internet.defer import Deferred, gatherResults

from test.storage.rig import DEVICE, Storage, asynchronous
from twim.errors import NotFound, NotYours
from twim.storage import relations
from twim.storage.accounts import utc_now
from twim.storage.interface import key_of
from twim.storage.schema import message
from twim.wire.commands import GROUP, SINGLE

WIDE = "👩‍🚀𠮷é "  # four-byte characters, a joined sequence, a combining mark and a trailing blank


class AnyAccounts:
    """Users and devices."""

    storage: Storage

    @asynchronous
    async def test_register(self: Any) -> None:
        """A new user and its first device come back as they were stored, at today's time."""
        before = utc_now()
        fields = {"mobile": "+8613800000001", "nickname": "A", "avatar": "/a.png", "sex": "W", "memo": "m"}
        made, device = await self.storage.accounts.add(fields, "hash", DEVICE | {"tokenhash": bytes(32)})
        self.assertEqual(await self.storage.accounts.by_id(made.id), (made, "hash"))
        self.assertEqual(await self.storage.accounts.by_mobile("+8613800000001"), (made, "hash"))
        self.assertEqual(await self.storage.accounts.by_token(bytes(32)), device)
        self.assertEqual({k: getattr(made, k) for k in fields}, fields)
        self.assertTrue(before <= made.createat <= utc_now())
        self.assertEqual((device.agent, device.address, device.userid), ("a test", "127.0.0.1", made.id))

    @asynchronous
    async def test_taken(self: Any) -> None:
        """A mobile is one user's, and nothing of the second registration stays."""
        await self.storage.user(mobile="13800000001")
        again = self.storage.accounts.add({"mobile": "13800000001"}, "x", DEVICE | {"tokenhash": b"\1" * 32})
        await self.refused(again, "this mobile have account")
        self.assertIsNone(await self.storage.accounts.by_token(b"\1" * 32))

    @asynchronous
    async def test_taken_at_once(self: Any) -> None:
        """Of two registrations at the same moment one wins."""
        made = [
            self.storage.accounts.add({"mobile": "1380"}, "x", DEVICE | {"tokenhash": bytes([n]) * 32})
            for n in range(4)
        ]
        won = 0
        for one in made:
            try:
                await one
                won += 1
            except Exception as error:
                self.assertIn("this mobile have account", str(error))
        self.assertEqual(won, 1)

    @asynchronous
    async def test_exact_mobile(self: Any) -> None:
        """A mobile is compared to the letter."""
        await self.storage.user(mobile="+13800000001")
        for other in ("13800000001", " +13800000001", "+1380000000１", ""):
            self.assertIsNone(await self.storage.accounts.by_mobile(other))

    @asynchronous
    async def test_unknown(self: Any) -> None:
        """What isn't there is None."""
        self.assertIsNone(await self.storage.accounts.by_id(2**53 - 1))
        self.assertIsNone(await self.storage.accounts.by_mobile("000"))
        self.assertIsNone(await self.storage.accounts.by_token(b"\xff" * 32))
        self.assertEqual(await self.storage.accounts.many([2**53 - 1]), [])

    @asynchronous
    async def test_wide_characters(self: Any) -> None:
        """Every text field of a user holds as many four-byte characters as it may have characters."""
        fields = {"nickname": "👩" * 20, "memo": "𠮷" * 140, "avatar": "🖼" * 150}
        made = await self.storage.user(**fields)
        self.assertEqual({k: getattr(made, k) for k in fields}, fields)
        changed = await self.storage.accounts.change(made.id, {"nickname": WIDE})
        self.assertEqual(changed.nickname, WIDE)
        device = await self.storage.accounts.add_device(
            made.id, "hash", {"agent": "🦊" * 150, "address": "[::1]", "tokenhash": b"\2" * 32}
        )
        self.assertEqual((await self.storage.accounts.by_token(b"\2" * 32)).agent, device.agent)

    @asynchronous
    async def test_change(self: Any) -> None:
        """What is changed is what was given, and nothing else."""
        made = await self.storage.user(nickname="A", memo="m")
        changed = await self.storage.accounts.change(made.id, {"memo": "n", "sex": "M"})
        self.assertEqual((changed.nickname, changed.memo, changed.sex), ("A", "n", "M"))
        self.assertEqual(await self.storage.accounts.change(made.id, {}), changed)

    @asynchronous
    async def test_devices(self: Any) -> None:
        """Each log-in is a device; its user, and nobody else, ends it."""
        one, other = await self.storage.user(), await self.storage.user()
        added = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\3" * 32})
        listed = await self.storage.accounts.devices(one.id)
        self.assertEqual([d.id for d in listed], sorted((d.id for d in listed), reverse=True))
        self.assertEqual(listed[0], added)
        self.assertEqual(len(listed), 2)
        self.assertFalse(await self.storage.accounts.end_device(other.id, added.id))
        self.assertTrue(await self.storage.accounts.end_device(one.id, added.id))
        self.assertFalse(await self.storage.accounts.end_device(one.id, added.id))
        self.assertIsNone(await self.storage.accounts.by_token(b"\3" * 32))

    @asynchronous
    async def test_device_of_an_old_passwd(self: Any) -> None:
        """A log-in with a password that was changed meanwhile makes no device."""
        one = await self.storage.user()
        again = {"tokenhash": b"\7" * 32}
        self.assertIsNone(await self.storage.accounts.add_device(one.id, "old", DEVICE | again))
        self.assertIsNone(await self.storage.accounts.add_device(2**52, "hash", DEVICE | again))
        self.assertIsNone(await self.storage.accounts.by_token(b"\7" * 32))

    @asynchronous
    async def test_lasting_ids(self: Any) -> None:
        """The id of an ended device is not given to the next one."""
        one = await self.storage.user()
        ended = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\4" * 32})
        await self.storage.accounts.end_device(one.id, ended.id)
        new = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\5" * 32})
        self.assertGreater(new.id, ended.id)

    @asynchronous
    async def test_passwd(self: Any) -> None:
        """A new password ends every device but one."""
        one = await self.storage.user()
        kept = await self.storage.accounts.add_device(one.id, "hash", DEVICE | {"tokenhash": b"\6" * 32})
        ended = await self.storage.accounts.change_passwd(one.id, "new", kept.id)
        self.assertEqual(len(ended), 1)
        self.assertEqual(await self.storage.accounts.devices(one.id), [kept])
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "new")
        self.assertFalse(await self.storage.accounts.replace_hash(one.id, "hash", "again"))
        self.assertTrue(await self.storage.accounts.replace_hash(one.id, "new", "newer"))
        self.assertEqual((await self.storage.accounts.by_id(one.id))[1], "newer")
        late = DEVICE | {"tokenhash": b"\7" * 32}
        self.assertIsNone(await self.storage.accounts.add_device(one.id, "new", late))
        self.assertIsNotNone(await self.storage.accounts.add_device(one.id, "newer", late))

    @asynchronous
    async def test_many(self: Any) -> None:
        """Users are listed by id, whatever the order asked in."""
        made = [await self.storage.user() for _ in range(3)]
        found = await self.storage.accounts.many([one.id for one in reversed(made)] + [2**52])
        self.assertEqual([one.id for one in found], [one.id for one in made])

    @asynchronous
    async def test_times(self: Any) -> None:
        """A moment comes back as it was stored, on the last second of a leap day and at the end of time."""
        for moment in (datetime(2028, 2, 29, 23, 59, 59), datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59)):
            made = await self.storage.user()
            changed = await self.storage.accounts.change(made.id, {"createat": moment})
            self.assertEqual(changed.createat, moment)


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


class AnyConversations:
    """Lists, marks and pages."""

    storage: Storage

    @asynchronous
    async def test_none(self: Any) -> None:
        """A group that isn't there has no conversation; seeking makes none."""
        find, seek = self.storage.conversations.find, self.storage.conversations.seek
        self.assertIsNone(await find((GROUP, 2**52, 0)))
        self.assertIsNone(await seek((SINGLE, 2**51, 2**52)))
        self.assertIsNone(await seek((SINGLE, 2**51, 2**52)))

    @asynchronous
    async def test_one_conversation(self: Any) -> None:
        """Whoever asks first and however many at once, a pair of users has one conversation."""
        a, b = await self.storage.user(), await self.storage.user()
        other = self.open()
        key = key_of(SINGLE, b.id, a.id)
        self.assertEqual(key, (SINGLE, a.id, b.id))
        found = await gatherResults([s.conversations.find(key) for s in (self.storage, other) for _ in range(5)])
        self.assertEqual(len({one.id for one in found}), 1)
        self.assertIs(found[0], found[4])

    @asynchronous
    async def test_rows(self: Any) -> None:
        """Conversations are listed newest first, each with its newest message, and only if it has one."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.group(a.id)
        await self.storage.say(a.id, b.id, "one")
        await self.storage.say(c.id, a.id, "two")
        rows = await self.storage.conversations.rows(a.id)
        self.assertEqual([row.name for row in rows], [f"10:{c.id}", f"10:{b.id}"])
        told = msgspec.json.decode(rows[0].json(more=True))
        self.assertEqual(told["last"]["content"], "two")
        self.assertEqual(
            [told[k] for k in ("scope", "dstid", "seq", "read", "unread", "more")], [10, c.id, 1, 0, 1, True]
        )
        await self.storage.say(a.id, b.id, "three")
        rows = await self.storage.conversations.rows(a.id)
        self.assertEqual(rows[0].name, f"10:{b.id}")

    @asynchronous
    async def test_unread(self: Any) -> None:
        """Unread is what came after the mark; sending reads; the peer's mark is told in a single chat."""
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(3):
            await self.storage.say(a.id, b.id)
        self.assertEqual(await self._row(b.id), {"seq": 3, "read": 0, "unread": 3, "peerread": 3})
        await self.storage.say(b.id, a.id)
        self.assertEqual(await self._row(b.id), {"seq": 4, "read": 4, "unread": 0, "peerread": 3})
        await self.storage.marks.flush()
        self.assertEqual(await self._row(a.id), {"seq": 4, "read": 3, "unread": 1, "peerread": 4})

    async def _row(self: Any, userid: int) -> dict[str, int]:
        (row,) = await self.storage.conversations.rows(userid)
        told = msgspec.json.decode(row.json())
        return {k: told[k] for k in ("seq", "read", "unread", "peerread")}

    @asynchronous
    async def test_group_row(self: Any) -> None:
        """A group's row has no peer."""
        a = await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.say(a.id, group.id, scope=GROUP)
        (row,) = await self.storage.conversations.rows(a.id)
        self.assertNotIn(b"peerread", row.json())
        self.assertEqual(row.name, f"11:{group.id}")

    @asynchronous
    async def test_note_to_self(self: Any) -> None:
        """A user writes to itself in a conversation of one."""
        a = await self.storage.user()
        await self.storage.say(a.id, a.id)
        self.assertEqual(await self._row(a.id), {"seq": 1, "read": 1, "unread": 0, "peerread": 1})

    @asynchronous
    async def test_mark(self: Any) -> None:
        """A mark moves forward to a message that there is, never back."""
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(3):
            post = await self.storage.say(a.id, b.id)
        mark = self.storage.conversations.mark_read
        self.assertEqual(await mark(b.id, post.conversation, 2), (3, 2, True))
        self.assertEqual(await mark(b.id, post.conversation, 1), (3, 2, False))
        self.assertEqual(await mark(b.id, post.conversation, 2), (3, 2, False))
        self.assertEqual(await mark(b.id, post.conversation, 4), (3, 2, False))
        self.assertEqual((await self._row(b.id))["unread"], 1)
        self.assertEqual(await mark(a.id, post.conversation, 2), (3, 3, False))

    @asynchronous
    async def test_sending_after_reading(self: Any) -> None:
        """The mark of sending, written later, doesn't undo a read, nor the other way round."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id)
        post = await self.storage.say(b.id, a.id)
        self.assertEqual((await self.storage.conversations.mark_read(a.id, post.conversation, 2))[1:], (2, True))
        await self.storage.marks.flush()
        self.assertEqual((await self._row(a.id))["read"], 2)

    @asynchronous
    async def test_pages(self: Any) -> None:
        """Pages are ascending, before or after a seq, the newest first without either."""
        a, b = await self.storage.user(), await self.storage.user()
        for n in range(1, 11):
            post = await self.storage.say(a.id, b.id, str(n))
        for before, after, limit, wanted in (
            (None, None, 3, [8, 9, 10]),
            (8, None, 3, [5, 6, 7]),
            (2, None, 3, [1]),
            (1, None, 3, []),
            (99, None, 2, [9, 10]),
            (None, 0, 3, [1, 2, 3]),
            (None, 9, 3, [10]),
            (None, 10, 3, []),
        ):
            bodies, head = await self.storage.conversations.page(post.conversation, before, after, limit)
            self.assertEqual([msgspec.json.decode(body)["seq"] for body in bodies], wanted)
            self.assertEqual(head, 10)

    @asynchronous
    async def test_ranges(self: Any) -> None:
        """A catch-up reads ranges of several conversations, ascending and at most a page of each."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        for n in range(5):
            one = await self.storage.say(a.id, b.id, str(n))
            two = await self.storage.say(a.id, c.id, str(n))
        found = await self.storage.conversations.after(
            [(one.conversation.id, 1, 4), (two.conversation.id, 4, 5), (two.conversation.id, 5, 5)]
        )
        self.assertEqual([[msgspec.json.decode(body)["seq"] for body in part] for part in found], [[2, 3, 4], [5], []])

    @asynchronous
    async def test_refused_by_the_database(self: Any) -> None:
        """What doesn't fit a column never gets cut: it is stored whole or not at all."""
        try:
            made = await self.storage.user(nickname="x" * 21)
        except Exception:
            return
        self.assertEqual(made.nickname, "x" * 21)


async def stored_bodies(storage: Storage) -> list[Any]:
    """Every message of the database, in the order of the log."""
    listed = select(message.c.body).order_by(message.c.id)
    work: Deferred[Any] = storage.database.read(lambda c: [bytes(b) for (b,) in c.execute(listed)])
    return [msgspec.json.decode(body) for body in await work]
