"""Searching messages, on every database: what is found, by whom, and what the index forgets."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, func, select

from test.storage.rig import Storage, asynchronous
from twim.logic.policy import may_join
from twim.storage.erasure import ErasureStore
from twim.storage.interface import key_of
from twim.storage.retention import RetentionStore
from twim.storage.schema import message
from twim.storage.search import changes, draft, finding, indexing, segments
from twim.storage.search.finding import Found, Search, SearchStore
from twim.storage.search.indexing import SearchIndexing
from twim.storage.search.lease import SECONDS, Lease
from twim.storage.search.pages import PAGES, Page, page_of
from twim.storage.search.tables import DEAD, LIVE, change, page
from twim.storage.search.words import Question
from twim.wire.commands import EDIT, GROUP, IMAGE, REACTION, RECALL, SINGLE, TEXT
from twim.wire.message import Message

BASE, SPAN = 4, 16  # row ids of a small and of a large segment here


async def no_pause(_: float) -> None:
    """Everything at once."""


class AnySearch:
    """Searches, of what is indexed and of what isn't yet."""

    storage: Storage

    def prepare(self: Any) -> None:
        """Small segments, so that a few messages have several."""
        self.patch(segments, "BASE", BASE)
        self.patch(segments, "SPAN", SPAN)
        self.patch(indexing, "WRITTEN", PAGES)
        self.patch(indexing, "MERGED", PAGES)
        self.store = SearchStore(self.storage.database)
        self.indexing = SearchIndexing(self.storage.database, lambda: self.storage.now, no_pause)

    async def index(self: Any) -> None:
        """Write the whole index."""
        while True:
            seen = await self.indexing.overview()
            if (piece := segments.unindexed(seen, seen.newest)) is not None:
                self.assertTrue(await self.indexing.build(*piece))
            elif parts := segments.mergeable(seen):
                self.assertTrue(await self.indexing.merge(parts))
            else:
                return

    async def repair(self: Any) -> None:
        """Put right what every segment has."""
        for one in (await self.indexing.overview()).live:
            await self.indexing.repair(one)

    async def fill(self: Any) -> None:
        """Let what was said before be in whole segments: others talk until it is."""
        a, b = await self.storage.user(), await self.storage.user()
        said = Message(userid=a.id, cmd=SINGLE, dstid=b.id, media=TEXT, content="…")
        await self.storage.together(*(msgspec.structs.replace(said) for _ in range(SPAN)))

    async def find(self: Any, userid: int, words: str, limit: int = 50, **more: Any) -> Found:
        """What the user finds."""
        return await self.store.find(Search(userid, Question(words), limit, **more))

    async def texts(self: Any, userid: int, words: str, **more: Any) -> list[str]:
        """The contents of all that the user finds, page by page."""
        found, before = [], 0
        while True:
            result = await self.find(userid, words, before=before, **more)
            found += [msgspec.json.decode(row)["content"] for row in result.rows]
            before = result.next
            if not before:
                return found

    async def both(self: Any, userid: int, words: str, expected: list[str], **more: Any) -> None:
        """Check what is found before it is indexed and afterwards."""
        self.assertEqual(await self.texts(userid, words, **more), expected)
        await self.fill()
        await self.index()
        self.assertEqual(await self.texts(userid, words, **more), expected)

    @asynchronous
    async def test_words(self: Any) -> None:
        """Words in any order, each by its beginning; signs anywhere; the newest first."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        said = ["今天下雪了", "Snow tomorrow", "No snowmen", "Schnee, Ｓｎｏｗ und Crème", "ein Café im Schnee"]
        for one in said:
            await self.storage.say(a.id, b.id, one)
        for _ in range(2):
            self.assertEqual(await self.texts(b.id, "雪"), ["今天下雪了"])
            self.assertEqual(await self.texts(b.id, "下雪"), ["今天下雪了"])
            self.assertEqual(await self.texts(b.id, "天雪"), [])
            self.assertEqual(await self.texts(b.id, "SNOW"), [said[3], said[2], said[1]])
            self.assertEqual(await self.texts(a.id, "creme snow"), [said[3]])
            self.assertEqual(await self.texts(a.id, "schnee cafe"), [said[4]])
            self.assertEqual(await self.texts(a.id, "now"), [])
            self.assertEqual(await self.texts(a.id, "e"), [said[4]])
            self.assertEqual(await self.texts(a.id, "snow", limit=1), [said[3], said[2], said[1]])
            await self.fill()
            await self.index()

    @asynchronous
    async def test_rows(self: Any) -> None:
        """A row is the message, under the name that the caller has for the conversation."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        group = await self.storage.group(a.id)
        await self.storage.say(a.id, b.id, "found you")
        await self.storage.say(a.id, group.id, "found us", scope=GROUP)
        for userid, other in ((a.id, b.id), (b.id, a.id)):
            rows = [msgspec.json.decode(row) for row in (await self.find(userid, "found you")).rows]
            self.assertEqual([(x["scope"], x["dstid"], x["userid"], x["seq"]) for x in rows], [(10, other, a.id, 1)])
        rows = [msgspec.json.decode(row) for row in (await self.find(a.id, "found")).rows]
        self.assertEqual([(x["scope"], x["dstid"], x["cmd"]) for x in rows], [(11, group.id, 11), (10, b.id, 10)])

    @asynchronous
    async def test_rights(self: Any) -> None:
        """Found is only what one may read now: nothing of others, nothing from before the floor, nothing after
        leaving."""
        self.prepare()
        a, b, c = [await self.storage.user() for _ in range(3)]
        group = await self.storage.group(a.id, history="joined", join="open")
        await self.storage.say(a.id, group.id, "secret one", scope=GROUP)
        await self.storage.relations.join(b.id, group.id, self.storage.now, may_join)
        await self.storage.say(a.id, group.id, "secret two", scope=GROUP)
        for _ in range(2):
            self.assertEqual(await self.texts(a.id, "secret"), ["secret two", "secret one"])
            self.assertEqual(await self.texts(b.id, "secret"), ["secret two"])
            self.assertEqual(await self.texts(c.id, "secret"), [])
            await self.fill()
            await self.index()
        await self.storage.relations.leave(b.id, group.id, self.storage.now)
        self.assertEqual(await self.texts(b.id, "secret"), [])
        self.assertEqual(await self.texts(a.id, "secret"), ["secret two", "secret one"])

    @asynchronous
    async def test_filters(self: Any) -> None:
        """One conversation, one sender, one kind, and from when until when."""
        self.prepare()
        a, b, c = [await self.storage.user() for _ in range(3)]
        start = self.storage.now
        await self.storage.say(a.id, b.id, "word 1")
        self.storage.now += 10
        await self.storage.say(b.id, a.id, "word 2", media=IMAGE)
        self.storage.now += 10
        await self.storage.say(a.id, c.id, "word 3")
        key = key_of(SINGLE, a.id, b.id)
        self.assertEqual(await self.store.conversation_of(c.id, key), 0)
        here = await self.store.conversation_of(a.id, key)
        for _ in range(2):
            self.assertEqual(await self.texts(a.id, "word", conversation_id=here), ["word 2", "word 1"])
            self.assertEqual(await self.texts(a.id, "word", sender=b.id), ["word 2"])
            self.assertEqual(await self.texts(a.id, "word", media=IMAGE), ["word 2"])
            self.assertEqual(await self.texts(a.id, "word", media=1), ["word 3", "word 1"])
            self.assertEqual(await self.texts(a.id, "word", since=start + 10), ["word 3", "word 2"])
            self.assertEqual(await self.texts(a.id, "word", until=start + 10), ["word 2", "word 1"])
            self.assertEqual(await self.texts(a.id, "word", since=start + 1, until=start + 9), [])
            await self.fill()
            await self.index()

    async def words_kept(self: Any, *words: str) -> int:
        """How many messages the index has under these words."""
        numbers = 0
        for lookup in Question(" ".join(words)).lookups():
            for one in (await self.indexing.overview()).live:
                ids = [one.id * PAGES + page_of(lookup.first)]
                pages = await self.storage.database.read(lambda c, ids=ids: segments.read_pages(c, ids))
                numbers += sum(len(Page(data).of(*lookup)) for data in pages.values())
        return numbers

    @asynchronous
    async def test_recalled(self: Any) -> None:
        """A recalled message is never found, and its words leave the index."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        for one in ("regret", "regrettable"):
            await self.storage.say(a.id, b.id, one)
        await self.fill()
        await self.index()
        self.assertEqual(await self.words_kept("regret"), 2)
        await self.storage.say(a.id, b.id, "", media=RECALL, ref=1)
        self.assertEqual(await self.texts(b.id, "regret"), ["regrettable"])
        await self.repair()
        self.assertEqual(await self.words_kept("regret"), 1)
        self.assertEqual(await self.texts(b.id, "regret"), ["regrettable"])

    @asynchronous
    async def test_erased(self: Any) -> None:
        """What an erased user said is never found, and its words leave the index."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "erased words")
        await self.storage.say(b.id, a.id, "words that stay")
        await self.fill()
        await self.index()
        store = ErasureStore(self.storage.database, self.storage.indexing)
        places = await store.said(a.id, 0, await store.newest())
        await store.empty(a.id, places)
        self.assertEqual(await self.texts(b.id, "words"), ["words that stay"])
        await self.repair()
        self.assertEqual(await self.words_kept("erased"), 0)
        self.assertEqual(await self.words_kept("stay"), 1)

    @asynchronous
    async def test_deleted_by_age(self: Any) -> None:
        """What was deleted by its age is never found, not even before its row is gone, and leaves the index; a segment
        of which nothing is left goes as a whole."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "old words")
        self.storage.now += 1000
        await self.storage.say(a.id, b.id, "new words")
        await self.fill()
        await self.index()
        await self.storage.indexing.written()
        store = RetentionStore(self.storage.database, self.storage.indexing)
        aged, _ = await store.aged(0, self.storage.now, None)
        await store.raise_floors(aged)
        self.assertEqual(await self.texts(b.id, "words"), ["new words"])
        while aged:
            aged = (await store.delete(aged)).left
        await self.repair()
        self.assertEqual(await self.words_kept("old"), 0)
        self.assertEqual(await self.texts(b.id, "words"), ["new words"])
        (first, *_) = sorted((await self.indexing.overview()).live, key=lambda one: one.first)
        gone = delete(message).where(message.c.id <= first.last)
        await self.storage.database.write(lambda c: c.execute(gone).rowcount)
        await self.storage.database.write(lambda c: changes.note(c, [first.first, first.last]))
        for _ in range(2):
            await self.indexing.tidy(await self.indexing.overview(), True)
        self.assertEqual((await self.indexing.overview()).changed, {})
        self.assertNotIn(first.id, [one.id for one in (await self.indexing.overview()).live])

    @asynchronous
    async def test_edited(self: Any) -> None:
        """An edited message is found by its newest words at once, and not by those it had: also one that had none."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "before")
        await self.storage.say(a.id, b.id, "", media=IMAGE, url="/x.png")
        await self.fill()
        await self.index()
        for ref, content in ((1, "after"), (2, "afterwards"), (1, "after that")):
            await self.storage.say(a.id, b.id, content, media=EDIT, ref=ref)
        await self.storage.say(b.id, a.id, "👍", media=REACTION, ref=1)
        for _ in range(2):
            self.assertEqual(await self.texts(b.id, "before"), [])
            self.assertEqual(await self.texts(b.id, "after"), ["afterwards", "after that"])
            self.assertEqual(await self.texts(b.id, "👍"), [])
            await self.repair()
        self.assertEqual(await self.words_kept("before"), 0)
        self.assertEqual(await self.words_kept("after"), 2)
        changed = await self.storage.database.read(lambda c: c.execute(select(func.count(change.c.id))).scalar_one())
        self.assertEqual(changed, 0)
        await self.fill()
        await self.index()
        self.assertEqual(await self.texts(b.id, "after"), ["afterwards", "after that"])

    @asynchronous
    async def test_merged(self: Any) -> None:
        """Many segments become one, with what each had; the pages of the others are deleted a while later."""
        self.prepare()
        a, b, c = [await self.storage.user() for _ in range(3)]
        expected = []
        for number in range(2 * SPAN):
            await self.storage.say(a.id, (b.id, c.id)[number % 2], f"number {number}")
            expected.insert(0, f"number {number}")
        await self.fill()
        await self.index()
        seen = await self.indexing.overview()
        self.assertIn(SPAN, {one.last - one.first + 1 for one in seen.live})
        self.assertTrue([one for one in seen.segments if one.state == DEAD])
        self.assertEqual(await self.texts(a.id, "number", limit=7), expected)
        self.assertEqual(await self.texts(b.id, "number"), expected[1::2])
        self.storage.now += indexing.KEPT_MS + 1
        await self.indexing.tidy(seen, True)
        seen = await self.indexing.overview()
        self.assertEqual({one.state for one in seen.segments}, {LIVE})
        held = await self.storage.database.read(lambda c: set(c.scalars(select(page.c.id / 512))))
        self.assertLessEqual({int(one) for one in held}, {one.id for one in seen.segments})
        self.assertEqual(await self.texts(c.id, "number"), expected[0::2])

    @asynchronous
    async def test_interrupted(self: Any) -> None:
        """What a crash left unfinished isn't searched, is deleted, and is made again."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "survivor")
        await self.fill()
        await self.storage.database.write(lambda c: segments.begin(c, 0, BASE - 1, self.storage.now))
        self.assertEqual(await self.texts(b.id, "survivor"), ["survivor"])
        await self.indexing.tidy(await self.indexing.overview(), True)
        self.storage.now += indexing.KEPT_MS + 1
        await self.indexing.tidy(await self.indexing.overview(), True)
        self.assertEqual((await self.indexing.overview()).segments, [])
        await self.index()
        self.assertEqual(await self.texts(b.id, "survivor"), ["survivor"])

    @asynchronous
    async def test_two_indexers(self: Any) -> None:
        """Of two that index the same messages the later one's work is thrown away."""
        self.prepare()
        a, b = await self.storage.user(), await self.storage.user()
        await self.storage.say(a.id, b.id, "twice")
        await self.fill()
        seen = await self.indexing.overview()
        piece = segments.unindexed(seen, seen.newest)
        self.assertTrue(await self.indexing.build(*piece))
        self.assertFalse(await self.indexing.build(*piece))
        await self.index()
        self.assertEqual(await self.texts(b.id, "twice"), ["twice"])

    @asynchronous
    async def test_lease(self: Any) -> None:
        """One of two nodes has the lease, until it doesn't renew it. On SQLite there is one node."""
        first, second = Lease(self.storage.database), Lease(self.storage.database)
        now = self.storage.now
        self.assertTrue(await first.take(now))
        self.assertEqual(await second.take(now + 1), not first.is_shared)
        self.assertTrue(await first.take(now + 1000))
        self.assertTrue(await second.take(now + 1001 + int(1000 * SECONDS)))
        self.assertEqual(await first.take(now + 1002 + int(1000 * SECONDS)), not first.is_shared)

    @asynchronous
    async def test_bounded(self: Any) -> None:
        """A search that would look at too much ends early, and goes on from there."""
        self.prepare()
        self.patch(finding, "LOOKED_AT", 3)
        a, b = await self.storage.user(), await self.storage.user()
        for number in range(8):
            await self.storage.say(a.id, b.id, f"needle {number}" if number in (0, 7) else "hay")
        result = await self.find(a.id, "needle", limit=1)
        self.assertEqual(len(result.rows), 1)
        self.assertEqual(await self.texts(a.id, "needle"), ["needle 7", "needle 0"])
        await self.fill()
        await self.index()
        self.assertEqual(await self.texts(a.id, "needle"), ["needle 7", "needle 0"])
        self.assertEqual(await self.texts(a.id, "h"), ["hay"] * 6)

    @asynchronous
    async def test_many_words(self: Any) -> None:
        """A segment ends where there are too many words for it."""
        self.prepare()
        self.patch(indexing, "PIECE", 1)
        self.patch(draft, "MOST", 2)
        a, b = await self.storage.user(), await self.storage.user()
        for number in range(BASE):
            await self.storage.say(a.id, b.id, f"many words {number}")
        await self.both(a.id, "many words", [f"many words {number}" for number in reversed(range(BASE))])
        seen = await self.indexing.overview()
        self.assertLess(min(one.last - one.first for one in seen.segments), BASE - 1)
