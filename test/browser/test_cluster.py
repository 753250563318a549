"""nginx in front of three nodes: people in browsers notice nothing, not even while every node is restarted."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from test.browser.person import Person
from test.running.cluster_front import Front
from test.running.cluster_load import Load
from test.running.cluster_net import Loopback
from test.running.cluster_nodes import OPERATOR, PASSWD, Cluster, free_udp_port
from test.running.need import need

SHOTS = Path(__file__).parent / "shots"
MOBILES = itertools.count(13_400_000_000)
SECONDS = 30_000  # of a page that must find another node, in ms


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes."""
    need("nginx", "nginx")
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, 3, Loopback(free_udp_port()), options=("--proxies", "127.0.0.1")) as made:
        yield made


@pytest.fixture(scope="module")
def front(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx in front of the nodes."""
    with Front(tmp_path_factory.mktemp("front"), cluster.nodes) as running:
        yield running


def window(chromium: Browser, url: str, name: str) -> Person:
    """The browser of a new person of that name, with the chat open."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, locale="en-GB", base_url=url)
    context.set_default_timeout(SECONDS)
    who = Person(context, name, str(next(MOBILES)), SHOTS)
    who.arrive()
    return who


def test_rolling_restart(chromium: Browser, cluster: Cluster, front: Front) -> None:
    """Two people chat through nginx while the nodes are restarted one after the other under load: every message
    arrives once."""
    people, group = cluster.people(4)
    load = Load([front], people, group, window=4)
    load.online()
    load.until(lambda: all(n["connections"] for n in cluster.seen_by(cluster.nodes[0])["rows"]), 5, "spread evenly")
    anna, bo = window(chromium, front.url, "Anna"), window(chromium, front.url, "Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    failed: list[BaseException] = []

    def drive() -> None:
        try:
            while not done:
                load.write(40, 4)
                load.resume()
                load.until(lambda: not load.rest(), 60, "everything answered")
            load.finish(60)
        except BaseException as error:
            failed.append(error)

    done: list[bool] = []
    thread = Thread(target=drive)
    thread.start()
    try:
        said = []
        for number, node in enumerate(cluster.nodes, 1):
            anna.say(f"before {number}")
            node.stop()
            bo.say(f"while {number} is away")
            node.start()
            anna.say(f"after {number}")
            said += [f"before {number}", f"while {number} is away", f"after {number}"]
        for who in (anna, bo):
            expect(who.rows()).to_have_count(len(said), timeout=SECONDS)
            assert sorted(who.texts()) == sorted(said)
        assert anna.texts() == bo.texts()
    finally:
        done.append(True)
        thread.join(120)
    assert not failed, failed
    codes = {code for device in load.devices for code in device.codes}
    assert codes == {1012}
    assert sum(load.heads().values()) > 200
    load.close()
    expected = ("502", "503")
    assert [error for who in (anna, bo) for error in who.errors if not any(code in error for code in expected)] == []
    for who in (anna, bo):
        who.context.close()


def test_operators_page(chromium: Browser, cluster: Cluster) -> None:
    """The operator sees every node; other users are told that the page isn't for them."""
    node = cluster.nodes[0]
    cluster.seen_by(node)
    context = chromium.new_context(viewport={"width": 1100, "height": 700}, locale="en-GB", base_url=node.url)
    context.request.post("/user/login", form={"mobile": OPERATOR, "passwd": PASSWD})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/operate/nodes.shtml")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody tr").first).to_contain_text(f"127.0.0.1:{node.port}")
    if os.environ.get("TWIM_TEST_SHOTS"):
        page.screenshot(path=SHOTS / "operate-nodes.png")
    context.close()
    stranger = window(chromium, node.url, "Cai")
    stranger.page.goto("/operate/nodes.shtml")
    expect(stranger.page.locator("[role=alert]")).to_contain_text("operators")
    stranger.context.close()
    assert errors == []


@pytest.mark.parametrize(("language", "title"), [("en-GB", "Differing settings"), ("zh-CN", "不同的设置")])
def test_settings_that_differ(chromium: Browser, cluster: Cluster, language: str, title: str) -> None:
    """Nodes that were given different values show them in their rows, and no others do."""
    given = {node.port: limit for node, limit in zip(cluster.nodes[1:], ("7", "9"), strict=True)}
    for node in cluster.nodes[1:]:
        if "--upload-limit" not in node._arguments:
            node.stop()
            node._arguments += ["--upload-limit", given[node.port]]
            node.start()
    node = cluster.nodes[0]
    context = chromium.new_context(locale=language, base_url=node.url)
    context.set_default_timeout(SECONDS)
    node.call("/user/register", mobile=OPERATOR, passwd=PASSWD)
    token = node.call("/user/login", mobile=OPERATOR, passwd=PASSWD)["data"]["token"]
    context.add_cookies([{"name": "token", "value": token, "url": node.url}])
    page = context.new_page()
    page.goto("/operate/nodes.shtml")
    expect(page.locator("thead th").last).to_have_text(title)
    for port, limit in given.items():
        row = page.locator("tbody tr").filter(has_text=f":{port}")
        expect(row.locator("td").last).to_have_text(f"upload_limit: {limit}", timeout=SECONDS)
    expect(page.locator("tbody tr").first.locator("td").last).to_have_text("")
    if os.environ.get("TWIM_TEST_SHOTS"):
        page.screenshot(path=SHOTS / f"operate-nodes-differ-{language}.png")
    context.close()
