"""Conversations that aren't in memory are found at once on SQLite, with the right head, whatever isn't indexed yet."""

from __future__ import annotations

from typing import Any

from test.storage.rig import OnSqlite, Storage, asynchronous
from twim.storage import conversations
from twim.storage.interface import Conversation, key_of
from twim.storage.sqlite import backend
from twim.wire.commands import GROUP, SINGLE


class FindingTests(OnSqlite):
    """Of conversations that were used before the server started."""

    async def begun(self) -> tuple[Storage, int, int]:
        """A server over a database with two users' messages, not all of them indexed."""
        a, b = (await self.storage.user()).id, (await self.storage.user()).id
        await self.storage.say(a, b)
        await self.storage.indexing.written()
        await self.storage.say(b, a)
        await self.storage.close(flush=False)
        return self.open(), a, b

    @asynchronous
    async def test_at_hand(self) -> None:
        """A stored conversation is found without waiting, once; a missing one is made only by `find`."""
        storage, a, b = await self.begun()
        found = storage.conversations.at_hand(key_of(SINGLE, b, a))
        assert isinstance(found, Conversation)
        self.assertEqual(found.head, 2)
        self.assertIs(storage.conversations.at_hand(key_of(SINGLE, a, b)), found)
        self.assertEqual((await storage.say(a, b)).message.seq, 3)
        self.assertIsNone(storage.conversations.at_hand(key_of(SINGLE, a, a)))
        self.assertIsNone(storage.conversations.at_hand(key_of(GROUP, a, 9)))
        self.assertEqual((await storage.say(a, a)).message.seq, 1)

    @asynchronous
    async def test_while_it_is_looked_for(self) -> None:
        """A later request waits with the earlier ones for the same conversation."""
        storage, a, b = await self.begun()
        self.patch(storage.database.backend, "conversation_here", lambda key: None)
        key = key_of(SINGLE, a, b)
        waiting = storage.conversations.find(key)
        self.assertIsNone(storage.conversations.at_hand(key))
        self.assertIs(await waiting, storage.conversations.at_hand(key))

    @asynchronous
    async def test_slow_disk(self) -> None:
        """After a look-up that waited for the disk, look-ups are left to the threads for a while."""
        storage, a, b = await self.begun()
        self.patch(backend, "SLOW_SECONDS", -1)
        here: Any = storage.database.backend.conversation_here
        self.assertEqual(here(key_of(SINGLE, a, b)).head, 2)
        self.assertIsNone(here(key_of(SINGLE, a, b)))
        self.assertEqual((await storage.say(a, b)).message.seq, 3)

    @asynchronous
    async def test_no_longer_kept(self) -> None:
        """A conversation that is no longer in memory keeps its numbers, though its last message isn't indexed."""
        self.patch(conversations, "KEPT", 1)
        self.patch(conversations, "LEAVING", 3)
        storage, a, b = await self.begun()
        others = [(await storage.user()).id for _ in range(8)]
        for n in range(3):
            for other in others:
                self.assertEqual((await storage.say(a, other)).message.seq, n + 1)
            self.assertEqual((await storage.say(a, b)).message.seq, n + 3)
        self.assertLessEqual(len(storage.conversations._leaving), 4)
