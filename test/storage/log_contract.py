"""What the message log promises on every database."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock, deferLater

from test.storage.rig import WIDE, Ear, Storage, asynchronous, stored_bodies
from twim.errors import NotYours
from twim.internals.epoll import ReactorIterations
from twim.logic.policy import may_join, may_run
from twim.storage import events
from twim.storage.interface import Post, key_of
from twim.storage.log import LARGE, SqlLog
from twim.wire.commands import EDIT, GROUP, NOTICE, REACTION, RECALL, SINGLE
from twim.wire.message import ID_LIMIT, Message

NAME = "ab/" + "c" * 62


def text(userid: int, dstid: int, content: str = "hi", **more: Any) -> Message:
    """A text message."""
    return Message(**({"userid": userid, "cmd": SINGLE, "dstid": dstid, "media": 1, "content": content} | more))


class AnyLog:
    """Appending, repeating, and what events do."""

    storage: Storage

    async def _two(self: Any) -> tuple[int, int]:
        return (await self.storage.user()).id, (await self.storage.user()).id

    async def _seqs(self: Any, a: int, b: int, scope: int = SINGLE) -> list[int]:
        return [msgspec.json.decode(body)["seq"] for body in await self.storage.bodies(a, b, scope)]

    @asynchronous
    async def test_gapless(self: Any) -> None:
        """Both sides' messages share one sequence without gaps, in one batch or in many."""
        a, b = await self._two()
        for n in range(3):
            await self.storage.say(a, b, str(n))
        posts = await self.storage.together(*(text(x, y, str(n)) for n in range(20) for x, y in ((a, b), (b, a))))
        self.assertEqual([post.message.seq for post in posts], list(range(4, 44)))
        self.assertEqual(await self._seqs(b, a), list(range(1, 44)))
        self.assertEqual({post.message.at for post in posts}, {self.storage.now})
        self.assertEqual(posts[0].body, (await self.storage.bodies(a, b))[3])

    @asynchronous
    async def test_own_sequence(self: Any) -> None:
        """Each conversation has its own numbering."""
        a, b = await self._two()
        group = await self.storage.group(a)
        posts = await self.storage.together(text(a, b), text(a, group.id, cmd=GROUP), text(a, b), text(a, a))
        self.assertEqual([post.message.seq for post in posts], [1, 1, 2, 1])

    @asynchronous
    async def test_after_restart(self: Any) -> None:
        """Another server continues the numbering where the first one stopped."""
        a, b = await self._two()
        await self.storage.say(a, b)
        await self.storage.close()
        storage = self.open()
        post = await storage.say(b, a)
        self.assertEqual(post.message.seq, 2)

    @asynchronous
    async def test_repeat(self: Any) -> None:
        """A cid that was stored gets its first answer, whatever is sent with it now."""
        a, b = await self._two()
        first = await self.storage.say(a, b, "one", cid=WIDE)
        self.assertIsNone(first.first)
        self.storage.now += 5_000
        again = await self.storage.say(a, b, "other", cid=WIDE)
        self.assertEqual(again.first, (SINGLE, b, 1, first.message.at))
        answer = await self.storage.say(a, a, "other", cid=WIDE)
        self.assertEqual(answer.first, (SINGLE, b, 1, first.message.at))
        self.assertEqual(await self._seqs(a, b), [1])
        self.assertEqual((await self.storage.say(a, b)).message.seq, 2)

    @asynchronous
    async def test_repeat_in_a_batch(self: Any) -> None:
        """The same when both are in one batch, among others."""
        a, b = await self._two()
        posts = await self.storage.together(
            text(a, b, "1", cid="x"), text(b, a, "2"), text(a, b, "1", cid="x"), text(a, b, "3", cid="y")
        )
        self.assertEqual([post.message.seq for post in posts if post.first is None], [1, 2, 3])
        self.assertEqual(posts[2].first, (SINGLE, b, 1, self.storage.now))

    @asynchronous
    async def test_repeat_after_restart(self: Any) -> None:
        """The same when another server stored it."""
        a, b = await self._two()
        first = await self.storage.say(a, b, cid="x")
        await self.storage.close()
        again = await self.open().say(a, b, cid="x")
        self.assertEqual(again.first, (SINGLE, b, 1, first.message.at))

    @asynchronous
    async def test_cids_are_exact(self: Any) -> None:
        """A cid is the sender's own, and compared to the byte: case, blanks, accents and length count."""
        a, b = await self._two()
        long = "🦊" * 64
        cids = ["x", "X", "x ", "\u00e9", "e\u0301", "e", " x", long, long[:-1]]
        for n, cid in enumerate(cids):
            post = await self.storage.say(a, b, cid=cid)
            self.assertIsNone(post.first, cid)
            self.assertEqual(post.message.seq, n + 1)
        self.assertIsNone((await self.storage.say(b, a, cid="x")).first)

    @asynchronous
    async def test_refused_in_the_middle(self: Any) -> None:
        """An event that is refused takes no seq; the others of its batch are stored."""
        a, b = await self._two()
        await self.storage.say(a, b)
        posts = await self.storage.together(
            text(a, b, "2"),
            text(b, a, "", media=RECALL, ref=1),
            text(a, b, "3"),
            text(b, a, "👍", media=REACTION, ref=2),
        )
        self.assertEqual(
            [post.refused and post.refused.msg for post in posts],
            [None, "only its author recalls a message", None, None],
        )
        self.assertEqual(await self._seqs(a, b), [1, 2, 3, 4])
        self.assertEqual(msgspec.json.decode((await self.storage.bodies(a, b))[1])["reactions"], {"👍": [b]})

    @asynchronous
    async def test_refs(self: Any) -> None:
        """A reply refers to an earlier message of its conversation."""
        a, b = await self._two()
        await self.storage.say(a, b)
        self.assertEqual((await self.storage.say(b, a, ref=1)).message.seq, 2)
        for ref in (3, 4, 2**40):
            post = await self.storage.say(b, a, ref=ref)
            self.assertEqual(post.refused.msg, "ref: there is no such message")
        posts = await self.storage.together(text(a, b), text(a, b, ref=3))
        self.assertEqual([post.refused for post in posts], [None, None])

    @asynchronous
    async def test_event_refused(self: Any) -> None:
        """Every rule of recall, edit and reaction has its refusal."""
        a, b = await self._two()
        await self.storage.say(a, b)  # 1
        await self.storage.say(a, b)  # 2
        await self.storage.say(a, b, "", media=RECALL, ref=2)  # 3
        await self.storage.say(a, b, "created", media=NOTICE)  # 4
        for sender, media, ref, content, why in (
            (a, RECALL, 0, "", "ref: which message?"),
            (a, EDIT, 0, "x", "ref: which message?"),
            (a, REACTION, 0, "x", "ref: which message?"),
            (a, RECALL, 9, "", "ref: there is no such message"),
            (a, RECALL, 3, "", "ref: that is not a message"),
            (a, REACTION, 4, "x", "ref: that is not a message"),
            (a, RECALL, 2, "", "ref: that message was recalled"),
            (a, EDIT, 2, "x", "ref: that message was recalled"),
            (b, REACTION, 2, "x", "ref: that message was recalled"),
            (b, RECALL, 1, "", "only its author recalls a message"),
            (b, EDIT, 1, "x", "only its author edits a message"),
            (a, EDIT, 1, "", "content: an edited message can't be empty"),
            (b, REACTION, 1, "x" * 33, "content: an emoji is 32 characters at most"),
        ):
            post = await self.storage.say(sender, b if sender == a else a, content, media=media, ref=ref)
            self.assertEqual(post.refused and post.refused.msg, why)
        self.assertEqual(len(await self.storage.bodies(a, b)), 4)

    @asynchronous
    async def test_reactions_bounded(self: Any) -> None:
        """The number of different reactions to a message is bounded, and that of people reacting."""
        a, b = await self._two()
        self.patch(events, "REACTIONS", 1)
        await self.storage.say(a, b)
        await self.storage.say(a, b, "👍", media=REACTION, ref=1)
        post = await self.storage.say(b, a, "👎", media=REACTION, ref=1)
        self.assertIn("all the reactions", post.refused.msg)
        self.patch(events, "REACTING", 1)
        post = await self.storage.say(b, a, "👍", media=REACTION, ref=1)
        self.assertIn("all the reactions", post.refused.msg)

    async def _first(self: Any, a: int, b: int, scope: int = SINGLE) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode((await self.storage.bodies(a, b, scope))[0])
        return found

    @asynchronous
    async def test_edit(self: Any) -> None:
        """An edited message has its newest text at its own seq, and the mentions of the last edit that had any."""
        a, b = await self._two()
        await self.storage.say(a, b, "one", mentions=[b])
        self.storage.now += 1
        await self.storage.say(a, b, "two", media=EDIT, ref=1)
        self.storage.now += 1
        await self.storage.say(a, b, WIDE, media=EDIT, ref=1, mentions=[0])
        shown = await self._first(a, b)
        self.assertEqual((shown["content"], shown["mentions"], shown["edited"]), (WIDE, [0], self.storage.now))
        self.assertEqual(shown["at"], self.storage.now - 2)
        await self.storage.say(a, b, "three", media=EDIT, ref=1)
        shown = await self._first(a, b)
        self.assertEqual((shown["content"], shown["mentions"]), ("three", [0]))

    @asynchronous
    async def test_react(self: Any) -> None:
        """Each user has one reaction to a message, can change it and take it back."""
        a, b = await self._two()
        await self.storage.say(a, b, "one")
        for sender, emoji, wanted in (
            (a, "👍", {"👍": [a]}),
            (b, "👍", {"👍": [a, b]}),
            (a, "👩‍🚀", {"👍": [b], "👩‍🚀": [a]}),
            (b, "", {"👩‍🚀": [a]}),
            (a, "", None),
        ):
            await self.storage.say(sender, b if sender == a else a, emoji, media=REACTION, ref=1)
            self.assertEqual((await self._first(a, b)).get("reactions"), wanted)

    @asynchronous
    async def test_recall(self: Any) -> None:
        """A recalled message keeps its seq and loses its text; its edits lose theirs."""
        a, b = await self._two()
        await self.storage.say(a, b, "secret", url=f"/mnt/{NAME}.png", pic="secret", memo="secret", amount=7, cid="c")
        await self.storage.say(a, b, "secret 2", media=EDIT, ref=1, mentions=[b], url="secret", memo="secret")
        await self.storage.say(b, a, "👍", media=REACTION, ref=1)
        await self.storage.say(b, a, "reply", ref=1)
        await self.storage.say(a, b, "", media=RECALL, ref=1)
        bodies = [msgspec.json.decode(body) for body in await self.storage.bodies(a, b)]
        plain = {"userid": a, "cmd": 10, "dstid": b, "at": self.storage.now}
        self.assertEqual(bodies[0], plain | {"media": 1, "seq": 1, "cid": "c", "recalled": 1})
        self.assertEqual(bodies[1], plain | {"media": EDIT, "seq": 2, "ref": 1})
        self.assertEqual(bodies[3]["content"], "reply")
        self.assertNotIn("secret", str(bodies))
        self.assertEqual((await self.storage.say(a, b, "new", cid="c")).first, (SINGLE, b, 1, self.storage.now))

    @asynchronous
    async def test_owner_recalls(self: Any) -> None:
        """A group's owner recalls what a member said; a member recalls only its own."""
        a, b = await self._two()
        group = await self.storage.group(a)
        await self.storage.relations.join(b, group.id, 0, may_join)
        for sender in (a, b):
            await self.storage.say(sender, group.id, "x", scope=GROUP)
        post = await self.storage.say(b, group.id, "", scope=GROUP, media=RECALL, ref=1)
        self.assertEqual(post.refused.msg, "only its author recalls a message")
        post = await self.storage.say(a, group.id, "", scope=GROUP, media=RECALL, ref=2)
        self.assertIsNone(post.refused)

    @asynchronous
    async def test_whole_message(self: Any) -> None:
        """Every field comes back as it was sent: the largest, and four-byte characters in every text."""
        a, b = await self._two()
        said = text(
            a, b, "👩‍🚀" * 2_000 + "𠮷" * 2_000, pic="🖼" * 2_000, url="🔗" * 2_000, memo="\0é " * 500, id=ID_LIMIT - 1,
            amount=1 - ID_LIMIT, cid="🦊" * 64, mentions=[ID_LIMIT - 1, 0],
        )  # fmt: skip
        sent = msgspec.to_builtins(said)
        await self.storage.post(said)
        self.assertEqual(await self._first(a, b), sent | {"seq": 1, "at": self.storage.now})

    @asynchronous
    async def test_big_ids(self: Any) -> None:
        """Users and groups are numbered up to 2^53 - 1."""
        big = ID_LIMIT - 1
        await self.storage.say(big, big - 1, "x")
        (row,) = await self.storage.conversations.rows(big - 1)
        self.assertEqual((row.dstid, row.seq), (big, 1))

    @asynchronous
    async def test_reading_by_sending(self: Any) -> None:
        """Sending marks as read in the sender's list at once, and only up to the sender's own message."""
        a, b = await self._two()
        await self.storage.together(text(b, a), text(a, b), text(b, a))
        (row,) = await self.storage.conversations.rows(a)
        self.assertEqual((row.read, row.seq, row.peer_read), (2, 3, 3))

    @asynchronous
    async def test_marks_after_a_crash(self: Any) -> None:
        """Marks that were only in memory are made anew from the log."""
        a, b = await self._two()
        await self.storage.say(a, b)
        await self.storage.indexing.written()
        await self.storage.say(b, a)
        await self.storage.say(a, b)
        await self.storage.close(flush=False)
        storage = self.open()
        (row,) = await storage.conversations.rows(b)
        self.assertEqual((row.read, row.seq, row.peer_read), (2, 3, 3))

    @asynchronous
    async def test_attachments(self: Any) -> None:
        """Files that messages, avatars and icons name are in use until recalled or replaced."""
        stems = [f"{n:02x}/{'a' * 62}" for n in range(8)]
        a, b = await self._two()
        asked = self.storage.attachments.referenced
        await self.storage.say(a, b, url=f"/mnt/{stems[0]}.png", pic=f"https://s3.example/b/p/{stems[1]}.thumb.webp")
        await self.storage.say(a, b, url=f"/mnt/{stems[0]}.png")
        await self.storage.say(a, b, url="https://example.com/a.png", pic="/mnt/zz/no.png")
        await self.storage.accounts.change(a, {"avatar": f"/mnt/{stems[2]}.jpg"})
        c = await self.storage.user(avatar=f"/mnt/{stems[3]}.jpg")
        group = await self.storage.group(a, icon=f"/mnt/{stems[4]}.jpg?x=1")
        self.assertEqual(await asked(stems), set(stems[:5]))
        self.assertEqual(await asked([]), set())
        await self.storage.say(a, b, "", media=RECALL, ref=1)
        await self.storage.accounts.change(a, {"avatar": ""})
        await self.storage.accounts.change(c.id, {"avatar": f"/mnt/{stems[5]}.jpg"})
        await self.storage.accounts.change(c.id, {"nickname": "x"})
        await self.storage.relations.change(a, group.id, {"icon": f"/mnt/{stems[6]}.jpg"}, 0, may_run)
        self.assertEqual(await asked(stems), {stems[0], stems[5], stems[6]})

    @asynchronous
    async def test_attachment_of_a_refused_message(self: Any) -> None:
        """A message that isn't stored doesn't keep its file in use."""
        a, b = await self._two()
        post = await self.storage.say(a, b, url=f"/mnt/{NAME}.png", ref=9)
        self.assertIsNotNone(post.refused)
        await self.storage.say(a, b, "x", cid="c")
        await self.storage.say(a, b, url=f"/mnt/{NAME}.png", cid="c")
        self.assertEqual(await self.storage.attachments.referenced([NAME]), set())

    @asynchronous
    async def test_files_of_others(self: Any) -> None:
        """A message that names a file of which it must be asked is stored if its sender uploaded that, or may read a
        message, a profile or a group that carries it; else it is refused, and those around it keep their order."""
        stems = [f"{n:02x}/{'b' * 62}" for n in range(5)]
        a, b = await self._two()
        stranger = (await self.storage.user()).id
        await self.storage.say(a, b, url=f"/mnt/{stems[0]}.png")
        await self.storage.accounts.change(a, {"avatar": f"/mnt/{stems[1]}.jpg"})
        group = await self.storage.group(a, icon=f"/mnt/{stems[2]}.jpg")
        await self.storage.say(a, group.id, scope=GROUP, url=f"/mnt/{stems[3]}.png")
        for _ in range(2):
            await self.storage.attachments.uploaded(stranger, stems[4], 5, 1)
        may = {a: stems[:4], b: stems[:2], stranger: [stems[1], stems[4]]}
        for userid, allowed in may.items():
            for stem in stems:
                said = Message(userid=userid, cmd=SINGLE, dstid=userid, media=4, url=f"/mnt/{stem}.png")
                before, post, after = await gatherResults(
                    [
                        Deferred.fromCoroutine(self.storage.say(userid, userid, "before")),
                        Deferred.fromCoroutine(self.storage.post(said, (stem,))),
                        Deferred.fromCoroutine(self.storage.say(userid, userid, "after")),
                    ]
                )
                self.assertEqual(post.refused is None, stem in allowed, (userid, stem))
                self.assertIsInstance(post.refused, NotYours if stem not in allowed else type(None))
                self.assertEqual(after.message.seq, before.message.seq + 1 + (stem in allowed))
                # Nobody may name more for having been refused, or for having sent something.
                allowed_now = [one for one in stems if await self._may_name(userid, one)]
                self.assertEqual(allowed_now, allowed)
        await self.storage.attachments.forget_uploads([stems[4]], 1)
        self.assertTrue(await self._may_name(stranger, stems[4]))

    async def _may_name(self: Any, userid: int, stem: str) -> bool:
        try:
            await self.storage.attachments.check_use(userid, stem)
        except NotYours:
            return False
        return True

    @asynchronous
    async def test_log_order(self: Any) -> None:
        """Rows stand in the order in which they were appended."""
        a, b = await self._two()
        await self.storage.together(*(text(a, b if n % 2 else a, str(n)) for n in range(10)))
        contents = [int(body["content"]) for body in await stored_bodies(self.storage)]
        if self.storage.database.dialect.defers_index:
            self.assertEqual(contents, list(range(10)))
        self.assertEqual([n for n in contents if n % 2], [1, 3, 5, 7, 9])

    @asynchronous
    async def test_clock_set_back(self: Any) -> None:
        """When the clock was set back, a later message still has no earlier time."""
        a, b = await self._two()
        first = await self.storage.say(a, b)
        self.storage.now -= 3_600_000
        self.assertEqual((await self.storage.say(a, b)).message.at, first.message.at)

    async def _after_a_large_batch(self: Any, milliseconds: float) -> list[int]:
        """How large the batches are when somebody says one thing in each of 20 iterations of the reactor, after a
        large batch; an iteration takes `milliseconds`. First with the shortcut ``epoll``, then without."""
        a, b = await self._two()
        await self.storage.say(a, b)
        conversation = await self.storage.conversations.find(key_of(SINGLE, a, b))
        counts = []
        for iterations in ReactorIterations.of(reactor), ReactorIterations(reactor):
            clock = Clock()
            log = SqlLog(self.storage.writing.appender, iterations, clock, lambda: self.storage.now)
            log.listener = Ear()
            waiting: list[Deferred[Post]] = []

            def speak(log: SqlLog = log, waiting: list[Deferred[Post]] = waiting) -> None:
                waiting.append(Deferred())
                log.append(Post(waiting[-1], text(a, b), conversation))

            for _ in range(LARGE):
                speak()
            await gatherResults(waiting)
            # After the call that reported the batch has returned.
            await deferLater(reactor, 0)
            before = log.batches
            waiting.clear()
            for _ in range(20):
                speak()
                clock.advance(milliseconds / 1000)
                await deferLater(reactor, 0)
            await gatherResults(waiting)
            counts.append(log.batches - before)
        return counts

    @asynchronous
    async def test_gathers_while_more_comes(self: Any) -> None:
        """After a large batch the next one waits while each iteration of the reactor brings more, and no longer."""
        self.assertEqual(await self._after_a_large_batch(0), [1, 1])

    @asynchronous
    async def test_gathers_not_for_long(self: Any) -> None:
        """However much arrives, a batch is committed after a short time."""
        for count in await self._after_a_large_batch(1):
            self.assertGreater(count, 1)
