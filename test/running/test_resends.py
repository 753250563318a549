"""Two nodes on PostgreSQL and a Redis that is killed and started again: clients send messages again at the other node,
or write to one another for the first time from both nodes at once."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from test.cluster.redis.redis_server import RedisServer
from test.running.cluster_net import Loopback
from test.running.cluster_nodes import Cluster
from test.running.need import need
from test.running.people import Device, Person, bare_device, friends, group, running, until
from test.storage.databases import MYSQL, POSTGRESQL, empty_database

ROUNDS = 6
CROWD = 24


def on(server: Any) -> str:
    """The URL of an empty database on that server."""
    return empty_database(server).render_as_string(hide_password=False)


async def pause(seconds: float) -> None:
    await deferLater(reactor, seconds, lambda: None)


async def at(cluster: Cluster, node: int, who: Person, **have: int) -> Device:
    """A device of `who` at that node, caught up."""
    made = await bare_device(f"{cluster.nodes[node].url}/chat?id={who.id}&token={who.rest.token}")
    await made.caught_up(have={key.replace("_", ":"): seq for key, seq in have.items()})
    return made


def mistakes(device: Device, userid: int) -> list[str]:
    """Errors in the order of the frames: each message must have the next seq, each answer at most the next."""
    had: dict[tuple[int, int], int] = {}
    wrong = []
    for frame in device.heard:
        if frame["cmd"] in (10, 11):
            peer = frame["userid"] if frame["cmd"] == 10 and frame["userid"] != userid else frame["dstid"]
            key = (frame["cmd"], peer)
            if frame["seq"] != had.get(key, 0) + 1:
                wrong.append(f"{key}: message {frame['seq']} after {had.get(key, 0)}")
        elif frame["cmd"] == 1 and frame["code"] == 0:
            key = (frame["scope"], frame["dstid"])
            if frame["seq"] > had.get(key, 0) + 1:
                wrong.append(f"{key}: answer {frame['seq']} after {had.get(key, 0)}")
        else:
            continue
        had[key] = max(had.get(key, 0), frame["seq"])
    return wrong


async def answered(device: Device, **frame: Any) -> dict[str, Any]:
    """The final answer; a message that is refused as to be tried again is sent again."""
    while True:
        told = await device.ask(**frame)
        if told["code"] not in (-5, -6):
            return told
        await pause(0.2)


def answers(devices: dict[tuple[int, int], Device]) -> dict[str, dict[str, Any]]:
    """Every answer by its cid."""
    return {frame["cid"]: frame for device in devices.values() for frame in device.heard if frame["cmd"] == 1}


@running
async def test_said_again_without_the_bus(tmp_path: Path) -> None:
    """While Redis is down, a user's other device sends the same again at the other node: its answer comes after all
    messages it covers, and nothing is repeated when Redis is back."""
    need("redis-server", "the Debian package redis-server")
    random = Random(5)
    redis = RedisServer()
    redis.start()
    try:
        with Cluster(tmp_path, 2, Loopback(1), bus=f"redis://127.0.0.1:{redis.port}", db=on(POSTGRESQL)) as cluster:
            people = await friends(cluster.nodes[0].url, 3)
            team = await group(people)
            devices = {(who.id, node): await at(cluster, node, who) for who in people for node in (0, 1)}
            for round_number in range(ROUNDS):
                redis.kill()
                again = []
                for number in range(8):
                    who, peer = random.sample(people, 2)
                    target = random.choice([{"cmd": 10, "dstid": peer.id}, {"cmd": 11, "dstid": team}])
                    frame = target | {"media": 1, "content": "x", "cid": f"{round_number}-{number}"}
                    node = random.randrange(2)
                    told = await answered(devices[who.id, node], **frame)
                    assert told["code"] == 0
                    again.append((devices[who.id, 1 - node], frame, told["seq"]))
                    if random.random() < 0.5:
                        device, said, seq = random.choice(again)
                        assert (await answered(device, **said))["seq"] == seq
                asked = [Deferred.fromCoroutine(answered(device, **frame)) for device, frame, _ in again]
                if round_number % 2:
                    redis.start()
                assert [one["seq"] for one in await gatherResults(asked)] == [seq for _, _, seq in again]
                if not round_number % 2:
                    redis.start()
                await pause(0.5)
            await pause(3)
            for (userid, _), device in devices.items():
                assert mistakes(device, userid) == []
            heads = {userid: {} for userid, _ in devices}
            for (userid, _), device in devices.items():
                for frame in device.heard:
                    if frame["cmd"] == 11 or (frame["cmd"] == 1 and frame.get("scope") == 11):
                        heads[userid][id(device)] = max(frame["seq"], heads[userid].get(id(device), 0))
            assert len({head for per in heads.values() for head in per.values()}) == 1, "somebody lacks the last"
            for device in devices.values():
                device.protocol.dropConnection()
    finally:
        redis.kill()


@pytest.mark.parametrize("server", [POSTGRESQL, MYSQL], ids=["postgresql", "mariadb"])
@running
async def test_a_crowd_that_begins(tmp_path: Path, server: Any) -> None:
    """24 users, each with a device at both nodes, write their first messages to one another within a moment: nobody is
    refused, and every pair has one conversation of four messages."""
    need("redis-server", "the Debian package redis-server")
    redis = RedisServer()
    redis.start()
    try:
        with Cluster(tmp_path, 2, Loopback(1), bus=f"redis://127.0.0.1:{redis.port}", db=on(server)) as cluster:
            people = await friends(cluster.nodes[0].url, CROWD)
            devices = {(who.id, node): await at(cluster, node, who) for who in people for node in (0, 1)}
            random = Random(2)
            said = [(a, b, node) for a, b in itertools.permutations(people, 2) for node in (0, 1)]
            random.shuffle(said)
            for a, b, node in said:
                cid = f"{a.id}-{b.id}-{node}"
                devices[a.id, node].say(cmd=10, dstid=b.id, media=1, content="first", cid=cid)
            await until(lambda: len(answers(devices)) == len(said), 60, "all are answered")
            told = answers(devices)
            assert [one for one in told.values() if one["code"]] == []
            seqs: dict[tuple[int, int], list[int]] = {}
            for a, b, node in said:
                seq = told[f"{a.id}-{b.id}-{node}"]["seq"]
                seqs.setdefault((min(a.id, b.id), max(a.id, b.id)), []).append(seq)
            assert all(sorted(found) == [1, 2, 3, 4] for found in seqs.values())
            for (userid, _), device in devices.items():
                assert mistakes(device, userid) == []
                device.protocol.dropConnection()
    finally:
        redis.kill()
