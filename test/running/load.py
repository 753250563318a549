"""Users who all write to each other at once, and a ledger that finds out whether a message was lost or doubled."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

from twisted.internet.defer import Deferred, gatherResults

from test.running.people import Kept, Person, friends, group, until, whole_history
from twim.client import Answer, Closed, ConversationKey, State
from twim.errors import Refusal
from twim.wire.message import Message, Shown

IN_FLIGHT = 8  # messages that one client sends before it waits for an answer


class Ledger:
    """What was sent, what was answered, and what the server's history says."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}
        self.answered: dict[str, Answer] = {}
        self.refused: list[str] = []
        self.lost = self.doubled = self.reordered = 0

    def check(self, key: ConversationKey, rows: list[Shown], members: set[int], answered: dict[str, Answer]) -> None:
        """Compare the whole history of a conversation with what was answered before it was read. `members` send
        there."""
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), f"{key} has a gap"
        by_cid = Counter(row.cid for row in rows if row.cid)
        self.doubled += sum(count - 1 for count in by_cid.values())
        stored = {row.cid: row for row in rows if row.cid}
        for cid, row in stored.items():
            assert self.sent[cid] == row.content, f"{cid} says something else"
        for cid, answer in answered.items():
            if int(cid.split("-")[1]) in members and self._is_here(cid, answer, key, members):
                self.lost += cid not in stored
                assert cid not in stored or stored[cid].seq == answer.seq, f"{cid} was answered another seq"

    def _is_here(self, cid: str, answer: Answer, key: ConversationKey, members: set[int]) -> bool:
        sender = int(cid.split("-")[1])
        if answer.conversation.scope != key.scope:
            return False
        return (
            answer.conversation.dstid == key.dstid
            if key.scope == 11
            else {sender, answer.conversation.dstid} == members
        )

    def check_device(self, rows: list[Shown], given: list[Shown]) -> None:
        """Check that a device was given exactly the history, each message once and in order."""
        seqs = [message.seq for message in given]
        self.reordered += sum(after <= before for before, after in pairwise(seqs))
        self.doubled += len(seqs) - len(set(seqs))
        self.lost += len({row.seq for row in rows} - set(seqs))
        assert [(m.seq, m.userid, m.cid, m.content) for m in given] == [
            (m.seq, m.userid, m.cid, m.content) for m in rows
        ]


class Crowd:
    """Friends with one group, each with one or more full clients that write without pause until told to stop."""

    def __init__(self, people: list[Person], groupid: int, clients: list[Kept], seed: int) -> None:
        self.people = people
        self.groupid = groupid
        self.clients = clients
        self.ledger = Ledger()
        self._random = Random(seed)
        self._stopping = False
        self._writing: list[Deferred[None]] = []

    @classmethod
    async def gather(cls, url: str, count: int, devices: int = 1, by_way_of: str = "", seed: int = 1) -> Crowd:
        """Make `count` users with `devices` connected clients each, which may connect by way of another address."""
        people = await friends(url, count)
        groupid = await group(people)
        clients = [one.client(by_way_of, seed=seed * 1000 + one.id * 10 + n) for one in people for n in range(devices)]
        for client in clients:
            await client.connected()
        return cls(people, groupid, clients, seed)

    def write(self) -> None:
        """Let everybody begin to write."""
        self._stopping = False
        for number, client in enumerate(self.clients):
            for lane in range(IN_FLIGHT):
                self._writing.append(Deferred.fromCoroutine(self._lane(client, f"{number}-{lane}")))

    async def quiet(self, seconds: float = 60) -> None:
        """Stop writing, and wait until every message has its answer and every device has all messages."""
        self._stopping = True
        writing, self._writing = self._writing, []
        await until(lambda: all(not c.client.unanswered for c in self.clients), seconds, self._stuck)
        await gatherResults(writing, consumeErrors=True)
        for client in self.clients:
            await until(lambda c=client: c.client.state is State.ONLINE, seconds, "online again")
        for client, conversation, _ in self._views():
            head = (await self._person(client).rest.history(conversation, limit=1)).total
            what = str(conversation)
            await until(lambda c=client, k=conversation, h=head: c.seqs(k)[-1:] == [h] or not h, seconds, what)

    async def check_history(self) -> int:
        """Check that every answered message is in the history once. Gives how many messages the history has."""
        seen: set[tuple[int, ...]] = set()
        count = 0
        for client, conversation, members in self._views():
            key = (11, conversation.dstid) if conversation.scope == 11 else (10, *sorted(members))
            if key in seen:
                continue
            seen.add(key)
            answered = dict(self.ledger.answered)
            rows = await whole_history(self._person(client), conversation)
            self.ledger.check(conversation, rows, members, answered)
            count += len(rows)
        return count

    async def check_devices(self) -> None:
        """Check that every device has exactly the messages of the history."""
        for client, conversation, _ in self._views():
            rows = await whole_history(self._person(client), conversation)
            self.ledger.check_device(rows, client.messages.get(conversation, []))

    async def close(self) -> None:
        for client in self.clients:
            await client.client.close()

    @property
    def deliveries(self) -> int:
        """How many messages were given to devices so far."""
        return sum(len(given) for client in self.clients for given in client.messages.values())

    def _stuck(self) -> str:
        waiting = [(c.client.userid, c.client.state, c.client.unanswered) for c in self.clients if c.client.unanswered]
        return f"unanswered: {waiting}"

    def _views(self) -> list[tuple[Kept, ConversationKey, set[int]]]:
        everybody = {one.id for one in self.people}
        views = []
        for client in self.clients:
            me = client.client.userid
            views.append((client, ConversationKey(11, self.groupid), everybody))
            views += [(client, ConversationKey(10, other), {me, other}) for other in everybody - {me}]
        return views

    def _person(self, client: Kept) -> Person:
        return next(one for one in self.people if one.id == client.client.userid)

    async def _lane(self, client: Kept, name: str) -> None:
        me = client.client.userid
        number = 0
        while not self._stopping:
            number += 1
            message = self._message(me, f"m-{me}-{name}-{number}")
            self.ledger.sent[message.cid] = message.content
            await self._send(client, message)

    async def _send(self, client: Kept, message: Message) -> None:
        while True:
            try:
                self.ledger.answered[message.cid] = await client.client.send(message)
                return
            except Refusal:
                self.ledger.refused.append(message.cid)
                if self._stopping:
                    return
            except Closed:
                return

    def _message(self, me: int, cid: str) -> Message:
        content = f"{cid} " + "x" * self._random.randrange(200)
        others = [one.id for one in self.people if one.id != me]
        if self._random.random() < 0.3:
            return Message(cmd=11, dstid=self.groupid, media=1, content=content, cid=cid)
        return Message(cmd=10, dstid=self._random.choice(others), media=1, content=content, cid=cid)
