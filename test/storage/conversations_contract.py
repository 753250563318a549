"""What lists, marks and pages of conversations promise on every database."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import gatherResults

from test.storage.rig import Storage, asynchronous
from twim.errors import TooMany
from twim.storage import conversations
from twim.storage.interface import key_of
from twim.wire.commands import GROUP, SINGLE


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
    async def test_in_order(self: Any) -> None:
        """Who asks for a conversation is answered in the order of asking, whatever else is looked for meanwhile:
        first messages wait here, and none may overtake an earlier one."""
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
        """Only so many wait for conversations; when those are answered there is room again."""
        self.patch(conversations, "LINES", 2)
        a, b = await self.storage.user(), await self.storage.user()
        find, key = self.storage.conversations.find, key_of(SINGLE, a.id, b.id)
        asked = [find(key), find(key)]
        await self.assertFailure(find(key), TooMany)
        self.assertEqual(*[one.id for one in await gatherResults(asked)])
        self.assertIsNone(await find((GROUP, 2**52, 0)))

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
        await self.storage.behind.written()
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
        await self.storage.behind.written()
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
