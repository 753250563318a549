"""The server is killed by kill -9 under load."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.task import deferLater

from test.running.load import Crowd
from test.running.people import Device, friends, reactor, running, until
from test.running.server import Server
from test.running.tally import Tally

KILLS = int(os.environ.get("TWIM_KILLS", "20"))
ROUNDS = 6  # of sending, a kill and sending again
LOADED = 100  # answers after a restart before the next kill is due
SEED = int(os.environ.get("TWIM_SEED", "1"))


def on_disk(server: Server, copy: Path) -> tuple[dict[str, int], int]:
    """The seq of every cid on the disk of a killed server, read from a copy and checked for gaps and doubles; and how
    many of them are in no index yet."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for file in server.data.glob("*.db*"):
        shutil.copy(file, copy)
    (path,) = copy.glob("*.db")
    reader = sqlite3.connect(path)
    counted = "SELECT COUNT(*), COUNT(DISTINCT seq), MIN(seq), MAX(seq) FROM message GROUP BY conversation"
    for rows, different, first, last in reader.execute(counted):
        assert (rows, different, first) == (last, last, 1)
    rows = reader.execute("SELECT cid, seq FROM message WHERE cid IS NOT NULL").fetchall()
    ((indexed,),) = reader.execute("SELECT coalesce(sum(length(entries)), 0) / 8 FROM cid_recent")
    reader.close()
    stored = {bytes(cid).decode(): seq for cid, seq in rows}
    assert len(stored) == len(rows)
    return stored, len(rows) - indexed


@running
async def test_kill_9_at_random_moments(tmp_path: Path, tally: Tally) -> None:
    """After each restart every answered message is there once, no seq is missing, and a cid sent again isn't stored
    twice."""
    random = Random(SEED)
    unanswered = unindexed = 0
    with Server(tmp_path) as server:
        crowd = await Crowd.gather(server.url, 4, devices=2, seed=SEED)
        crowd.write()
        answered = crowd.ledger.answered
        for _ in range(KILLS):
            enough = len(answered) + LOADED
            await until(lambda n=enough: len(answered) >= n, 60, "the load goes on")
            await deferLater(reactor, random.uniform(0, 0.5))
            server.kill9()
            stored, waiting = on_disk(server, tmp_path / "copy")
            unindexed += waiting
            assert all(stored[cid] == answer.seq for cid, answer in answered.items())
            unanswered += len(stored.keys() - answered.keys())
            await server.restarted()
        await crowd.quiet()
        messages = await crowd.check_history()
        await crowd.check_devices()
        await crowd.close()
    ledger = crowd.ledger
    assert len(ledger.answered) == len(ledger.sent)
    tally.add("kill -9 of the server", f"{KILLS} kills", messages, crowd.deliveries, ledger)
    tally.note(
        f"At the kills {unanswered} messages were stored and not answered yet, and {unindexed} were in no index;"
        " sent again, none was stored twice"
    )
    assert unindexed
    assert (ledger.lost, ledger.doubled, ledger.reordered) == (0, 0, 0)
    assert messages > KILLS * 20


@running
async def test_killed_before_the_index_is_written(tmp_path: Path) -> None:
    """After a kill with unindexed messages, two devices of a user send all messages again with their cids: each
    message is stored once, and every answer names the same seq."""
    random = Random(SEED)
    sent: list[dict[str, Any]] = []
    answers: dict[str, set[int]] = defaultdict(set)
    with Server(tmp_path) as server:
        ann, *others = await friends(server.url, 4)
        for number in range(ROUNDS):
            device = await ann.device()
            new = [
                {
                    "cmd": 10,
                    "dstid": random.choice(others).id,
                    "media": 1,
                    "content": "x",
                    "cid": f"{number}-{n}",
                    "mentions": [0] if n % 7 == 0 else [],
                }
                for n in range(60)
            ]
            # Every second time some of them were stored long ago, or a moment ago: for these the index is
            # written at once.
            again = random.sample(sent, 10) + random.sample(new, 10) if number % 2 else []
            for frame in new + again:
                device.say(**frame)
            sent += new
            await answered(device, random.randrange(1, 70))
            server.kill9()
            keep(answers, device)
            stored, waiting = on_disk(server, tmp_path / "copy")
            assert all(stored[cid] in seqs for cid, seqs in answers.items())
            assert waiting or again
            await server.restarted()
            for device in [await ann.device(), await ann.device()]:
                for frame in random.sample(sent, len(sent)):
                    device.say(**frame)
                await answered(device, len(sent))
                keep(answers, device)
        server.kill9()
        stored, _ = on_disk(server, tmp_path / "copy")
    assert {cid: {seq} for cid, seq in stored.items()} == answers
    assert len(stored) == len(sent)


async def answered(device: Device, count: int) -> None:
    """Wait until the device has had so many answers."""
    await until(lambda: sum(frame["cmd"] == 1 for frame in device.heard) >= count, 20, "answers")


def keep(answers: dict[str, set[int]], device: Device) -> None:
    """Add the device's answers, none of which may be a refusal."""
    for frame in device.heard:
        if frame["cmd"] == 1:
            assert frame["code"] == 0, frame
            answers[frame["cid"]].add(frame["seq"])
    device.protocol.dropConnection()
