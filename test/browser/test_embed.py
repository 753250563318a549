"""The chat in a frame of another site's page: a page on another port is on another origin."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from test.browser.conftest import DESKTOP, PHONE, SHOTS
from test.browser.person import Person
from test.running.server import PROJECT, Server, free_port

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A shop</title><style>body{{margin:16px;font-family:sans-serif}}#chat{{height:70vh;border:1px solid #ccc}}</style>
<h1>A shop</h1><div id="chat"></div>{script}</html>"""
MOUNTED = """<script type="module">
import {{ mount }} from "{server}/embed.js";
globalThis.told = [];
globalThis.open = (options) => {{
  globalThis.chat = mount(document.querySelector("#chat"), options);
  for (const name of ["unread", "state", "ended"])
    chat.addEventListener(name, ({{ detail }}) => told.push([name, detail]));
}};
globalThis.ready = true;
</script>"""

GUIDE = (PROJECT / "docs" / "embedding.md").read_text("utf-8")
PATIENCE = 60  # seconds in which a program must have started


def examples(language: str, server: Server) -> list[str]:
    """The guide's code in a language, for this server."""
    found = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return [code.replace("http://localhost:8080", server.url) for code in found]


class Shop:
    """A site of somebody else, with one page that has `script` in it."""

    def __init__(self, port: int) -> None:
        self.script = ""
        shop = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = PAGE.format(script=shop.script).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing is logged."""

        self.url = f"http://127.0.0.1:{port}"
        self._serving = ThreadingHTTPServer(("127.0.0.1", port), Answers)
        threading.Thread(target=self._serving.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._serving.shutdown()
        self._serving.server_close()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """The listed site."""
    running = Shop(free_port())
    yield running
    running.close()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Shop]:
    """A site that isn't listed."""
    running = Shop(free_port())
    yield running
    running.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Server]:
    """A server that lists the shop."""
    with Server(tmp_path_factory.mktemp("server"), ["--sites", shop.url]) as running:
        yield running


def token_of(person: Person) -> str:
    """Another device of the person's."""
    fields = {"mobile": person.mobile, "passwd": "a good password"}
    answer = person.context.request.post("/user/login", form=fields).json()
    token: str = answer["data"]["token"]
    return token


def group_of(owner: Person, *members: Person) -> int:
    """A group of these people."""
    made = owner.context.request.post("/contact/createcommunity", form={"name": "Support"}).json()
    group: int = made["data"]["id"]
    for member in members:
        member.context.request.post("/contact/joincommunity", form={"dstid": str(group)})
    return group


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, server: Server) -> Iterator[Visit]:
    """Opens a site's page in a new browser, with `mount` at hand as `open`."""
    contexts = []

    def visited(site: Shop, script: str = MOUNTED, *, phone: bool = False, context: Any = None) -> Page:
        site.script = script.format(server=server.url)
        if context is None:
            context = chromium.new_context(viewport=PHONE if phone else DESKTOP, locale="en-GB")
            contexts.append(context)
        page: Page = context.new_page()
        page.goto(site.url)
        return page

    yield visited
    for context in contexts:
        context.close()


def mounted(page: Page, **options: object) -> FrameLocator:
    """Mount the chat in the page."""
    page.wait_for_function("globalThis.ready")
    page.evaluate("(options) => open(options)", options)
    return page.frame_locator("#chat iframe")


def said(frame: FrameLocator, text: str) -> None:
    """Write a message in the frame."""
    frame.locator(".composer-input").fill(text)
    frame.locator(".send").click()


def seen(frame: FrameLocator, text: str) -> None:
    """Wait for a message in the frame."""
    expect(frame.locator("li.message .text", has_text=text)).to_have_count(1)


@pytest.mark.parametrize("phone", [False, True])
def test_one_group(person: Callable[..., Person], visit: Visit, shop: Shop, phone: bool) -> None:
    """A group alone, by `mount`: messages go both ways, the theme is applied, the frame is as large as its element, and
    nothing leads to another chat."""
    anna, bo = person("Anna"), person("Bo")
    group = group_of(bo, anna)
    page = visit(shop, phone=phone)
    theme = {"--accent": "#0a7d33", "--mine": "rgb(10, 125, 51)", "--radius": "4px"}
    frame = mounted(page, token=token_of(anna), to={"group": group}, theme=theme)
    bo.open(11, group)
    expect(frame.locator(".talk-name b")).to_have_text("Support")
    bo.say("Can I help you?")
    seen(frame, "Can I help you?")
    said(frame, "Where is my order?")
    bo.sees("Where is my order?")

    style = frame.locator("html").evaluate("(html) => getComputedStyle(html).getPropertyValue('--accent')")
    assert style == "#0a7d33"
    own = frame.locator(".mine .bubble").last
    assert own.evaluate("(one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]") == [
        "rgb(10, 125, 51)",
        "rgb(255, 255, 255)",
    ]
    box, inside = page.locator("#chat").bounding_box(), page.locator("#chat iframe").bounding_box()
    assert box is not None and inside is not None
    assert abs(box["width"] - inside["width"]) <= 2 and abs(box["height"] - inside["height"]) <= 2
    for part in (".side", ".rail", ".back", ".language"):
        expect(frame.locator(part).first).not_to_be_visible()
    page.screenshot(path=SHOTS / f"embed-group-{'phone' if phone else 'desktop'}.png")


@pytest.mark.parametrize("phone", [False, True])
def test_whole_chat(person: Callable[..., Person], visit: Visit, shop: Shop, phone: bool) -> None:
    """The whole chat, with its lists."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    page = visit(shop, phone=phone)
    frame = mounted(page, token=token_of(anna))
    bo.open(10, anna.id)
    bo.say("hello")
    expect(frame.locator("[data-conversation] .badge")).to_have_text("1")
    frame.locator(f'[data-conversation="10:{bo.id}"]').click()
    seen(frame, "hello")
    said(frame, "hello to you")
    bo.sees("hello to you")
    if not phone:
        frame.locator("[data-panel=me]").click()
        expect(frame.get_by_text("Devices")).to_be_visible()
        expect(frame.get_by_text("Log out")).to_have_count(0)  # the page around does that
    page.screenshot(path=SHOTS / f"embed-whole-{'phone' if phone else 'desktop'}.png")


def test_script_element(person: Callable[..., Person], visit: Visit, shop: Shop) -> None:
    """One element is enough, and tells its events itself."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    token = token_of(anna)
    script = (
        f'<script type="module" src="{{server}}/embed.js" data-token="{token}" data-user="{bo.id}" data-lang="zh"'
        """ data-theme='{{"--accent": "teal"}}'></script><script>globalThis.told = [];"""
        'document.querySelector("[data-token]").addEventListener("state", (event) => told.push(event.detail));</script>'
    )
    page = visit(shop, script)
    frame = page.frame_locator("iframe")
    said(frame, "by one element")
    bo.open(10, anna.id)
    bo.sees("by one element")
    page.wait_for_function("told.includes('online')")
    expect(frame.locator("html")).to_have_attribute("lang", "zh-CN")


def test_unread(person: Callable[..., Person], visit: Visit, shop: Shop) -> None:
    """A frame that can't be seen reads nothing: its page is told how much is unread, and that it was read once it is
    shown. After `unmount` nothing is told."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    bo.open(10, anna.id)
    page = visit(shop)
    page.evaluate("document.querySelector('#chat').style.display = 'none'")
    mounted(page, token=token_of(anna), to={"user": bo.id})
    page.wait_for_function("told.some(([name, detail]) => name === 'state' && detail === 'online')")
    bo.say("one")
    bo.say("two")
    page.wait_for_function("chat.unread === 2")
    assert ["unread", {"unread": 2, "mentions": 0}] in page.evaluate("told")
    page.evaluate("document.querySelector('#chat').style.display = ''")
    page.wait_for_function("chat.unread === 0")
    page.evaluate("chat.unmount()")
    expect(page.locator("iframe")).to_have_count(0)


def test_themes_that_are_refused(person: Callable[..., Person], visit: Visit, shop: Shop) -> None:
    """A theme sets known variables to colours, and nothing that could load or hide something."""
    anna = person("Anna")
    page = visit(shop)
    warned: list[str] = []
    page.on("console", lambda message: warned.append(message.text) if message.type == "warning" else None)
    bad = {
        "--accent": "url(https://evil.example/x.png)",
        "--text": "red; background: blue",
        "--line": "var(--accent)",
        "--radius": "99999px",
        "background": "red",
        "--unknown": "red",
        "--dim": "nocolour",
        "--bad": 7,
    }
    frame = mounted(page, token=token_of(anna), theme={**bad, "--good": "#123456"})
    expect(frame.locator(".state")).to_have_attribute("data-state", "online")
    assert frame.locator("html").get_attribute("style") == "--good: #123456;"
    assert len([one for one in warned if "can't set" in one]) == len(bad)
    page.evaluate("chat.setTheme({'--accent': 'teal'})")
    expect(frame.locator("html")).to_have_attribute("style", "--accent: teal;")


def test_sites_that_are_not_listed(person: Callable[..., Person], visit: Visit, stranger: Shop, server: Server) -> None:
    """A page of another site can neither import the script nor frame the page or the chat."""
    anna = person("Anna")
    refused: list[str] = []
    page = visit(stranger, "<iframe src='{server}/embed'></iframe><iframe src='{server}/chat/index.shtml'></iframe>")
    page.on("console", lambda message: refused.append(message.text))
    page.reload()
    page.wait_for_load_state("load")
    for frame in page.frames[1:]:
        assert not frame.url.startswith(server.url) or "chrome-error" in frame.url
    assert len([one for one in refused if "frame-ancestors" in one]) == 2
    failed = page.evaluate("(url) => import(url).then(() => '', (error) => error.name)", f"{server.url}/embed.js")
    assert failed == "TypeError"
    call = "([url, token]) => fetch(url, {headers: {Authorization: `Bearer ${token}`}}).then(() => '', (e) => e.name)"
    assert page.evaluate(call, [f"{server.url}/user/find?id=me", token_of(anna)]) == "TypeError"


def test_the_cookie_is_not_used(person: Callable[..., Person], visit: Visit, shop: Shop, server: Server) -> None:
    """In a browser that is logged in as somebody else, the frame shows whom its page names, and nobody without a token;
    the chat page in a frame is no other. Both ports are one site to the browser, so the cookie is sent."""
    anna, bo = person("Anna"), person("Bo")
    token = token_of(anna)
    before = bo.context.cookies()
    page = visit(shop, context=bo.context)
    frame = mounted(page, token=token)
    frame.locator("[data-panel=me]").click()
    expect(frame.locator(".me-card h2")).to_have_text("Anna")
    assert bo.context.cookies() == before
    stored = page.frames[1].evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert token not in stored
    empty = visit(shop, "<iframe src='{server}/chat/index.shtml'></iframe>", context=bo.context)
    inside = empty.frame_locator("iframe")
    expect(inside.locator(".talk-none, .talk")).not_to_have_count(0)
    assert empty.frames[1].url == f"{server.url}/embed"
    assert empty.frames[1].evaluate("document.body.dataset.me") == "null"


def test_only_the_page_around_opens(
    person: Callable[..., Person], visit: Visit, shop: Shop, stranger: Shop, server: Server
) -> None:
    """What another frame of the same page says isn't heard, and neither is the frame itself."""
    anna, bo = person("Anna"), person("Bo")
    stranger.script = ""
    page = visit(shop, f"<iframe src='{{server}}/embed'></iframe><iframe src='{stranger.url}'></iframe>")
    page.wait_for_load_state("load")
    says = "(token) => { const chat = parent.frames[0]; chat.postMessage({ twim: 'open', token }, '*'); }"
    page.frames[2].evaluate(says, token_of(bo))
    page.frames[1].evaluate("(token) => postMessage({ twim: 'open', token }, '*')", token_of(bo))
    page.evaluate("([token, to]) => frames[0].postMessage({ twim: 'open', token }, to)", [token_of(anna), server.url])
    frame = page.frame_locator("iframe").first
    frame.locator("[data-panel=me]").click()
    expect(frame.locator(".me-card h2")).to_have_text("Anna")


def test_another_token(person: Callable[..., Person], visit: Visit, shop: Shop) -> None:
    """When the token ends, the page is asked for another one; without one it is told that the chat has ended."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    bo.open(10, anna.id)
    first, second = token_of(anna), token_of(anna)
    page = visit(shop)
    page.wait_for_function("globalThis.ready")
    page.evaluate(
        "([token, next, user]) => open({ token, to: { user }, renew: async () => (told.push(['renew']), next) })",
        [first, second, bo.id],
    )
    frame = page.frame_locator("#chat iframe")
    page.wait_for_function("told.some(([name, detail]) => detail === 'online')")
    anna.context.request.post("/user/logout", headers={"Authorization": f"Bearer {first}"})
    page.wait_for_function("told.some(([name]) => name === 'renew')")
    bo.say("still there?")
    seen(frame, "still there?")
    anna.context.request.post("/user/logout", headers={"Authorization": f"Bearer {second}"})
    page.wait_for_function("told.some(([name]) => name === 'ended')")
    expect(frame.locator(".ended h1")).to_have_text("This chat has ended")


def test_options_that_are_refused(visit: Visit, shop: Shop) -> None:
    """Wrong options are told at once, and leave the page as it was."""
    page = visit(shop)
    page.wait_for_function("globalThis.ready")
    tried = "(options) => { try { open(options); return ''; } catch (error) { return error.name; } }"
    wrong: list[dict[str, Any]] = [
        {},
        {"token": ""},
        {"token": 7},
        {"token": "a", "to": {"group": "abc"}},
        {"token": "a", "to": {"user": -1}},
        {"token": "a", "to": {"user": 1, "group": 2}},
        {"token": "a", "to": {"room": 1}},
        {"token": "a", "to": {}},
    ]
    for options in wrong:
        assert page.evaluate(tried, options) == "TypeError", options
    expect(page.locator("iframe")).to_have_count(0)


def test_the_guides_product(tmp_path: Path, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """docs/embedding.md: the server is started as it says, and its program shows the chat of its user."""
    port = free_port()
    site = f"http://localhost:{port}"
    (options,) = re.findall(r"^twim run (--sites \S+ --login \S+)$", GUIDE, re.MULTILINE)
    folder = tmp_path_factory.mktemp("guide")
    (folder / "host.key").write_text(secrets.token_hex(32) + "\n")
    with Server(folder, options.replace("http://localhost:8000", site).split()) as server:
        (code,) = examples("python", server)
        assert len(code.splitlines()) < 45
        program = tmp_path / "host.py"
        program.write_text(code.replace("8000", str(port)), "utf-8")
        running = subprocess.Popen([sys.executable, program], cwd=folder, stderr=subprocess.DEVNULL)
        context = chromium.new_context(viewport=DESKTOP)
        try:
            answers(site)
            page = context.new_page()
            page.goto(site)
            frame = page.frame_locator("iframe")
            expect(frame.locator(".state")).to_have_attribute("data-state", "online")
            frame.locator("[data-panel=me]").click()
            expect(frame.locator(".me-card h2")).to_have_text("Anna")
        finally:
            context.close()
            running.terminate()
            running.wait()


def answers(url: str) -> None:
    """Wait until a program answers at `url`."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the program doesn't answer"
            time.sleep(0.05)


def test_the_guides_pages(person: Callable[..., Person], visit: Visit, shop: Shop, server: Server) -> None:
    """docs/embedding.md: its pages show a conversation and what is unread, and use the client directly."""
    anna, bo = person("Anna"), person("Bo")
    anna.become_friend(bo)
    bo.open(10, anna.id)
    mounting, importing = [
        code.replace("TOKEN", token_of(anna)).replace("PEER", str(bo.id)).replace("{", "{{").replace("}", "}}")
        for code in examples("html", server)
    ]
    page = visit(shop, mounting.replace('id="chat"', 'id="guide"').replace("#chat", "#guide"))
    frame = page.frame_locator("#guide iframe")
    bo.say("from the guide")
    seen(frame, "from the guide")
    expect(page.locator("#unread")).to_have_text("0")
    direct = visit(shop, importing)
    expect(direct).to_have_title("online")
