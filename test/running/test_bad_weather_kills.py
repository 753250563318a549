"""kill -9 of the server in the middle of a load."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from random import Random

from twisted.internet.task import deferLater

from test.running.load import Crowd
from test.running.people import reactor, running, until
from test.running.server import Server
from test.running.tally import Tally

KILLS = int(os.environ.get("TWIM_KILLS", "20"))
LOADED = 100  # answers after a restart before the next kill is due
SEED = int(os.environ.get("TWIM_SEED", "1"))


def on_disk(server: Server, copy: Path) -> dict[str, int]:
    """The seq of every cid that a server which was killed left on its disk, read from a copy: no gap, no double."""
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
    reader.close()
    stored = {bytes(cid).decode(): seq for cid, seq in rows}
    assert len(stored) == len(rows)
    return stored


@running
async def test_kill_9_at_random_moments(tmp_path: Path, tally: Tally) -> None:
    """After each restart every answered message is there once, no seq is missing, no cid sent again is stored twice."""
    random = Random(SEED)
    unanswered = 0
    with Server(tmp_path) as server:
        crowd = await Crowd.gather(server.url, 4, devices=2, seed=SEED)
        crowd.write()
        answered = crowd.ledger.answered
        for _ in range(KILLS):
            enough = len(answered) + LOADED
            await until(lambda n=enough: len(answered) >= n, 60, "the load goes on")
            await deferLater(reactor, random.uniform(0, 0.5))
            server.kill9()
            stored = on_disk(server, tmp_path / "copy")
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
        f"At the kills {unanswered} messages were stored and not answered yet; sent again, none was stored twice"
    )
    assert (ledger.lost, ledger.doubled, ledger.reordered) == (0, 0, 0)
    assert messages > KILLS * 20
