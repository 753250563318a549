"""Three nodes on one database: to a client many nodes look like one, whatever the network does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.cluster.redis.redis_server import RedisServer
from test.running.cluster_faults import FaultInjector
from test.running.cluster_load import Device, Load
from test.running.cluster_net import Lan, Loopback, can_make_namespaces
from test.running.cluster_nodes import Cluster, free_udp_port
from test.running.need import need
from test.running.tally import Tally

PEOPLE = 6
DROPPED = 20  # percent


class _Faults:
    lost = doubled = reordered = 0


def count(tally: Tally, fault: str, how_often: str, load: Load) -> None:
    """Add a row to the table of what was seen; the number of faults is 0, since a fault fails the test earlier."""
    tally.add(fault, how_often, sum(load.heads().values()), load.deliveries, _Faults())


@pytest.fixture(scope="module")
def net() -> Iterator[Loopback]:
    """A LAN of network namespaces, or loopback."""
    with Lan(3) if can_make_namespaces() else Loopback(free_udp_port()) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(net: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes that see each other."""
    with Cluster(tmp_path_factory.mktemp("cluster"), 3, net) as made:
        yield made


def test_chat_with_network_faults(cluster: Cluster, net: Loopback, tally: Tally) -> None:
    """50,000 messages, 1:1 and in a group, with a fifth of the datagrams dropped, all doubled and out of order, forged
    and old ones among them, and 10 s without a way between two nodes: each at each device once and in order."""
    if not net.can_drop and os.environ.get("TWIM_TEST_NO_SKIP") == "1":
        pytest.fail(
            "no network namespaces here: install iproute2 and nftables, and be root; on loopback nothing is dropped"
        )
    people, group = cluster.people(PEOPLE)
    load = Load(cluster.nodes, people, group)
    faults = FaultInjector(net.broadcast)
    faults.start()
    try:
        load.online()
        net.drop(DROPPED)
        load.write(38_000, 1_500)
        load.resume()
        load.until(lambda: load.answered > 10_000, 120, "10,000 messages")
        net.cut(1, 2)
        end = time.monotonic() + 10
        load.until(lambda: time.monotonic() > end, 20, "10 s")
        net.heal()
        net.drop(DROPPED)
        load.write(10_000, 500)
        load.resume()
        load.finish(180)
    finally:
        faults.stop()
        net.heal()
        load.close()
    assert faults.repeated > 1_000 and faults.forged > 300
    nodes = cluster.seen_by(cluster.nodes[0])["rows"]
    assert len(nodes) == 3
    fault = "all datagrams doubled and reordered, forged and old ones mixed in"
    if net.can_drop:
        assert sum(node["gaps"] for node in nodes[1:]) > 0 and sum(node["asked"] for node in nodes[1:]) > 0
        fault += f", {DROPPED} % dropped, a cut of 10 s"
    count(tally, fault, f"3 nodes, {faults.repeated:,} datagrams", load)


def test_relations_and_revocation_cross_nodes(cluster: Cluster) -> None:
    """Friends made on one node can write on another at once; a device logged out there is disconnected here."""
    (one, token), (two, other_token) = cluster.stranger(), cluster.stranger()
    first, _, third = cluster.nodes
    load = Load([third], [(one, token), (two, other_token)], 0)
    try:
        load.online()
        assert first.call("/contact/addfriend", token=token, dstid=two)["code"] == 0
        time.sleep(0.3)
        load.write(10, 0)
        load.resume()
        load.until(lambda: load.rest() == 0, 10, "answers")
        assert not sum(device.refused for device in load.devices)
        assert first.call("/user/logout", token=token)["code"] == 0
        load.until(lambda: all(device.codes == [4401] for device in load.devices[:2]), 5, "cut")
        assert first.call("/message/conversations", token=token) == third.call("/message/conversations", token=token)
    finally:
        load.close()


def test_what_else_crosses_nodes(cluster: Cluster) -> None:
    """Typing, read marks, presence, friends and members are told to users of every node."""
    (one, token), (two, _) = cluster.stranger(), cluster.stranger()
    load = Load(cluster.nodes, [(one, token), (two, _)], 0)
    writing, _, reading, _ = load.devices  # of one at node 1, of two at node 2

    def told(device: Device, **wanted: object) -> None:
        load.until(lambda: any(wanted.items() <= frame.items() for frame in device.told), 10, f"{wanted}")

    try:
        load.online()
        cluster.nodes[2].call("/contact/addfriend", token=token, dstid=two)
        told(reading, cmd=8, what="friend", userid=one)
        writing.script += [(10, two)] * 2
        load.resume()
        load.until(lambda: not load.rest() and not load.missing(), 10, "two messages")
        writing.say(cmd=5, scope=10, dstid=two)
        told(reading, cmd=5, scope=10, dstid=one)
        reading.say(cmd=6, scope=10, dstid=one, seq=2)
        told(writing, cmd=6, scope=10, dstid=two, seq=2)
        late = {"name": "late", "icon": "", "cate": 1, "history": "all"}
        made = cluster.nodes[1].call("/contact/createcommunity", token=token, **late)["data"]
        told(writing, cmd=8, what="group", dstid=made["id"])
        for device in load.devices[2:]:
            device.nodes, device.retry_at = [], time.monotonic() + 60
            device.lost()
        told(writing, cmd=7, userid=two, online=0)
    finally:
        load.close()


def test_node_killed(cluster: Cluster, tally: Tally) -> None:
    """After a kill -9 of a node under load its devices move to other nodes, no answered message is lost, and the
    other nodes know within 5 s."""
    people, group = cluster.people(PEOPLE)
    load = Load(cluster.nodes, people, group)
    victim = cluster.nodes[2]
    try:
        load.online()
        load.write(6_000, 300)
        load.resume()
        load.until(lambda: load.answered > 1_500, 60, "some messages")
        victim.kill9()
        died = time.monotonic()
        load.until(lambda: len(cluster.seen_by(cluster.nodes[0])["rows"]) == 2, 10, "it is known to be dead")
        assert time.monotonic() - died < 5.5
        load.finish(60)
        count(tally, "kill -9 of a node of three", "1 kill", load)
    finally:
        load.close()
    victim.start()


def test_redis_killed(tmp_path: Path, tally: Tally) -> None:
    """While Redis is killed and started again under load, local delivery continues, and missed messages are read from
    the log."""
    need("redis-server", "the Debian package redis-server")
    redis = RedisServer()
    redis.start()
    try:
        with Cluster(tmp_path, 3, Loopback(1), bus=f"redis://127.0.0.1:{redis.port}") as cluster:
            people, group = cluster.people(PEOPLE)
            load = Load(cluster.nodes, people, group)
            load.online()
            for _ in range(2):
                load.write(5_000, 200)
                load.resume()
                had = load.answered
                load.until(lambda had=had: load.answered > had + 1_500, 60, "some messages")  # type: ignore[misc]
                redis.kill()
                end = time.monotonic() + 1.5
                load.until(lambda end=end: time.monotonic() > end, 20, "1.5 s without Redis")  # type: ignore[misc]
                load.write(500, 20)
                load.resume()
                redis.start()
            load.finish(60)
            count(tally, "Redis killed and started again", "2 kills", load)
            load.close()
    finally:
        redis.kill()
