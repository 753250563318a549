"""What a user may set of a conversation and ask about its messages, on every database."""

from __future__ import annotations

from typing import Any

import msgspec

from test.storage.rig import Storage, asynchronous
from twim.errors import NotFound, NotYours, Refusal
from twim.logic.policy import may_join
from twim.storage import message_details, versions
from twim.storage.interface import key_of
from twim.storage.schema import original
from twim.wire.commands import EDIT, GROUP, IMAGE, REACTION, RECALL, SINGLE, TEXT


class AnyMessageDetails:
    """Settings of conversations, readers, edits, and messages of one kind."""

    storage: Storage

    async def listed(self: Any, userid: int) -> list[dict[str, Any]]:
        """The rows that the user is shown."""
        rows = [row for row in await self.storage.conversations.rows(userid) if row.is_listed]
        for row, last in zip(rows, await self.storage.conversations.lasts(rows, 1 << 20), strict=True):
            row.last = last
        return [msgspec.json.decode(row.json()) for row in rows]

    @asynchronous
    async def test_settings(self: Any) -> None:
        """What isn't given stays, and what one sets is one's own."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id)
        change, key = self.storage.conversation_settings.change, key_of(SINGLE, a.id, b.id)
        self.assertEqual(await change(a.id, key, {"mute": 1}), {"mute": 1, "pin": 0, "hide": 0})
        self.assertEqual(await change(a.id, key, {"pin": 1}), {"mute": 1, "pin": 1, "hide": 0})
        (row,), (other,) = await self.listed(a.id), await self.listed(b.id)
        self.assertEqual((row["mute"], row["pin"], row["hide"]), (1, 1, 0))
        self.assertEqual((other["mute"], other["pin"], other["hide"]), (0, 0, 0))

    @asynchronous
    async def test_hidden(self: Any) -> None:
        """A hidden conversation is not listed until somebody says something, or it is shown again."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id)
        change, key = self.storage.conversation_settings.change, key_of(SINGLE, a.id, b.id)
        self.assertEqual((await change(a.id, key, {"hide": 1}))["hide"], 1)
        self.assertEqual(await self.listed(a.id), [])
        self.assertEqual(len(await self.listed(b.id)), 1)
        self.assertEqual((await change(a.id, key, {"mute": 1}))["hide"], 1)
        await self.storage.say(b.id, a.id)
        self.assertEqual([row["mute"] for row in await self.listed(a.id)], [1])
        self.assertEqual((await change(a.id, key, {"pin": 0}))["hide"], 0)
        await change(a.id, key, {"hide": 1})
        await change(a.id, key, {"hide": 0})
        self.assertEqual(len(await self.listed(a.id)), 1)

    @asynchronous
    async def test_settings_of_none(self: Any) -> None:
        """There is nothing to set where one takes no part."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        change = self.storage.conversation_settings.change
        self.assertIsNone(await change(c.id, key_of(GROUP, c.id, group.id), {"pin": 1}))
        self.assertIsNone(await change(a.id, key_of(SINGLE, a.id, b.id), {"pin": 1}))

    @asynchronous
    async def test_readers(self: Any) -> None:
        """Who has read a message, apart from its author, and when, as far as that is known."""
        a, b, c, d = [await self.storage.user() for _ in range(4)]
        group = await self.storage.group(a.id)
        for one in (b, c, d):
            await self.storage.relations.join(one.id, group.id, 0, may_join)
        for _ in range(3):
            post = await self.storage.say(a.id, group.id, scope=GROUP)
        readers, key = self.storage.details.readers, key_of(GROUP, a.id, group.id)
        self.assertEqual(await readers(a.id, key, 3), [])
        mark = self.storage.conversations.mark_read
        await mark(b.id, post.conversation, 1, 70)
        await mark(b.id, post.conversation, 3, 80)
        await self.storage.say(c.id, group.id, scope=GROUP)
        self.assertEqual(await readers(a.id, key, 3), sorted([(b.id, 80), (c.id, 0)]))
        self.assertEqual(await readers(d.id, key, 1), sorted([(b.id, 0), (c.id, 0)]))
        await self.refused(readers(a.id, key, 5), "no such message", NotFound)

    @asynchronous
    async def test_many_members(self: Any) -> None:
        """Of a large group it is not told."""
        self.patch(message_details, "READERS", 1)
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.relations.join(b.id, group.id, 0, may_join)
        await self.storage.say(a.id, group.id, scope=GROUP)
        await self.refused(self.storage.details.readers(a.id, key_of(GROUP, a.id, group.id), 1), "more than", Refusal)

    @asynchronous
    async def test_details_of_none(self: Any) -> None:
        """Nothing is told to who takes no part."""
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id)
        await self.storage.say(a.id, group.id, scope=GROUP)
        key = key_of(GROUP, c.id, group.id)
        details = self.storage.details
        for asked in (details.readers(c.id, key, 1), details.edits(c.id, key, 1), details.of_kind(c.id, key, 1, 0, 9)):
            await self.refused(asked, "you take part in no such conversation", NotYours)
        await self.refused(details.edits(a.id, key_of(SINGLE, a.id, b.id), 1), "no such conversation", NotYours)

    async def edited(self: Any, a: int, b: int) -> list[str]:
        """What the first message of a chat has said."""
        found = await self.storage.details.edits(a, key_of(SINGLE, a, b), 1)
        return [content for content, _ in found]

    @asynchronous
    async def test_edits(self: Any) -> None:
        """Every version of a message, the first one first, each with its time; none of what was never edited."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "one")
        begun = self.storage.now
        self.assertEqual(await self.edited(a.id, b.id), [])
        for words in ("two", "three"):
            self.storage.now += 1000
            await self.storage.say(a.id, b.id, words, media=EDIT, ref=1)
        await self.storage.say(b.id, a.id, "!", media=REACTION, ref=1)
        await self.storage.say(b.id, a.id, "an answer", ref=1)
        found = await self.storage.details.edits(b.id, key_of(SINGLE, a.id, b.id), 1)
        self.assertEqual(found, [("one", begun), ("two", begun + 1000), ("three", begun + 2000)])
        self.patch(versions, "EDITS", 1)
        self.assertEqual(await self.edited(a.id, b.id), ["one", "three"])

    @asynchronous
    async def test_edits_of_recalled(self: Any) -> None:
        """A recall leaves nothing of what a message said."""
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "one")
        await self.storage.say(a.id, b.id, "two", media=EDIT, ref=1)
        await self.storage.say(a.id, b.id, "", media=RECALL, ref=1)
        self.assertEqual(await self.edited(a.id, b.id), [])
        conversation = await self.storage.conversations.seek(key_of(SINGLE, a.id, b.id))
        left = await self.storage.database.read(
            lambda c: c.execute(original.select().where(original.c.conversation == conversation.id)).all()
        )
        self.assertEqual(left, [])

    async def kind(self: Any, a: int, b: int, media: int, before: int = 0, limit: int = 9) -> tuple[list[int], int]:
        """The seqs of a page of one kind, and `next`."""
        found = await self.storage.details.of_kind(a, key_of(SINGLE, a, b), media, before, limit)
        return [msgspec.json.decode(body)["seq"] for body in found.bodies], found.next

    @asynchronous
    async def test_of_kind(self: Any) -> None:
        """Messages of one kind are given newest first, page by page, less those that were recalled."""
        a, b = await self.storage.user(), await self.storage.user()
        for number in range(1, 9):
            media = TEXT if number % 2 else IMAGE
            await self.storage.say(a.id, b.id, media=media)
        await self.storage.say(a.id, b.id, "", media=RECALL, ref=6)
        self.assertEqual(await self.kind(a.id, b.id, IMAGE), ([8, 4, 2], 0))
        self.assertEqual(await self.kind(a.id, b.id, IMAGE, limit=2), ([8, 4], 4))
        self.assertEqual(await self.kind(a.id, b.id, IMAGE, before=4, limit=2), ([2], 0))
        self.assertEqual(await self.kind(a.id, b.id, IMAGE, before=2), ([], 0))
        self.assertEqual(await self.kind(a.id, b.id, IMAGE, before=1), ([], 0))

    @asynchronous
    async def test_of_kind_in_pieces(self: Any) -> None:
        """Only so many messages are looked at: a page may be short, or empty, and still not be the last one."""
        self.patch(message_details, "PIECE", 2)
        self.patch(message_details, "LOOKED_AT", 3)
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, media=IMAGE)
        for _ in range(4):
            await self.storage.say(a.id, b.id)
        self.assertEqual(await self.kind(a.id, b.id, IMAGE), ([], 3))
        self.assertEqual(await self.kind(a.id, b.id, IMAGE, before=3), ([1], 0))

    @asynchronous
    async def test_of_kind_bytes(self: Any) -> None:
        """A page ends when it has many bytes."""
        self.patch(message_details, "FILE_BYTES", 1)
        a, b = await self.storage.user(), await self.storage.user()
        for _ in range(2):
            await self.storage.say(a.id, b.id, media=IMAGE)
        self.assertEqual(await self.kind(a.id, b.id, IMAGE), ([2], 2))
