"""Two servers on one database do the same at the same moment: the loser of the race is told the true state, and
nobody else is affected."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from random import Random
from threading import Event
from typing import Any

from sqlalchemy import func, insert, select
from twisted.internet.defer import Deferred, DeferredList, gatherResults

from test.storage.crossing import crossing
from test.storage.rig import DEVICE, OnMySql, OnPostgreSql, Storage, asynchronous, stored_bodies
from twim.errors import Refusal, TooMany
from twim.logic.policy import may_join
from twim.storage import conversations, database, groups
from twim.storage.interface import Post, key_of
from twim.storage.schema import attachment, contact, friend_request, message, participant
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message

ROUNDS = 12
PICTURE = "/mnt/ab/" + "0" * 31


async def outcomes(*waiting: Deferred[Any] | Coroutine[Any, Any, Any]) -> list[Any]:
    """The result of each, or its refusal."""
    running = [one if isinstance(one, Deferred) else Deferred.fromCoroutine(one) for one in waiting]
    found = await DeferredList(running, consumeErrors=True)
    return [result if good else result.value for good, result in found]


class RacesOnMySql(OnMySql):
    """On MariaDB."""

    timeout = 180

    def setUp(self) -> None:
        super().setUp()
        self.other = self.open()
        self.random = Random(7)

    async def people(self, number: int) -> list[int]:
        return [(await self.storage.user()).id for _ in range(number)]

    def shuffled(self, things: Sequence[Any]) -> list[Any]:
        return self.random.sample(things, len(things))

    async def count(self, table: Any, *where: Any) -> int:
        work = select(func.count()).select_from(table).where(*where)
        return int(await self.storage.database.read(lambda c: c.execute(work).scalar_one()))

    @asynchronous
    async def test_first_messages(self) -> None:
        """Everybody writes to everybody for the first time, at both servers and in any order: nobody is refused, and
        each pair has one conversation with two participants."""
        third = self.open()
        for number in range(ROUNDS):
            self.patch(conversations, "TOGETHER", number * 2 + 1)
            users = await self.people(12)
            keys = [key_of(SINGLE, a, b) for a in users for b in users if a < b]
            asked = [
                [storage.conversations.find(key) for key in self.shuffled(keys)]
                for storage in (self.storage, self.other, third)
            ]
            found = await outcomes(*asked[0], *asked[1], *asked[2])
            self.assertEqual([one for one in found if one is None or isinstance(one, Exception)], [])
            ids = {one.id for one in found}
            self.assertEqual(len(ids), len(keys))
            self.assertEqual(await self.count(participant, participant.c.conversation.in_(ids)), 2 * len(keys))

    @asynchronous
    async def test_a_pair_that_cannot_be_found(self) -> None:
        """A conversation that is missing after all tries is refused as to be tried again, never as a missing group,
        and others are found."""
        a, b, c = await self.people(3)
        unlucky = key_of(SINGLE, a, b)
        dialect = self.storage.database.dialect
        real_make = dialect.make_missing

        def make(connection: Any, keys: Any) -> Any:
            return real_make(connection, [key for key in keys if key != unlucky])

        self.patch(dialect, "make_missing", make)
        find = self.storage.conversations.find
        first = find(key_of(SINGLE, b, c))
        lost, kept, group = await outcomes(find(unlucky), find(key_of(SINGLE, a, c)), find((GROUP, 2**52, 0)))
        await first
        self.assertIsInstance(lost, TooMany)
        self.assertEqual(kept.called_by(a), c)
        self.assertIsNone(group)

    async def _say(self, storage: Storage, userid: int, dstid: int, cid: str) -> Post:
        return await storage.say(userid, dstid, cid=cid)

    @asynchronous
    async def test_one_cid_in_two_conversations(self) -> None:
        """The same cids at both servers, here to one friend and there to the other: each is stored once, and every
        other message of the batches too."""
        a, b, c = await self.people(3)
        for storage in (self.storage, self.other):
            for peer in (b, c):
                await storage.conversations.find(key_of(SINGLE, a, peer))
        for number in range(ROUNDS):
            cids = [f"{number}-{n}" for n in range(20)]
            asked = [self._say(self.storage, a, b, cid) for cid in cids]
            asked += [self._say(self.other, a, c, cid) for cid in self.shuffled(cids)]
            asked += [self._say(storage, a, b, f"{number}-{id(storage)}") for storage in (self.storage, self.other)]
            told = await outcomes(*asked)
            self.assertEqual([one for one in told if isinstance(one, Exception) or one.refused], [])
        bodies = await stored_bodies(self.storage)
        self.assertEqual(len({body["cid"] for body in bodies}), len(bodies))
        self.assertEqual(len(bodies), 22 * ROUNDS)

    @asynchronous
    async def test_a_message_that_cannot_be_stored(self) -> None:
        """A conversation whose next seq is taken refuses its own messages as to be tried again, and no others of the
        batch."""
        a, b, c, d = await self.people(4)
        conversation = (await self.storage.say(a, b)).conversation
        taken = {"conversation": conversation.id, "seq": 2, "sender": d, "cid": None, "ref": None, "body": b"{}"}
        await self.storage.database.write(lambda connection: connection.execute(insert(message).values(taken)))
        said = [Message(userid=a, cmd=SINGLE, dstid=peer, media=1, content="x") for peer in (c, d, b, c, d, b, c)]
        posts = await self.storage.together(*said)
        self.assertEqual([post.message.seq for post in posts if post.message.dstid != b], [1, 1, 2, 2, 3])
        self.assertEqual([type(post.refused) for post in posts if post.message.dstid == b], [TooMany] * 2)

    @asynchronous
    async def test_friends_both_ways(self) -> None:
        """Two who add each other at once are friends, once, and the second is told so."""
        for _ in range(ROUNDS):
            users = await self.people(4)
            pairs = [(a, b) for a in users for b in users if a != b]
            told = await outcomes(
                *[self.random.choice((self.storage, self.other)).relations.befriend(*pair, "", False) for pair in pairs]
            )
            self.assertEqual(sum(one is True for one in told), len(pairs) // 2)
            self.assertEqual({str(one) for one in told if one is not True}, {"already your friend"})
            self.assertEqual(await self.count(contact, contact.c.ownerid.in_(users)), len(pairs))

    @asynchronous
    async def test_requests_both_ways(self) -> None:
        """Two who ask each other at once are friends, and no request is left."""
        for _ in range(ROUNDS):
            a, b = await self.people(2)
            told = await outcomes(
                self.storage.relations.befriend(a, b, "", True), self.other.relations.befriend(b, a, "", True)
            )
            self.assertEqual(sorted(told), [False, True])
            self.assertEqual(await self.count(friend_request, friend_request.c.userid.in_((a, b))), 0)

    @asynchronous
    async def test_asked_and_answered_twice(self) -> None:
        """A request made twice at once is one, and accepted twice at once makes one friendship."""
        for _ in range(ROUNDS):
            a, b = await self.people(2)
            both = (self.storage.relations, self.other.relations)
            told = await outcomes(*[one.befriend(a, b, "", True) for one in both])
            self.assertEqual(sorted(map(str, told)), ["False", "you asked already"])
            (request,) = await self.storage.relations.requests(b)
            told = await outcomes(*[one.answer_request(b, request.id, True) for one in both])
            self.assertEqual(sorted(map(str, told)), sorted([str(a), "no such request"]))
            self.assertEqual(await self.count(contact, contact.c.ownerid.in_((a, b))), 2)

    @asynchronous
    async def test_one_mobile(self) -> None:
        """Of those who register one mobile at once one is registered, and the others are told that it is taken."""
        for number in range(ROUNDS):
            fields = {"mobile": f"+99{number:05}", "nickname": "", "avatar": PICTURE + ".png", "sex": "U", "memo": ""}

            def add(storage: Storage, nth: int, fields: dict[str, str] = fields, number: int = number) -> Deferred[Any]:
                token = (10**9 + 10 * number + nth).to_bytes(32, "big")
                return storage.accounts.add(fields, "hash", DEVICE | {"tokenhash": token})

            told = await outcomes(*[add(storage, n) for n, storage in enumerate([self.storage, self.other] * 3)])
            refused = [str(one) for one in told if isinstance(one, Exception)]
            self.assertEqual(refused, ["this mobile have account"] * 5)

    @asynchronous
    async def test_groups_owned(self) -> None:
        """Of many groups made at once at both servers, a user gets as many as allowed."""
        (a,) = await self.people(1)
        told = await outcomes(*[storage.group(a) for storage in [self.storage, self.other] * 6])
        refused = [str(one) for one in told if isinstance(one, Refusal)]
        self.assertEqual(refused, [f"at most {groups.GROUPS_OWNED} groups"] * (12 - groups.GROUPS_OWNED))

    @asynchronous
    async def test_joining(self) -> None:
        """When many join at once, each at both servers, each is a member once."""
        owner, *others = await self.people(12)
        group = (await self.storage.group(owner)).id
        asked = self.shuffled([(storage, one) for storage in (self.storage, self.other) for one in others])
        told = await outcomes(*[storage.relations.join(one, group, 0, may_join) for storage, one in asked])
        self.assertEqual([str(one) for one in told if isinstance(one, Exception)], ["already a member"] * len(others))
        self.assertEqual(len(await self.storage.relations.members(group)), 12)

    @asynchronous
    async def test_marks_and_pictures(self) -> None:
        """Read marks and pictures that are changed at once have one of the requested values, and no request is
        refused."""
        a, b = await self.people(2)
        for _ in range(30):
            conversation = (await self.storage.say(a, b)).conversation
        asked: list[Any] = [
            storage.conversations.mark_read(b, conversation, seq)
            for seq in range(1, 31)
            for storage in (self.storage, self.other)
        ]
        asked += [
            storage.accounts.change(b, {"avatar": f"{PICTURE}{n % 3}.png"})
            for n in range(20)
            for storage in (self.storage, self.other)
        ]
        told = await outcomes(*self.shuffled(asked))
        self.assertEqual([one for one in told if isinstance(one, Exception)], [])
        self.assertEqual((await self.storage.conversations.rows(b))[0].read, 30)
        self.assertEqual(await self.count(attachment, attachment.c.place == b), 1)

    @asynchronous
    async def test_lost_too_often(self) -> None:
        """A transaction that loses until its time is over is refused as to be tried again, not as an outage."""
        self.patch(database, "TRIES", 1)
        a, b = await self.people(2)
        mine, theirs = Event(), Event()
        write = self.storage.database.write
        told = await outcomes(write(crossing(a, b, mine, theirs)), write(crossing(b, a, theirs, mine)))
        self.assertEqual([type(one) for one in told if one is not None], [TooMany])

    @asynchronous
    async def test_crossing_batches(self) -> None:
        """Batches with the same conversations in opposite orders at both servers are all stored."""
        users = await self.people(8)
        pairs = [(a, b) for a in users for b in users if a != b]
        for _ in range(3):
            told = await gatherResults(
                [
                    Deferred.fromCoroutine(storage.say(*pair))
                    for storage in (self.storage, self.other)
                    for pair in self.shuffled(pairs)
                ]
            )
            self.assertEqual([post for post in told if post.refused], [])


class RacesOnPostgreSql(OnPostgreSql, RacesOnMySql):
    """On PostgreSQL."""

    def setUp(self) -> None:
        RacesOnMySql.setUp(self)
