"""What searching messages costs: ``python -m bench.search [MESSAGES]``, on SQLite, among so many messages (200,000).

The messages are Chinese and English, mixed, of words as frequent as in real texts (Zipf's law), in conversations of as
different sizes. Printed are

- the CPU of the index, its size, and how long it holds the lock of the one writer;
- the CPU time of searches, which is how long they take where nobody else wants the core: of somebody who takes part in
  everything, in fifty conversations, and in three;
- the CPU of posting with the indexer running and without, by turns, with all that the indexer does meanwhile.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any, Final

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from twim.internals.epoll import ReactorIterations
from twim.logic.search_indexing import SearchIndexer
from twim.storage.conversations import Conversations
from twim.storage.database import Database
from twim.storage.engine import parse_url
from twim.storage.interface import Post, key_of
from twim.storage.log import SqlLog
from twim.storage.log_writing import log_writing
from twim.storage.opening import open_database
from twim.storage.search.finding import Search, SearchStore
from twim.storage.search.indexing import SearchIndexing
from twim.storage.search.segments import BASE, mergeable, unindexed
from twim.storage.search.words import Question
from twim.storage.sqlite.backend import SqliteBackend
from twim.wire.commands import GROUP, SINGLE, TEXT
from twim.wire.message import Message, encode

reactor: Any = _reactor
WORDS: Final = 30_000  # of each language
ALL, MANY, FEW = 1, 2, 3  # users who take part in all conversations, in fifty, and in three
ROUNDS: Final = 40  # of each question
POSTED: Final = 100_000  # messages in one turn
IN_FLIGHT: Final = 400
PAIRS: Final = 5
PER_CONVERSATION: Final = 200  # messages, on average
DAY_MS: Final = 24 * 3600 * 1000


class Texts:
    """Makes texts."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        self.english = list({self._word(letters, 2, 9) for _ in range(2 * WORDS)})[:WORDS]
        signs = [chr(0x4E00 + one) for one in range(4_000)]
        self._random.shuffle(signs)
        self.chinese = list({self._word(signs, 1, 3) for _ in range(2 * WORDS)})[:WORDS]
        self._shares = list(accumulate(1 / (one + 2) for one in range(WORDS)))

    def _word(self, signs: Any, least: int, most: int) -> str:
        weights = [1 / (one + 3) for one in range(len(signs))]
        return "".join(self._random.choices(signs, weights, k=self._random.randint(least, most)))

    def zipf(self, count: int) -> list[int]:
        """Ranks from 0 on, as often as words of these ranks are."""
        whole = self._shares[-1]
        return [bisect_left(self._shares, self._random.random() * whole) for _ in range(count)]

    def text(self) -> str:
        """One message."""
        if self._random.random() < 0.5:
            return "".join(self.chinese[one] for one in self.zipf(self._random.randint(2, 14))) + "。"
        return " ".join(self.english[one] for one in self.zipf(self._random.randint(2, 14)))


def _fill(connection: sqlite3.Connection, texts: Texts, messages: int) -> None:
    """Conversations and messages, as the server would store them, but for what searches don't look at."""
    count = max(100, messages // PER_CONVERSATION)
    picked = random.Random(7)
    rows = [(one, GROUP, one, 0) for one in range(1, count + 1)]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO conversation (id, scope, a, b, head) VALUES (?, ?, ?, ?, 0)", rows)
    several = picked.sample(range(1, count + 1), 53)
    takes_part = [(ALL, one) for one in range(1, count + 1)]
    takes_part += [(MANY, one) for one in several[:50]] + [(FEW, one) for one in several[50:]]
    connection.executemany(
        "INSERT INTO participant (userid, conversation, scope, dstid, read) VALUES (?, ?, 11, ?, 0)",
        [(user, one, one) for user, one in takes_part],
    )
    connection.execute("COMMIT")
    heads = [0] * (count + 1)
    shares = list(accumulate(1 / (one + 20) for one in range(count)))
    order = list(range(1, count + 1))
    picked.shuffle(order)
    began = time.time_ns() // 1_000_000 - 400 * DAY_MS
    for start in range(1, messages + 1, 20_000):
        rows = []
        for row_id in range(start, min(start + 20_000, messages + 1)):
            conversation = order[bisect_left(shares, picked.random() * shares[-1])]
            heads[conversation] += 1
            sender = 10 + conversation % 1_000
            said = Message(userid=sender, cmd=GROUP, dstid=conversation, media=TEXT, content=texts.text())
            said.seq, said.at = heads[conversation], began + row_id
            rows.append((row_id, conversation, said.seq, sender, encode(said)))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO message (id, conversation, seq, sender, body) VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


async def _index(database: Database) -> None:
    """Index everything, without pauses."""
    taken = 0.0

    async def pace(took: float) -> None:
        nonlocal taken
        taken += took

    indexing = SearchIndexing(database, lambda: time.time_ns() // 1_000_000, pace)
    before, began, count = time.process_time(), time.perf_counter(), 0
    merges = 0.0
    while True:
        seen = await indexing.overview()
        if (piece := unindexed(seen, seen.newest)) is not None:
            count += piece[1] - piece[0] + 1
            await indexing.build(*piece)
        elif parts := mergeable(seen):
            at = time.process_time()
            await indexing.merge(parts)
            merges += time.process_time() - at
        else:
            break
    cpu = time.process_time() - before
    if count:
        print(
            f"index: {1e6 * cpu / count:.1f} µs of CPU a message, of which merging {1e6 * merges / count:.1f};"
            f" {time.perf_counter() - began:.0f} s"
        )


def _size(connection: sqlite3.Connection, messages: int) -> None:
    pages, rows = connection.execute(
        "SELECT sum(length(p.data)), count(*) FROM searchpage p"
        " JOIN searchsegment s ON s.id = p.id / 512 AND s.state = 1"
    ).fetchone()
    (directories,) = connection.execute("SELECT sum(length(directory)) FROM searchsegment WHERE state = 1").fetchone()
    (bodies,) = connection.execute("SELECT avg(length(body)) FROM (SELECT body FROM message LIMIT 10000)").fetchone()
    whole = (pages or 0) + (directories or 0)
    print(f"size: {whole / messages:.0f} bytes a message, whose body has {bodies:.0f}; {rows} pages")


def _questions(texts: Texts) -> Iterator[tuple[str, Callable[[random.Random], str]]]:
    def of(words: list[str], first: int, last: int, count: int = 1) -> Callable[[random.Random], str]:
        return lambda picked: " ".join(words[picked.randrange(first, last)] for _ in range(count))

    yield "frequent", of(texts.english, 0, 30)
    yield "usual", of(texts.english, 100, 1_000)
    yield "rare", of(texts.english, 10_000, WORDS)
    yield "two usual", of(texts.english, 100, 1_000, 2)
    yield "two, rare", of(texts.english, 2_000, 10_000, 2)
    yield "beginning", lambda picked: texts.english[picked.randrange(WORDS)][:3]
    yield "one sign", lambda picked: texts.chinese[picked.randrange(3_000)][:1]
    yield "Chinese", of(texts.chinese, 50, 3_000)
    yield "Chinese, two", of(texts.chinese, 50, 3_000, 2)
    yield "nowhere", lambda picked: "zzqx" + str(picked.randrange(1_000))


async def _search(database: Database, texts: Texts) -> None:
    store = SearchStore(database)
    picked = random.Random(11)
    overall: dict[int, list[float]] = {ALL: [], MANY: [], FEW: []}
    for name, question in _questions(texts):
        told = []
        for user, times in overall.items():
            taken, found, pages = [], 0, 0
            for _ in range(ROUNDS):
                began = time.process_time()
                result = await store.find(Search(user, Question(question(picked)), 50))
                taken.append(1e3 * (time.process_time() - began))
                found += len(result.rows)
                pages += result.next > 0 and len(result.rows) < 50
            times += taken
            taken.sort()
            told.append(
                f"{taken[ROUNDS // 2]:6.1f} {taken[ROUNDS * 95 // 100]:6.1f} ({found / ROUNDS:.0f} found, {pages} cut)"
            )
        print(f"{name:>13}: p50, p95 in ms of CPU: " + " | ".join(told), flush=True)
    for user, times in overall.items():
        times.sort()
        who = {ALL: "who is in all conversations", MANY: "in fifty", FEW: "in three"}[user]
        print(f"{who}: p50 {times[len(times) // 2]:.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms")


class _Answers:
    def __init__(self) -> None:
        self.left = 0
        self.done: Deferred[None] = Deferred()

    def committed(self, posts: Any) -> None:
        self.left -= len(posts)
        if self.left <= 0 and not self.done.called:
            self.done.callback(None)

    def failed(self, posts: Any, refused: Exception) -> None:
        raise refused


async def _post(database: Database, texts: Texts) -> None:
    """Posting, by turns with and without the indexer; the messages of a turn are indexed in it, or its turn's end."""
    iterations = ReactorIterations.of(reactor)
    writing = log_writing(database, iterations, reactor, lambda posts: None)
    log = SqlLog(writing.appender, iterations, reactor, lambda: time.time_ns() // 1_000_000)
    conversations = Conversations(database, writing.indexing)
    contents = [texts.text() for _ in range(POSTED)]
    found = [await conversations.find(key_of(SINGLE, 1, 2 + one)) for one in range(200)]
    cid = 0

    async def turn() -> float:
        nonlocal cid
        before = time.process_time()
        for start in range(0, POSTED, IN_FLIGHT):
            answers = log.listener = _Answers()
            answers.left = IN_FLIGHT
            for content in contents[start : start + IN_FLIGHT]:
                cid += 1
                other = cid % 200
                said = Message(
                    userid=1, cmd=SINGLE, dstid=2 + other, media=TEXT, content=content, cid=f"{cid:x}-{before}"
                )
                log.append(Post(None, said, found[other]))  # type: ignore[arg-type]
            await answers.done
        await writing.indexing.written()
        return 1e6 * (time.process_time() - before) / POSTED

    await turn()
    ratios = []
    for pair in range(PAIRS):
        taken = {}
        for indexed in (False, True) if pair % 2 else (True, False):
            indexer = SearchIndexer(database, reactor, lambda: time.time_ns() // 1_000_000)
            if indexed:
                indexer.start()
            taken[indexed] = await turn()
            await indexer.stop()
            await deferLater(reactor, 0.1)
        ratios.append(taken[True] / taken[False])
        print(f"posting: {taken[False]:.1f} µs of CPU a message, {taken[True]:.1f} with the indexer", flush=True)
    print(f"with the indexer: {median(ratios):.3f} times as much, the median of {PAIRS} pairs")
    await writing.stop()


async def _measure(folder: Path, messages: int) -> None:
    database = Database(parse_url(f"sqlite:///{folder / 'im.db'}"), reactor)
    open_database(database)
    assert isinstance(database.backend, SqliteBackend)
    texts = Texts(3)
    connection = database.backend.own_connection()
    _fill(connection, texts, messages)
    database.start()
    try:
        await _index(database)
        print(f"{messages % BASE} messages are not indexed yet")
        _size(connection, messages)
        await _search(database, texts)
        await _post(database, texts)
    finally:
        connection.close()
        database.stop()


def _main(_: Any, messages: str = "200000") -> Any:
    folder = tempfile.TemporaryDirectory()
    measuring = Deferred.fromCoroutine(_measure(Path(folder.name), int(messages)))
    return measuring.addBoth(lambda result: (folder.cleanup(), result)[1])


if __name__ == "__main__":
    react(_main, sys.argv[1:])
