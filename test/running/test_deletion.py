"""Deleting by age and erasing, at running servers while their users go on writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.web.client import RequestTransmissionFailed

from test.cluster.redis.redis_server import RedisServer
from test.running.ordered import Ordered
from test.running.people import PASSWD, POLL, Kept, Person, close_all, friends, group, running, until
from test.storage.databases import MYSQL, POSTGRESQL, empty_database
from twim.client import ConversationKey, Position, State, Unreachable
from twim.client.server_frames import Page
from twim.errors import Refusal
from twim.wire.message import Shown

reactor: Any = _reactor
LOGGED_OUT = 4401
TOGETHER = 500  # messages that wait for their answer at once


@pytest.fixture(params=["sqlite", "mysql", "postgresql"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Ordered]]:
    """One server on SQLite, or two nodes on a database server, which hear each other by Redis."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield [stack.enter_context(Ordered(tmp_path))]
            return
        kind = MYSQL if request.param == "mysql" else POSTGRESQL
        url = empty_database(kind).render_as_string(hide_password=False)
        redis = RedisServer()
        redis.start()
        stack.callback(redis.kill)
        options = (
            "--db",
            url.replace("+psycopg", "").replace("+pymysql", ""),
            "--bus",
            f"redis://127.0.0.1:{redis.port}",
        )
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
        yield [stack.enter_context(Ordered(tmp_path / name, options)) for name in ("a", "b")]


async def page_of(one: Person, conversation: ConversationKey, after: int) -> Page:
    """A page, also when connections to the server before its restart have ended."""
    while True:
        try:
            return await one.rest.history(conversation, after=after)
        except (Unreachable, RequestTransmissionFailed):
            await deferLater(reactor, POLL)


async def rows_of(one: Person, conversation: ConversationKey) -> tuple[list[Shown], int]:
    """What one may read of a conversation, and its head."""
    rows: list[Shown] = []
    after = 0
    while True:
        page = await page_of(one, conversation, after)
        rows += page.rows
        if not page.rows or page.rows[-1].seq == page.total:
            return rows, page.total
        after = page.rows[-1].seq


async def write(kept: Kept, conversation: ConversationKey, count: int) -> None:
    """Write so many messages, some at a time."""
    for start in range(0, count, TOGETHER):
        some = range(start, min(count, start + TOGETHER))
        await gatherResults([kept.client.send_text(*conversation, f"words {n}") for n in some])


class Writing:
    """Writes one message after the other, until `end`."""

    def __init__(self, kept: Kept, conversation: ConversationKey) -> None:
        self._client = kept.client
        self._conversation = conversation
        self._going = True
        self.seqs: list[int] = []
        self.refused = 0
        self.running = Deferred.fromCoroutine(self._run())

    async def _run(self) -> None:
        while self._going:
            try:
                answer = await self._client.send_text(*self._conversation, f"words {len(self.seqs)}")
            except Refusal:
                self.refused += 1
                return
            self.seqs.append(answer.seq)

    async def end(self) -> list[int]:
        """The seqs that were answered."""
        self._going = False
        await self.running
        return self.seqs


@running
async def test_deleting(nodes: list[Ordered]) -> None:
    """While everything is deleted at one node, users at all nodes go on: every message is answered and delivered once
    and in order. History and catch-up begin at the floor, and after a restart the numbers go on."""
    here, there = nodes[0], nodes[-1]
    ann, ben = await friends(here.url)
    number = await group([ann, ben])
    chat, team = ConversationKey(10, ben.id), ConversationKey(11, number)
    of_ben = {chat: ConversationKey(10, ann.id), team: team}
    kept = await ann.client().connected()
    other = await ben.client(there.url).connected()
    for key in (chat, team):
        await write(kept, key, 500)
    writing = {key: Writing(kept, key) for key in (chat, team)}
    await until(lambda: all(len(one.seqs) > 20 for one in writing.values()))
    here.order("delete", 1)
    outcome = await here.done()
    assert outcome["messages"] >= 1000, outcome
    for key, one in writing.items():
        before = len(one.seqs)
        await until(lambda one=one, before=before: len(one.seqs) > before + 20)
        seqs = await one.end()
        assert seqs == list(range(seqs[0], seqs[-1] + 1)), key
        mine = of_ben[key]
        await until(lambda mine=mine, last=seqs[-1]: last in other.seqs(mine))
        heard = other.seqs(mine)
        assert heard == list(range(heard[0], heard[-1] + 1))
        rows, head = await rows_of(ann, key)
        found = [row for row in await ann.rest.conversations() if row.key == key]
        assert [row.floor for row in found] == [rows[0].seq]
        assert rows[0].seq > 500
        assert [row.seq for row in rows] == list(range(rows[0].seq, head + 1))
    await close_all([kept, other])
    there.kill9()
    there.start()
    for key, mine in of_ben.items():
        rows, head = await rows_of(ann, key)
        late = await ben.client(there.url, Position(have={str(mine): 3}), seed=mine.scope).connected()
        await until(lambda late=late, mine=mine, rows=rows: late.seqs(mine) == [row.seq for row in rows])
        assert (await late.client.send_text(*mine, "new")).seq == head + 1
        await close_all([late])


@running
async def test_killed_while_deleting(nodes: list[Ordered]) -> None:
    """A deletion that ended with kill -9 leaves a log that goes on, and the next one deletes the rest."""
    here = nodes[0]
    ann, ben = await friends(here.url)
    chat = ConversationKey(10, ben.id)
    kept = await ann.client().connected()
    await write(kept, chat, 2_000)
    await close_all([kept])
    here.order("delete", 1)
    await until(lambda: here.is_taken)
    here.kill9()
    here.start()
    rows, head = await rows_of(ann, chat)
    assert head == 2_000
    assert [row.seq for row in rows] in ([], list(range(1, 2_001)))
    here.order("delete", 1)
    await here.done()
    assert await rows_of(ann, chat) == ([], 2_000)
    kept = await ann.client().connected()
    assert (await kept.client.send_text(*chat, "new")).seq == 2_001
    assert [row.seq for row in (await rows_of(ben, ConversationKey(10, ann.id)))[0]] == [2_001]
    await close_all([kept])


def check_erased(rows: list[Shown], userid: int) -> None:
    """The user has said nothing that is left; the others' words are as they were."""
    for row in rows:
        if row.userid == userid and row.media != 23:
            assert (row.content, row.recalled) == ("", 1), row
        elif row.media == 1:
            assert row.content, row


@running
async def test_erasing(nodes: list[Ordered]) -> None:
    """A user who is erased at one node while writing at another is cut off there, and nothing of what the user said is
    left; others are told, and go on."""
    here, there = nodes[0], nodes[-1]
    # The first one is the administrator.
    cat, ann, ben = await friends(here.url, 3)
    number = await group([ann, ben, cat])
    chat, team = ConversationKey(10, ben.id), ConversationKey(11, number)
    bare = await ann.device()
    kept = await ann.client(there.url).connected()
    other = await ben.client(there.url).connected()
    third = await cat.client(here.url).connected()
    writing = [Writing(kept, chat), Writing(kept, team), Writing(other, team)]
    await until(lambda: all(len(one.seqs) > 30 for one in writing))
    here.order("erase", ann.id)
    assert await here.done() is None
    await until(lambda: bare.code == LOGGED_OUT and kept.client.state is State.OFFLINE)
    await until(lambda: "erased" in other.changes and "erased" in third.changes)
    assert len(await writing[2].end()) > 30
    for one, key in ((ben, ConversationKey(10, ann.id)), (ben, team), (cat, team)):
        rows, _ = await rows_of(one, key)
        assert sum(row.userid == ann.id for row in rows) > 30
        check_erased(rows, ann.id)
    refused: Any = await ben.refusal("/user/login", mobile=ann.mobile, passwd=PASSWD)
    assert refused.msg == "password wrong"
    await ben.rest.call("/user/register", mobile=ann.mobile, passwd=PASSWD)
    found = await ben.rest.call("/contact/loadcommunity")
    assert b'"ownerid":%d' % ben.id in bytes(found.rows)
    await close_all([kept, other, third])


@running
async def test_killed_while_erasing(nodes: list[Ordered]) -> None:
    """An erasure that ended with kill -9 is finished at the next start, without being asked for."""
    here = nodes[0]
    ben, ann = await friends(here.url)
    chat = ConversationKey(10, ben.id)
    kept = await ann.client().connected()
    await write(kept, chat, 1_500)
    await close_all([kept])
    mine = ConversationKey(10, ann.id)
    here.order("erase", ann.id)
    await until(lambda: here.is_taken)
    while not any(row.recalled for row in (await rows_of(ben, mine))[0]):
        assert not here.outcome
    here.kill9()
    here.start()
    await until(lambda: f"erased user {ann.id}" in here.log, what=lambda: here.log[-2000:])
    rows, _ = await rows_of(ben, mine)
    assert len(rows) == 1_500
    check_erased(rows, ann.id)
