"""Browsers that send files to the object store themselves: a real one, which checks signatures and origins."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Request, expect

from test.browser.person import Person
from test.running.server import PROJECT, Server, free_port
from test.storage.files.swift import KEY_ID, MISSING, SECRET, Swift, find_swift

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]
BUCKET = "chat"
PAGE = PROJECT / "docs" / "configuration.md"
RULE = re.compile("```json\n(.*?)```", re.DOTALL)


@dataclass
class Store:
    """The object store, and the port of the only site that may send it files."""

    swift: Swift
    port: int


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Swift with one bucket."""
    programs = find_swift()
    if programs is None:
        pytest.fail(MISSING) if os.environ.get("TWIM_TEST_NO_SKIP") == "1" else pytest.skip(MISSING)
    port = free_port()
    swift = Swift(programs, tmp_path_factory.mktemp("swift"), [f"http://127.0.0.1:{port}"])
    try:
        swift.start()
        swift.make_bucket(BUCKET)
        yield Store(swift, port)
    finally:
        swift.stop()


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that keeps its files there. Its ``param`` may be "private": it sends them itself; "unnamed": the store's CORS
    rule hasn't this site; "refused": its keys are wrong."""
    what = getattr(request, "param", "")
    public = "/mnt" if what == "private" else f"{store.swift.public(BUCKET)}/files"
    url = f"s3://{BUCKET}/files?endpoint={store.swift.endpoint}&public={public}&direct=on"
    keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "another" if what == "refused" else SECRET}
    port = None if what == "unnamed" else store.port
    with Server(tmp_path_factory.mktemp("server"), ["--files", url], keys, port) as running:
        yield running


def server_that_is(what: str) -> pytest.MarkDecorator:
    """For a test that wants another server than the good one."""
    return pytest.mark.parametrize("server", [what], indirect=True)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small PNG."""
    path = tmp_path / "sunset.png"
    Image.linear_gradient("L").resize((320, 200)).save(path)
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A document, whose bytes are all that there are."""
    path = tmp_path / "Plan für 2026, 计划.pdf"
    path.write_bytes(b"%PDF-1.4\n" + bytes(range(256)) * 200)
    return path


def asked_by(page: Page) -> list[Request]:
    """Collects the requests that this page makes from now on."""
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    return asked


def ways(asked: list[Request], store: Store) -> list[str]:
    """Where the files were sent: ``store`` or ``server``."""
    kinds = {f"PUT {store.swift.endpoint}/{BUCKET}/files/": "store", "POST /attach/upload": "server"}
    lines = [f"{request.method} {re.sub('^http://127.0.0.1:[0-9]+(?=/attach)', '', request.url)}" for request in asked]
    return [way for line in lines for start, way in kinds.items() if line.startswith(start)]


def save(page: Page) -> tuple[str, bytes]:
    """Click on the file in the chat; gives the name that the browser saves it under, and its bytes."""
    with page.expect_download() as saving:
        page.locator("li.message .file").click()
    return saving.value.suggested_filename, saving.value.path().read_bytes()


def test_picture(friends: Friends, store: Store, picture: Path) -> None:
    """A picture is sent to the server, which removes its metadata, and is then downloaded from the store."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.attach("picture", picture)
    image = bo.page.locator("li.message .picture img")
    expect(image).to_have_attribute("src", re.compile(f"^{re.escape(store.swift.public(BUCKET))}/files/.*[.]png[?]e="))
    expect(image).to_have_js_property("naturalWidth", 320)
    expect(anna.page.locator(".upload")).to_have_count(0)
    assert ways(asked, store) == ["server"]


def test_file(friends: Friends, store: Store, plan: Path) -> None:
    """A file is sent to the store, and is saved byte for byte and with its name."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.attach("file", plan)
    expect(bo.page.locator("li.message .file")).to_contain_text(plan.name)
    assert save(bo.page) == (plan.name, plan.read_bytes())
    assert ways(asked, store) == ["store"]


def test_voice(friends: Friends, store: Store) -> None:
    """A recording is sent to the store, and plays."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.page.click(".record")
    expect(anna.page.locator(".recording b")).to_have_text("0:01")
    anna.page.locator(".recording .primary").click()
    voice = bo.page.locator("li.message .voice")
    play = voice.locator(".voice-play")
    play.click()
    expect(play).to_have_attribute("aria-label", "Pause")
    expect(play).to_have_attribute("aria-label", "Play")
    expect(voice).not_to_have_class(re.compile("broken"))
    assert ways(asked, store) == ["store"]


def test_what_the_rule_must_allow(friends: Friends, plan: Path) -> None:
    """The browser needs exactly the CORS rule that docs/configuration.md names, and no more."""
    anna, bo = friends
    seen: list[dict[str, str]] = []
    network = anna.context.new_cdp_session(anna.page)
    network.on("Network.requestWillBeSentExtraInfo", lambda event: seen.append(event["headers"]))
    network.send("Network.enable")
    anna.attach("file", plan)
    expect(bo.page.locator("li.message .file")).to_have_count(1)
    asked = [headers for headers in seen if "Access-Control-Request-Method" in headers]
    (rule,) = json.loads(RULE.findall(PAGE.read_text("utf-8"))[0])["CORSRules"]
    assert [headers["Access-Control-Request-Method"] for headers in asked] == rule["AllowedMethods"]
    assert asked[0]["Access-Control-Request-Headers"].split(",") == rule["AllowedHeaders"]


def test_policy(friends: Friends, server: Server, store: Store) -> None:
    """The content security policy lets the page connect to its own site and to the store only."""
    anna, _ = friends
    policy = anna.context.request.get("/chat/index.shtml").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["connect-src"].split() == ["'self'", "ws:", "wss:", store.swift.endpoint]
    fetch = "(url) => fetch(url, {mode: 'no-cors'}).then(() => 'reached', () => 'refused')"
    assert anna.page.evaluate(fetch, f"{store.swift.endpoint}/healthcheck") == "reached"
    assert anna.errors == []
    assert anna.page.evaluate(fetch, f"http://localhost:{server.port}/user/login.shtml") == "refused"
    assert "Content Security Policy" in anna.errors[0]
    anna.errors.clear()


PROGRESS = """() => new Promise((done) => {
    const look = () => {
        const { value } = document.querySelector(".upload progress");
        if (value > 0.05) done(value); else requestAnimationFrame(look);
    };
    look();
})"""
"""How far the bar is when it has begun to move."""


@pytest.fixture
def slow(friends: Friends) -> None:
    """Anna's connection carries 500 KB a second."""
    anna, _ = friends
    network = anna.context.new_cdp_session(anna.page)
    network.send("Network.enable")
    speed: dict[str, Any] = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 500_000}
    network.send("Network.emulateNetworkConditions", speed)


@pytest.mark.usefixtures("slow")
def test_given_up_on_the_way(friends: Friends, store: Store, tmp_path: Path) -> None:
    """The bar shows the progress of an upload; a cancelled upload goes neither to the store nor to the server."""
    anna, bo = friends
    asked = asked_by(anna.page)
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(10_000_000))
    anna.attach("file", path)
    assert 0.05 < anna.page.evaluate(PROGRESS) < 0.9
    anna.page.locator(".upload button").click()
    expect(anna.page.locator(".upload")).to_have_count(0)
    anna.say("after all not")
    bo.sees("after all not")
    expect(bo.page.locator(".file")).to_have_count(0)
    assert ways(asked, store) == ["store"]


def test_given_up_before(friends: Friends, store: Store, plan: Path) -> None:
    """An upload that is cancelled before the server has signed it isn't sent either."""
    anna, bo = friends
    asked = asked_by(anna.page)
    waiting: list[Any] = []
    anna.page.route("**/attach/presign", lambda route: waiting.append(route))
    with anna.page.expect_request("**/attach/presign"):
        anna.attach("file", plan)
    anna.page.locator(".upload button").click()
    with anna.page.expect_response("**/attach/presign"):
        waiting[0].continue_()
    expect(anna.page.locator(".upload")).to_have_count(0)
    anna.say("after all not")
    bo.sees("after all not")
    expect(bo.page.locator(".file")).to_have_count(0)
    assert ways(asked, store) == []


def test_signature_refused(friends: Friends, store: Store, plan: Path) -> None:
    """A file that the store refuses is sent to the server, and the user sees no difference."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.page.evaluate("""() => {
        const open = XMLHttpRequest.prototype.open;
        XMLHttpRequest.prototype.open = function (method, url) {
            open.call(this, method, url.replace(/(?<=Signature=).{8}/, "00000000"));
        };
    }""")
    anna.attach("file", plan)
    expect(bo.page.locator("li.message .file")).to_contain_text(plan.name)
    assert save(bo.page)[1] == plan.read_bytes()
    assert ways(asked, store) == ["store", "server"]
    anna.errors.clear()  # the browser wrote down that it was refused


@server_that_is("private")
def test_private(friends: Friends, store: Store, plan: Path) -> None:
    """Files can be sent directly to a store that nobody but the server may read."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.attach("file", plan)
    card = bo.page.locator("li.message .file")
    expect(card).to_have_attribute("href", re.compile("/mnt/"))
    assert save(bo.page) == (plan.name, plan.read_bytes())
    assert ways(asked, store) == ["store"]


@server_that_is("unnamed")
def test_no_rule(friends: Friends, store: Store, plan: Path) -> None:
    """From a site that the bucket's CORS rule lacks, files go to the server; the store is tried only once."""
    anna, bo = friends
    asked = asked_by(anna.page)
    anna.attach("file", plan)
    expect(bo.page.locator("li.message .file")).to_contain_text(plan.name)
    assert save(bo.page)[1] == plan.read_bytes()
    again: list[FilePayload] = [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}]
    anna.page.set_input_files("[data-choose=file]", again)
    anna.page.click(".send")
    expect(bo.page.locator("li.message .file")).to_have_count(2)
    assert ways(asked, store) == ["store", "server", "server"]
    assert [error for error in anna.errors if "CORS policy" in error]
    anna.errors.clear()


@server_that_is("refused")
@pytest.mark.parametrize(
    ("lang", "words", "again"),
    [("en", "The server can't store anything just now", "Try again"), ("zh", "服务器暂时不可用", "重试")],
)
def test_no_way(person: PeopleOf, plan: Path, lang: str, words: str, again: str) -> None:
    """If the server can't store the file either, the sender is told and can try again; nothing is sent."""
    anna, bo = person("Anna", lang=lang), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    anna.attach("file", plan)
    failed = anna.page.locator(".upload.bad")
    expect(failed).to_contain_text(words)
    expect(failed.get_by_text(again)).to_be_visible()
    expect(bo.page.locator(".file")).to_have_count(0)
    anna.errors.clear()  # the browser wrote down that it was refused
