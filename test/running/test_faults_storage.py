"""A full disk, and a locked or missing database: requests are refused clearly, no answer is false, and no restart is
needed."""

from __future__ import annotations

import http.client
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from test.running.people import (
    Device,
    Person,
    close_all,
    friends,
    new_mobile,
    reactor,
    running,
    whole_history,
)
from test.running.server import Server
from test.running.tally import Tally
from test.talking import new_cid
from twim.client import ConversationKey, Rest, Unreachable
from twim.errors import UNAVAILABLE, Refusal
from twim.wire.message import Shown

FILE_BYTES = 16 * 1024  # no file of the server may be written beyond this, as if the disk ended there
DISK = "size=24m"
FEW = 20


class Faults(NamedTuple):
    """The counts in the form that `Tally.add` expects."""

    lost: int
    doubled: int
    reordered: int


NO_FAULTS = Faults(0, 0, 0)  # a fault fails an assertion before this is used


class Pair:
    """Two friends, one writing to the other on a bare socket, and what was answered."""

    def __init__(self, people: list[Person], device: Device) -> None:
        self.ann, self.ben = people
        self.device = device
        self.stored: dict[str, int] = {}
        self.refused: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, server: Server) -> Pair:
        people = await friends(server.url)
        return cls(people, await people[0].device())

    async def write(self, **again: Any) -> dict[str, Any]:
        """Send one message and give its answer."""
        cid = again.get("cid") or new_cid()
        answer = await self.device.ask(cmd=10, dstid=self.ben.id, media=1, content=f"content of {cid}", cid=cid)
        if answer["code"] == 0:
            self.stored[cid] = answer["seq"]
        else:
            self.refused.append(answer)
        return answer

    async def write_some(self, count: int = FEW) -> list[int]:
        """Send several messages at once and give their codes."""
        answers = await gatherResults([Deferred.fromCoroutine(self.write()) for _ in range(count)])
        return [answer["code"] for answer in answers]

    async def everything_is_there_once(self) -> list[Shown]:
        """Check that the history has each answered message once, at its seq, and none of the refused ones."""
        rows = await whole_history(self.ann, ConversationKey(10, self.ben.id))
        assert {row.cid: row.seq for row in rows} == self.stored
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        return rows

    async def recovers(self, tally: Tally, fault: str) -> None:
        """Check that refused messages are accepted when they are sent again with the same cid, and that all are there
        once."""
        refused, self.refused = self.refused, []
        tally.add(fault, f"{len(refused)} refused", len(self.stored), 0, NO_FAULTS)
        assert refused
        await self.everything_is_there_once()
        for answer in refused:
            assert answer["code"] == UNAVAILABLE
            assert (await self.write(cid=answer["cid"]))["code"] == 0
        await self.everything_is_there_once()
        assert (await self.ann.rest.find(id=self.ben.id)).id == self.ben.id


async def refused_with_503(rest: Rest, path: str, **fields: object) -> None:
    """Check that the call is answered 503, in the envelope."""
    with pytest.raises(Refusal) as refused:
        await rest.call(path, **fields)
    assert (refused.value.status, refused.value.code) == (503, UNAVAILABLE)


async def refuses_clearly(server: Server, pair: Pair) -> None:
    """Check that writing is refused over the socket and over REST, and that the connection stays open."""
    rest = pair.ann.rest
    group = refused_with_503(rest, "/contact/createcommunity", name="never")
    user = refused_with_503(rest, "/user/register", mobile=new_mobile(), passwd="secret-1")
    codes, *_ = await gatherResults(
        [Deferred.fromCoroutine(each) for each in (pair.write_some(), group, user)], consumeErrors=True
    )
    assert set(codes) == {UNAVAILABLE}
    pair.device.say(cmd=0)
    assert "at" in await pair.device.hear(cmd=0)
    await until_ready(server, 503)


async def until_ready(server: Server, status: int) -> None:
    """Wait until `/health/ready` has this status for a second; `/health/live` is 200 all the time."""

    def asked(path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    deadline = reactor.seconds() + 30
    while await deferToThread(asked, "/health/ready") != status:
        assert reactor.seconds() < deadline, status
        await deferLater(reactor, 0.1)
    assert await deferToThread(asked, "/health/live") == 200


def database_of(server: Server) -> Path:
    """The path of the database file."""
    (found,) = server.data.glob("*.db")
    return found


@running
async def test_no_file_may_grow(tmp_path: Path, tally: Tally) -> None:
    """A file-size limit that is reached during the work, as with a quota, refuses writes clearly."""
    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        server.limit_file_size(FILE_BYTES)
        await refuses_clearly(server, pair)
        await pair.everything_is_there_once()
        server.limit_file_size(None)
        await pair.recovers(tally, "file-size limit reached")
        server.kill9()
        await server.restarted()
        await pair.everything_is_there_once()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A small file system; the test is skipped where mounting isn't allowed."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount (CAP_SYS_ADMIN): " + mounted.stderr.decode())
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@running
async def test_disk_full(tmp_path: Path, tally: Tally) -> None:
    """Writes are refused while the disk is full, and accepted when there is room again."""
    with small_disk(tmp_path) as disk, Server(disk) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        ballast = disk / "ballast"
        fill(ballast)
        while UNAVAILABLE not in await pair.write_some():
            fill(ballast)
        await refuses_clearly(server, pair)
        await pair.everything_is_there_once()
        ballast.unlink()
        await until_ready(server, 200)
        await pair.recovers(tally, "disk full")
        await close_all([pair.device])


def fill(ballast: Path) -> None:
    """Write until the disk is full, to the last byte."""
    for piece in (65536, 4096, 1):
        with ballast.open("ab", buffering=0) as rest:
            try:
                while rest.write(b"\0" * piece) == piece:
                    pass
            except OSError:
                continue


@running
async def test_locked_by_another_process(tmp_path: Path, tally: Tally) -> None:
    """Writes are refused while another process holds the database's lock for longer than the server waits."""
    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        other = sqlite3.connect(database_of(server), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        await refuses_clearly(server, pair)
        other.execute("ROLLBACK")
        other.close()
        await until_ready(server, 200)
        await pair.recovers(tally, "database locked")
        await close_all([pair.device])


@running
async def test_locked_for_a_moment(tmp_path: Path) -> None:
    """Nothing is refused because of a short lock, as of a backup: the messages wait."""

    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        other = sqlite3.connect(database_of(server), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = Deferred.fromCoroutine(pair.write_some())
        await deferLater(reactor, 0.5)
        assert not pair.stored
        other.execute("COMMIT")
        other.close()
        assert set(await writing) == {0}
        await pair.everything_is_there_once()
        await close_all([pair.device])


@running
async def test_folder_gone_and_back(tmp_path: Path, tally: Tally) -> None:
    """The data folder is moved away and back under the server, as with an unmounted disk; the server recovers."""
    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        away = server.data.with_name("away")
        server.data.rename(away)
        await refuses_clearly(server, pair)
        away.rename(server.data)
        await until_ready(server, 200)
        await pair.recovers(tally, "data folder gone")
        server.kill9()
        await server.restarted()
        await pair.everything_is_there_once()


@running
async def test_database_deleted(tmp_path: Path) -> None:
    """After the files are deleted under the server, no message is answered as stored."""
    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        for file in server.data.glob("*.db*"):
            file.unlink()
        await refuses_clearly(server, pair)
        await close_all([pair.device])


@running
async def test_reads_are_refused_clearly_too(tmp_path: Path) -> None:
    """With the database replaced by nonsense every path answers 503 or serves what it has in memory; none hangs."""
    with Server(tmp_path) as server:
        pair = await Pair.of(server)
        await pair.write_some()
        away = server.data.with_name("away")
        server.data.rename(away)
        for path, fields in (
            ("/message/history", {"scope": 10, "dstid": pair.ben.id}),
            ("/message/conversations", {}),
            ("/contact/loadfriend", {}),
        ):
            try:
                found = await pair.ann.rest.call(path, **fields)
                assert found.rows != b"[]"
            except Refusal as refused:
                assert refused.status == 503
            except Unreachable:
                pytest.fail(f"{path} gave no answer in the envelope")
        away.rename(server.data)
        await pair.everything_is_there_once()
        await close_all([pair.device])
