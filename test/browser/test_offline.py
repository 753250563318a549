"""The chat page without a server: it opens with what this browser keeps of its user, and nothing for anybody else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from test.browser.conftest import DESKTOP, PATIENCE
from test.browser.person import Person
from test.browser.test_page_owner import PASSWORD, log_in
from test.browser.waiting import until
from test.running.server import Server

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]
CHAT = "/chat/index.shtml"
STORED = """async () => {
    const names = (await indexedDB.databases()).map(({ name }) => name);
    const found = {};
    for (const name of names) {
        const opening = indexedDB.open(name);
        const base = await new Promise((done) => { opening.onsuccess = () => done(opening.result); });
        if (!base.objectStoreNames.contains("kept")) { base.close(); continue; }
        const store = base.transaction("kept").objectStore("kept");
        const asked = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
        const [keys, values] = [await asked(store.getAllKeys()), await asked(store.getAll())];
        keys.forEach((key, at) => { found[key] = values[at]; });
        base.close();
    }
    return found;
}"""
WIPE = """() => new Promise((done) => {
    const opening = indexedDB.open("twim");
    opening.onsuccess = () => {
        opening.result.transaction("kept", "readwrite").objectStore("kept").clear().onsuccess = () => done();
    };
})"""
CACHED = """async () => {
    const found = {};
    for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const { url } of await cache.keys()) {
            found[new URL(url).pathname] = [name, await (await cache.match(url)).text()];
        }
    }
    return found;
}"""


def stored(page: Page) -> dict[str, Any]:
    """What the database of the browser holds, by key."""
    found: dict[str, Any] = page.evaluate(STORED)
    return found


def cached(page: Page) -> dict[str, list[str]]:
    """The name of its cache and the text of each file that the service worker keeps, by path."""
    found: dict[str, list[str]] = page.evaluate(CACHED)
    return found


def until_kept(page: Page, *texts: str, base: str = "") -> None:
    """Wait until the page is kept, and messages with these texts."""
    until(
        page,
        f"""async ([texts, path]) => {{
            const found = JSON.stringify(await ({STORED})());
            return path in await ({CACHED})() && texts.every((text) => found.includes(JSON.stringify(text)));
        }}""",
        [list(texts), f"{base}/chat/kept.shtml"],
    )


def alone(person: Person) -> None:
    """The page shows that there is no server."""
    expect(person.page.locator(".state")).to_have_attribute("data-state", "offline")
    expect(person.page.locator(".as-of")).to_be_attached()


def nothing(page: Page) -> None:
    """The page opens without a server and has nothing of anybody."""
    page.goto(CHAT)
    expect(page.locator(".ended h1")).to_have_text("No connection")
    expect(page.locator("body > :visible")).to_have_count(1)


@contextmanager
def standing_in(port: int, status: int, late: float) -> Iterator[None]:
    """What stands where the server was: it answers everything with this status, so many seconds late."""
    over = Event()

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            over.wait(late)
            with suppress(OSError):  # nobody waits for it any more
                self.send_response(status)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<p class=late>late</p>")

        do_POST = do_GET

        def log_message(self, *said: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", port), Proxy)
    proxy.daemon_threads = True
    serving = Thread(target=proxy.serve_forever, daemon=True)
    serving.start()
    try:
        yield
    finally:
        over.set()
        proxy.shutdown()
        proxy.server_close()
        serving.join()


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_opens_and_catches_up(person: PeopleOf, server: Server, phone: bool) -> None:
    """Without a server the page opens with the conversations and their messages, also those that were never opened
    here, and says so. What is written lasts over a reload and is sent once; what was said meanwhile comes."""
    anna, bo, cleo = person("Anna", phone=phone), person("Bo"), person("Cleo")
    for one in (bo, cleo):
        anna.become_friend(one)
    cleo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "never opened"})
    cleo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "the last one"})
    bo.open(10, anna.id)
    anna.open(10, bo.id)
    bo.say("before")
    anna.sees("before")
    anna.say("mine")
    bo.sees("mine")
    until_kept(anna.page, "before", "mine", "never opened")

    server.kill9()
    anna.page.reload()
    alone(anna)
    assert (anna.sees("before").count(), anna.sees("mine").count()) == (1, 1)
    expect(anna.page.locator(".talk-title")).to_have_text("Bo")
    expect(anna.page.locator(".talk-status")).to_have_text("No connection")
    anna.shot(f"offline-talk-{'phone' if phone else 'desktop'}")
    anna.say("written offline")
    anna.state_of("written offline", "waiting")
    anna.page.evaluate("location.hash = ''")
    expect(anna.page.locator("a.row[data-conversation]")).to_have_count(2)
    anna.shot(f"offline-list-{'phone' if phone else 'desktop'}")
    anna.open(10, cleo.id)
    anna.sees("never opened")
    anna.open(10, bo.id)
    anna.page.reload()
    alone(anna)
    anna.state_of("written offline", "waiting")

    server.start()
    bo.page.evaluate("dispatchEvent(new Event('focus'))")
    bo.online()
    bo.sees("written offline")
    bo.say("after")
    anna.sees("after")
    anna.online()
    anna.state_of("written offline", "read")
    expect(anna.page.locator(".as-of")).to_have_count(0)
    assert anna.texts() == bo.texts() == ["before", "mine", "written offline", "after"]
    for one in (anna, bo, cleo):
        one.errors[:] = [error for error in one.errors if "Failed to load" not in error]


def test_a_proxy_without_its_server(friends: Friends, server: Server) -> None:
    """An answer 503, and one that is late, are as good as no server: the kept page opens. Where nothing is kept of
    anybody a late page is waited for."""
    anna, bo = friends
    bo.say("hello")
    anna.sees("hello")
    until_kept(anna.page, "hello")
    server.stop()
    for status, late in ((503, 0), (200, 120)):
        with standing_in(server.port, status, late):
            anna.page.goto("about:blank")
            anna.page.goto(f"{CHAT}#10:{bo.id}")
            expect(anna.page.locator(".as-of")).to_be_attached()
            anna.sees("hello")
    with standing_in(server.port, 200, 4):
        anna.page.evaluate(WIPE)
        anna.page.goto("about:blank")
        anna.page.goto(CHAT)
        expect(anna.page.locator(".late")).to_be_visible()
    server.start()
    for one in friends:
        one.errors.clear()


def test_newest_page(person: PeopleOf) -> None:
    """While there is a server its page is shown, never the kept one; files of an earlier release are removed, and those
    of other servers of the site aren't."""
    anna = person("Anna")
    until_kept(anna.page)
    kept = cached(anna.page)
    release = kept["/chat/kept.shtml"][0]
    assert all(name == release for name, _ in kept.values())
    assert any(path.endswith("/joined/page/chat.js") for path in kept)
    for name in ("twim:/:0000000000000000", "twim:/other/:0000000000000000"):
        anna.page.evaluate("async (name) => (await caches.open(name)).put('/old', new Response('old'))", name)
    anna.page.evaluate(
        """async (name) => (await caches.open(name)).put("/chat/kept.shtml",
            new Response("<p class=stale>stale</p>", { headers: { "Content-Type": "text/html" } }))""",
        release,
    )
    anna.page.reload()
    anna.online()
    assert anna.page.locator(".stale").count() == 0
    until(anna.page, "async () => !(await caches.has('twim:/:0000000000000000'))")
    assert set(anna.page.evaluate("caches.keys()")) == {release, "twim:/other/:0000000000000000"}
    assert cached(anna.page)["/chat/kept.shtml"] == kept["/chat/kept.shtml"]


def test_nothing_private_is_cached(friends: Friends) -> None:
    """The kept page is nobody's, with the headers of the page; files of messages and users' data are in no cache."""
    anna, bo = friends
    bo.say("a secret")
    anna.sees("a secret")
    until_kept(anna.page, "a secret")
    kept = cached(anna.page)
    assert all(path == "/chat/kept.shtml" or path.startswith("/asset/") for path in kept)
    page = kept["/chat/kept.shtml"][1]
    assert 'data-me="null"' in page
    for told in (anna.mobile, "a secret", '"nickname": "Anna"'):
        assert not any(told in text for _, text in kept.values())
    policy = anna.page.evaluate(
        "async () => (await caches.match('/chat/kept.shtml')).headers.get('Content-Security-Policy')"
    )
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("how", ["log-out", "ended", "ended while closed", "other user"])
def test_wiped(person: PeopleOf, server: Server, how: str) -> None:
    """Nothing of Anna's is left, for who opens the page without a server, once she has logged out, her session was
    ended by the server (while the page is open or not), or somebody else has logged in."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "a secret"})
    until_kept(anna.page, "a secret")
    page = anna.page
    if how == "log-out":
        anna.panel("me")
        page.locator(".me-actions .row").last.click()
        page.locator("dialog .button.bad").click()
        page.wait_for_url("**/user/login.shtml*")
    elif how == "ended":
        answer = anna.context.request.post("/user/logout")
        assert answer.json()["code"] == 0
        page.evaluate("dispatchEvent(new Event('focus'))")
        page.wait_for_url("**/user/login.shtml*")
    elif how == "ended while closed":
        page.goto("about:blank")
        anna.context.request.post("/user/logout")
        page.goto("/user/login.shtml")
        until(page, f"async () => !Object.keys(await ({STORED})()).length")
    else:
        page.goto("about:blank")
        anna.context.request.post("/user/login", form={"mobile": bo.mobile, "passwd": PASSWORD})
        page.goto(CHAT)
        anna.online()
        until(page, f"async (id) => (await ({STORED})()).owner?.user.id === id", bo.id)
    found = stored(page)
    assert how == "other user" or found == {}
    assert anna.mobile not in json.dumps(found)
    if how != "other user":
        server.kill9()
        nothing(page)
        server.start()
        page.locator(".ended .primary").click()
        page.wait_for_url("**/user/login.shtml*")
        log_in(page, anna.mobile)
    for one in (anna, bo):
        one.errors.clear()


def test_log_in_as_another(person: PeopleOf, server: Server) -> None:
    """Nothing of Anna's is left once Bo has logged in, though his chat can't be loaded any more."""
    anna, bo = person("Anna"), person("Bo")
    until_kept(anna.page)
    page = anna.page

    def last_answer(route: Route) -> None:
        answer = route.fetch()
        server.kill9()
        route.fulfill(response=answer)

    page.goto("/user/login.shtml")
    page.route("**/user/login", last_answer)
    page.fill("[name=mobile]", bo.mobile)
    page.fill("[name=passwd]", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator(".ended h1")).to_have_text("No connection")
    assert stored(page) == {}
    server.start()
    anna.errors.clear()


def test_bounds_and_events(friends: Friends) -> None:
    """At most 50 messages of a chat are kept; of a recalled one nothing that it said, and of an edited one what it says
    now."""
    anna, bo = friends
    texts = [f"number {number}" for number in range(1, 56)]
    bo.post(*({"cmd": 10, "dstid": anna.id, "media": 1, "content": text} for text in texts))
    until_kept(anna.page, texts[-1])
    seqs = [message["seq"] for message in stored(anna.page)[f"10:{bo.id}"]["messages"]]
    assert len(seqs) == 50
    bo.post(
        {"cmd": 10, "dstid": anna.id, "media": 20, "ref": seqs[-1]},
        {"cmd": 10, "dstid": anna.id, "media": 21, "ref": seqs[-2], "content": "changed"},
    )
    until_kept(anna.page, "changed")
    kept = {message["seq"]: message for message in stored(anna.page)[f"10:{bo.id}"]["messages"]}
    assert len(kept) == 50
    assert (kept[seqs[-1]]["recalled"], kept[seqs[-2]]["content"]) == (1, "changed")
    assert texts[-1] not in json.dumps(stored(anna.page))


def test_below_a_prefix(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Below a path of its site, too."""
    base = "/tools/talk"
    with Server(tmp_path_factory.mktemp("prefixed"), ["--prefix", base]) as server:
        context = chromium.new_context(viewport=DESKTOP, locale="en-GB", base_url=server.url)
        context.set_default_timeout(PATIENCE)
        form = {"mobile": "13700000003", "nickname": "Dora", "passwd": PASSWORD}
        me = context.request.post(f"{base}/user/register", form=form).json()["data"]["id"]
        page = context.new_page()
        page.goto(f"{base}{CHAT}#10:{me}")
        page.locator(".composer-input").fill("a note to myself")
        page.locator(".composer-input").press("Enter")
        expect(page.locator("li.message .text")).to_have_text("a note to myself")
        until_kept(page, "a note to myself", base=base)
        server.kill9()
        page.reload()
        expect(page.locator(".as-of")).to_be_visible()
        expect(page.locator("li.message .text")).to_have_text("a note to myself")
        page.goto(f"{base}{CHAT}")
        expect(page.locator("a.row[data-conversation]")).to_have_count(1)
        context.close()
