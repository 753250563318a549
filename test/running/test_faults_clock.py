"""A server whose clock jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import time

import pytest
from twisted.internet.task import deferLater

from test.running.load import Crowd
from test.running.people import close_all, friends, reactor, running, until, whole_history
from test.running.server import Server
from test.running.tally import Tally
from twim.client import ConversationKey

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1")
# Seconds by which the wall clock is wrong, one after the other: backward several times, and forward.
JUMPS = (*(f"-{minutes * 60}" for minutes in range(10, 310, 10)), "+3600", "-86400", "+0")


@pytest.fixture
def jumping(tmp_path: Path) -> Iterator[tuple[Server, Callable[[str], None]]]:
    """A server whose wall clock can be shifted, and a function that shifts it."""
    library = next((found for pattern in LIBRARIES for found in Path("/").glob(pattern[1:])), None)
    if library is None:
        pytest.skip("needs the Debian package libfaketime")
    offset = tmp_path / "offset"

    def jump(seconds: str) -> None:
        # At once: an empty file would be no offset.
        fresh = tmp_path / "fresh"
        fresh.write_text(seconds)
        fresh.replace(offset)

    jump("+0")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        # The monotonic clock doesn't jump on a real machine either.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with Server(tmp_path, environment=environment) as server:
        yield server, jump


@running
async def test_clock_that_jumps(jumping: tuple[Server, Callable[[str], None]], tally: Tally) -> None:
    """When the clock is set back or forward under load, no message is lost, doubled or reordered, and the server
    continues."""
    server, jump = jumping
    crowd = await Crowd.gather(server.url, 4, devices=3)
    crowd.write()
    for seconds in JUMPS:
        await deferLater(reactor, 0.05)
        jump(seconds)
        enough = len(crowd.ledger.answered) + 50
        await until(lambda n=enough: len(crowd.ledger.answered) > n, 10, f"answers after a jump to {seconds} s")
    await crowd.quiet()
    messages = await crowd.check_history()
    await crowd.check_devices()
    await crowd.close()
    ledger = crowd.ledger
    tally.add("wall clock set back and forth", f"{len(JUMPS)} jumps", messages, crowd.deliveries, ledger)
    assert (ledger.lost, ledger.doubled, ledger.reordered) == (0, 0, 0)


@running
async def test_at_never_goes_back(jumping: tuple[Server, Callable[[str], None]]) -> None:
    """A later message of a conversation never has an earlier time, also after a restart."""
    server, jump = jumping
    ann, ben = await friends(server.url)
    device = await ann.device()
    for seconds in ("+0", "-3600"):
        jump(seconds)
        device.say(cmd=0)
        wrong_by = (await device.hear(cmd=0))["at"] / 1000 - time()
        assert abs(wrong_by - int(seconds)) < 5, "the jump didn't reach the server"
        for _ in range(3):
            assert (await device.ask(cmd=10, dstid=ben.id, media=1, content="x"))["code"] == 0
    at = [row.at for row in await whole_history(ann, ConversationKey(10, ben.id))]
    assert at == sorted(at)
    await close_all([device])


@running
async def test_quiet_connections_outlive_a_jump(jumping: tuple[Server, Callable[[str], None]]) -> None:
    """After a jump of a day, forward or back, connected and idle devices are still served."""
    server, jump = jumping
    ann, ben = await friends(server.url)
    writer, idle = await ann.device(), await ben.device()
    for seconds in ("+86400", "-86400"):
        jump(seconds)
        await deferLater(reactor, 0.3)
        answer = await writer.ask(cmd=10, dstid=ben.id, media=1, content="x")
        assert (await idle.hear(cmd=10, seq=answer["seq"]))["content"] == "x"
        assert len(await ann.rest.friends()) == 1
    await close_all([writer, idle])
