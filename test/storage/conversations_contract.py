"""What lists, marks and pages of conversations promise on every database."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import gatherResults

from test.storage.rig import Storage, asynchronous
from twim.errors import NotYours, TooMany
from twim.logic.policy import may_act_on, may_join
from twim.storage import conversations, unread
from twim.storage.interface import key_of
from twim.wire.commands import EDIT, GROUP, NOTICE, REACTION, RECALL, SINGLE


class AnyConversations:
    """Lists, marks and pages."""

    storage: Storage

    @asynchronous
    async def test_none(self: Any) -> None:
        """A missing group has no conversation, and looking for it makes none."""
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
        self.assertEqual(key, (SINGLE, *sorted((a.id, b.id))))
        found = await gatherResults([s.conversations.find(key) for s in (self.storage, other) for _ in range(5)])
        self.assertEqual(len({one.id for one in found}), 1)
        self.assertIs(found[0], found[4])

    @asynchronous
    async def test_in_order(self: Any) -> None:
        """Conversations are given in the order in which they were asked for: first messages wait for them, and none
        may overtake an earlier one."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        find = self.storage.conversations.find
        wanted, another = key_of(SINGLE, a.id, b.id), key_of(SINGLE, a.id, c.id)
        answered: list[str] = []

        def ask(name: str) -> Any:
            return find(wanted).addCallback(lambda _: answered.append(name))

        first = ask("first")
        # Asked for while the first is looked for, and together with one that has to be made.
        rest = [ask("second"), find(another)]
        first.addCallback(lambda _: ask("third"))
        await gatherResults([first, *rest])
        self.assertEqual(answered, ["first", "second", "third"])

    @asynchronous
    async def test_too_many(self: Any) -> None:
        """The number of waiting requests is bounded; when they are answered there is room again."""
        self.patch(conversations, "MAX_WAITING", 2)
        a, b = await self.storage.user(), await self.storage.user()
        find, key = self.storage.conversations.find, key_of(SINGLE, a.id, b.id)
        asked = [find(key), find(key)]
        await self.assertFailure(find(key), TooMany)
        self.assertEqual(*[one.id for one in await gatherResults(asked)])
        self.assertIsNone(await find((GROUP, 2**52, 0)))

    @asynchronous
    async def test_rows(self: Any) -> None:
        """Conversations are listed newest first, each with its newest message; empty ones aren't listed."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.group(a.id)
        await self.storage.say(a.id, b.id, "one")
        await self.storage.say(c.id, a.id, "two")
        rows = await self.storage.conversations.rows(a.id)
        self.assertEqual([row.name for row in rows], [f"10:{c.id}", f"10:{b.id}"])
        (rows[0].last,) = await self.storage.conversations.lasts(rows, 1)
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
        """What comes after the mark is unread; sending reads; a single chat has the peer's mark."""
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(3):
            await self.storage.say(a.id, b.id)
        self.assertEqual(await self._row(b.id), {"seq": 3, "read": 0, "unread": 3, "peerread": 3})
        await self.storage.say(b.id, a.id)
        self.assertEqual(await self._row(b.id), {"seq": 4, "read": 4, "unread": 0, "peerread": 3})
        await self.storage.indexing.written()
        self.assertEqual(await self._row(a.id), {"seq": 4, "read": 3, "unread": 1, "peerread": 4})

    async def _row(self: Any, userid: int) -> dict[str, int]:
        (row,) = await self.storage.conversations.rows(userid)
        (row.last,) = await self.storage.conversations.lasts([row], 1)
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
        """A user's notes to oneself are a conversation of one member."""
        a = await self.storage.user()
        await self.storage.say(a.id, a.id)
        self.assertEqual(await self._row(a.id), {"seq": 1, "read": 1, "unread": 0, "peerread": 1})

    @asynchronous
    async def test_mark(self: Any) -> None:
        """A mark moves forward to an existing message, never back."""
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
        """A mark by sending, which is written later, doesn't undo one by reading, nor the other way round."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id)
        post = await self.storage.say(b.id, a.id)
        self.assertEqual((await self.storage.conversations.mark_read(a.id, post.conversation, 2))[1:], (2, True))
        await self.storage.indexing.written()
        self.assertEqual((await self._row(a.id))["read"], 2)

    @asynchronous
    async def test_pages(self: Any) -> None:
        """Pages are ascending, before or after a seq, or the newest one without either."""
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
            page = await self.storage.conversations.page(post.conversation, before, after, limit)
            self.assertEqual([msgspec.json.decode(body)["seq"] for body in page.bodies], wanted)
            self.assertEqual((page.head, page.left), (10, 0 if len(wanted) < limit else page.left))
            # Message by message it is the same.
            seqs: list[int] = []
            one = await self.storage.conversations.page(post.conversation, before, after, limit, 1)
            while one.bodies:
                seqs += [msgspec.json.decode(body)["seq"] for body in one.bodies]
                self.assertEqual((len(one.bodies), one.last), (1, seqs[-1]))
                if not one.left:
                    break
                one = await self.storage.conversations.page(post.conversation, None, one.last, one.left, 1)
            self.assertEqual(seqs, wanted)

    @asynchronous
    async def test_ranges(self: Any) -> None:
        """A catch-up reads ranges of several conversations, ascending, at most a page of each."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        for n in range(5):
            one = await self.storage.say(a.id, b.id, str(n))
            two = await self.storage.say(a.id, c.id, str(n))
        wanted = [(one.conversation.id, 1, 4), (two.conversation.id, 4, 5), (two.conversation.id, 5, 5)]
        found, left = await self.storage.conversations.after(a.id, wanted, 1 << 20)
        self.assertEqual(([msgspec.json.decode(body)["seq"] for body in found], left), ([2, 3, 4, 5], []))
        found, left = await self.storage.conversations.after(a.id, wanted, len(found[0]) + 1)
        self.assertEqual([msgspec.json.decode(body)["seq"] for body in found], [2, 3])
        self.assertEqual(left, [(one.conversation.id, 3, 4), *wanted[1:]])
        found, left = await self.storage.conversations.after(a.id, left, 1)
        self.assertEqual(([msgspec.json.decode(body)["seq"] for body in found], left), ([4], wanted[1:]))

    async def test_newest_messages(self) -> None:
        """The newest messages of the rows are read in the order of the list, some at a time."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        await self.storage.say(a.id, b.id, "to b")
        await self.storage.say(a.id, c.id, "to c")
        rows = await self.storage.conversations.rows(a.id)
        await self.storage.say(a.id, c.id, "later")
        lasts = await self.storage.conversations.lasts(rows, 1 << 20)
        self.assertEqual([msgspec.json.decode(last)["content"] for last in lasts], ["to c", "to b"])
        self.assertEqual(await self.storage.conversations.lasts(rows, 1), lasts[:1])

    @asynchronous
    async def test_only_participants(self: Any) -> None:
        """Somebody who has left a group reads and marks nothing, also if the reading began before."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        post = await self.storage.say(a.id, group.id, scope=GROUP)
        store, conversation, key = self.storage.conversations, post.conversation, key_of(GROUP, b.id, group.id)
        self.assertEqual(len((await store.page_for(b.id, key, None, None, 10, 1)).bodies), 1)
        self.assertEqual(len((await store.after(b.id, [(conversation.id, 0, 1)], 1))[0]), 1)
        await self.storage.relations.leave(b.id, group.id, 0)
        await self.refused(store.page_for(b.id, key, None, None, 10, 1), "not in that group", NotYours)
        self.assertEqual(await store.after(b.id, [(conversation.id, 0, 1)], 1), ([], []))
        await self.refused(store.mark_read(b.id, conversation, 1), "not in that group", NotYours)

    async def _counted(self: Any, userid: int) -> tuple[int, int]:
        (row,) = rows = await self.storage.conversations.rows(userid)
        (row.last,) = await self.storage.conversations.lasts(rows, 1)
        told = msgspec.json.decode(row.json())
        return told["unread"], told["mentions"]

    @asynchronous
    async def test_what_counts(self: Any) -> None:
        """Recalling an unread message lowers unread; no recall, edit, reaction or notice about others raises it."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)

        async def say(content: str = "x", **more: Any) -> int:
            seq: int = (await self.storage.say(a.id, group.id, content, GROUP, **more)).message.seq
            return seq

        read, first, second = [await say() for _ in range(3)]
        conversation = await self.storage.conversations.seek(key_of(GROUP, a.id, group.id))
        await self.storage.conversations.mark_read(b.id, conversation, read)
        self.assertEqual(await self._counted(b.id), (2, 0))
        for fields in (
            {"media": EDIT, "ref": first},
            {"media": REACTION, "ref": first, "content": "👍"},
            {"media": REACTION, "ref": first, "content": ""},
            {"media": NOTICE, "content": "renamed", "memo": str(b.id)},
            {"media": NOTICE, "content": "removed", "memo": str(a.id)},
            {"media": RECALL, "ref": read},
        ):
            await say(**fields)
            self.assertEqual(await self._counted(b.id), (2, 0), fields)
        await say(media=RECALL, ref=second)
        self.assertEqual(await self._counted(b.id), (1, 0))
        await say("removed", media=NOTICE, memo=str(b.id))
        self.assertEqual(await self._counted(b.id), (2, 1))
        self.assertEqual(await self._counted(a.id), (0, 0))

    @asynchronous
    async def test_mentions(self: Any) -> None:
        """A mention counts once, by the newest text of the message, until it is recalled or read."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        for one in (b, c):
            await self.storage.relations.join(one.id, group.id, 0, may_join)

        async def say(**more: Any) -> None:
            await self.storage.say(a.id, group.id, scope=GROUP, **more)

        async def counted() -> tuple[int, int]:
            return (await self._counted(b.id))[1], (await self._counted(c.id))[1]

        await say(mentions=(0, b.id, b.id))
        self.assertEqual(await counted(), (1, 1))
        await say(mentions=(b.id,))
        self.assertEqual(await counted(), (2, 1))
        await say(media=EDIT, ref=2, mentions=(c.id,))
        self.assertEqual(await counted(), (1, 2))
        await say(media=EDIT, ref=2)
        self.assertEqual(await counted(), (1, 2))
        await say(media=RECALL, ref=1)
        self.assertEqual(await counted(), (0, 1))
        await say(media=RECALL, ref=2)
        self.assertEqual(await counted(), (0, 0))
        await say(mentions=(0,))
        await self.storage.say(b.id, group.id, scope=GROUP, mentions=(0,))
        self.assertEqual(await counted(), (0, 2))

    @asynchronous
    async def test_more_than_a_thousand(self: Any) -> None:
        """Exact to 1,000; 1,001 means more, until enough of it is recalled."""
        self.patch(unread, "EXACT", 3)
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(3):
            await self.storage.say(a.id, b.id, mentions=(0,))
        self.assertEqual(await self._counted(b.id), (3, 3))
        for _ in range(2):
            await self.storage.say(a.id, b.id, mentions=(0,))
        self.assertEqual(await self._counted(b.id), (4, 4))
        for ref in (1, 2):
            await self.storage.say(a.id, b.id, media=RECALL, ref=ref)
        self.assertEqual(await self._counted(b.id), (3, 3))

    @asynchronous
    async def test_unread_after_coming_back(self: Any) -> None:
        """For somebody who comes back to a group everything said before is read."""
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        await self.storage.say(a.id, group.id, scope=GROUP, mentions=(b.id,))
        await self.storage.relations.remove(a.id, group.id, b.id, 0, may_act_on)
        await self.storage.say(a.id, group.id, scope=GROUP, mentions=(0,))
        await self.storage.relations.add(a.id, group.id, b.id, 0, lambda *_: None)
        self.assertEqual(await self._counted(b.id), (0, 0))
        await self.storage.say(a.id, group.id, scope=GROUP)
        self.assertEqual(await self._counted(b.id), (1, 0))

    @asynchronous
    async def test_refused_by_the_database(self: Any) -> None:
        """A value that doesn't fit its column is never cut: it is stored whole or refused."""
        try:
            made = await self.storage.user(nickname="x" * 21)
        except Exception:
            return
        self.assertEqual(made.nickname, "x" * 21)
