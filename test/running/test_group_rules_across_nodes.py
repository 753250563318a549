"""Two servers on one database, joined by Redis: changes of groups, members and blocks on one hold on the other within
a second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater

from test.cluster.redis.redis_server import RedisServer
from test.running.people import POLL, Device, Person, bare_device, close_all, friends, group, running
from test.running.server import Server
from test.storage.databases import POSTGRESQL, empty_database

reactor: Any = _reactor
WITHIN = 1.0  # seconds in which the other node knows


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two nodes of one cluster."""
    url = empty_database(POSTGRESQL).render_as_string(hide_password=False).replace("+psycopg", "")
    folder = tmp_path_factory.mktemp("nodes")
    redis = RedisServer()
    redis.start()
    options = ("--db", url, "--bus", f"redis://127.0.0.1:{redis.port}")
    for name in ("a", "b"):
        (folder / name).mkdir()
    try:
        with Server(folder / "a", options) as one, Server(folder / "b", options) as other:
            yield one, other
    finally:
        redis.kill()


async def at(server: Server, one: Person) -> Device:
    """A device of this person, connected to that server."""
    device = await bare_device(f"{server.url}/chat?id={one.id}&token={one.rest.token}")
    await device.caught_up()
    return device


async def refused_soon(device: Device, cmd: int, dstid: int) -> None:
    """Check that a message is refused within a second."""
    deadline = reactor.seconds() + WITHIN
    while True:
        answer = await device.ask(cmd=cmd, dstid=dstid, media=1, content="x")
        if answer["code"] == -3:
            return
        assert answer["code"] == 0 and reactor.seconds() < deadline, answer
        await deferLater(reactor, POLL)


@running
async def test_group(nodes: tuple[Server, Server]) -> None:
    """A member who is muted, barred by a rule, removed, or whose group is dissolved at one node is refused at the
    other."""
    here, there = nodes
    ann, ben, cat = await friends(here.url, 3)
    number = await group([ann, ben, cat])
    device, other = await at(there, ben), await at(there, cat)
    assert (await device.ask(cmd=11, dstid=number, media=1, content="a"))["code"] == 0
    call = ann.rest.call
    await call("/contact/mutemember", dstid=number, memberid=ben.id, seconds=600)
    await refused_soon(device, 11, number)
    assert (await other.ask(cmd=11, dstid=number, media=1, content="b"))["code"] == 0
    await call("/contact/mutemember", dstid=number, memberid=ben.id, seconds=0)
    await device.hear(cmd=11, media=23, content="unmuted")
    assert (await device.ask(cmd=11, dstid=number, media=1, content="c"))["code"] == 0
    await call("/contact/updatecommunity", dstid=number, post="admins")
    await refused_soon(other, 11, number)
    await call("/contact/updatecommunity", dstid=number, post="members")
    await other.hear(cmd=11, media=23, content="rule-post", memo="members")
    await call("/contact/removemember", dstid=number, memberid=ben.id)
    await refused_soon(device, 11, number)
    await call("/contact/dissolve", dstid=number)
    await refused_soon(other, 11, number)
    await close_all([device, other])


@running
async def test_block(nodes: tuple[Server, Server]) -> None:
    """Somebody who is blocked at one node is refused at the other, and accepted again once unblocked."""
    here, there = nodes
    ann, ben = await friends(here.url)
    device = await at(there, ben)
    assert (await device.ask(cmd=10, dstid=ann.id, media=1, content="a"))["code"] == 0
    await ann.rest.call("/contact/block", dstid=ben.id)
    await refused_soon(device, 10, ann.id)
    await ann.rest.call("/contact/unblock", dstid=ben.id)
    deadline = reactor.seconds() + WITHIN
    while (await device.ask(cmd=10, dstid=ann.id, media=1, content="b"))["code"]:
        assert reactor.seconds() < deadline
        await deferLater(reactor, POLL)
    await close_all([device])
