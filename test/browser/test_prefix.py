"""The chat below a path of a site, behind nginx, in a browser: all works and nothing asks for the rest of the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from test.browser.conftest import DESKTOP
from test.browser.test_embed import Shop
from test.running.prefix_front import PASSED_ON, TAKEN_OFF, Site, prefix_front
from test.running.server import free_port

ADMINISTRATOR, PASSWD = "13600000000", "a good password"
MOUNTED = """<script type="module">
import {{ mount }} from "{base}/embed.js";
mount(document.querySelector("#chat"), {{ token: "{token}", to: {{ group: {group} }} }});
</script>"""


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """The listed site."""
    running = Shop(free_port())
    yield running
    running.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Site]:
    """Two servers below one site, each with an administrator."""
    with prefix_front(tmp_path_factory.mktemp("site"), "--sites", shop.url) as found:
        for server in found.servers.values():
            form = urlencode({"mobile": ADMINISTRATOR, "passwd": PASSWD}).encode()
            urlopen(f"{server}/user/register", form, timeout=30).close()
        yield found


class Visitor:
    """Somebody with a browser of their own. `asked` is every address that it asked for, `errors` what went wrong."""

    def __init__(self, chromium: Browser, site: Site, prefix: str) -> None:
        self.base = site.url + prefix
        self.context = chromium.new_context(viewport=DESKTOP, locale="en-GB")
        self.context.set_default_timeout(20_000)
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url.replace("ws", "http", 1)))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        return page

    def outside(self, *but: str) -> list[str]:
        """What was asked outside of the prefix."""
        inside = (self.base + "/", "blob:", "data:", *but)
        return [url for url in self.asked if not url.startswith(inside)]

    def register(self, mobile: str) -> None:
        page = self.page
        page.goto(self.base + "/")
        page.click(".login-other a")
        page.fill("[name=mobile]", mobile)
        page.fill("[name=nickname]", "Ann")
        page.fill("[name=passwd]", PASSWD)
        page.click("[type=submit]")
        page.wait_for_url(f"{self.base}/chat/index.shtml*")
        expect(page.locator(".state")).to_have_attribute("data-state", "online")

    def rest(self, path: str, **fields: str) -> dict[str, object]:
        answer = self.context.request.post(self.base + path, form=fields).json()
        assert answer["code"] == 0, answer
        found: dict[str, object] = answer.get("data", {})
        return found


@pytest.fixture
def visitor(chromium: Browser, site: Site) -> Iterator[Callable[[str], Visitor]]:
    """Opens a browser below a prefix of the site."""
    visitors: list[Visitor] = []

    def visit(prefix: str) -> Visitor:
        visitors.append(Visitor(chromium, site, prefix))
        return visitors[-1]

    yield visit
    for one in visitors:
        one.context.close()
    assert [error for one in visitors for error in one.errors] == []


@pytest.mark.parametrize("prefix", [TAKEN_OFF, PASSED_ON])
def test_below_a_path(visitor: Callable[[str], Visitor], shop: Shop, prefix: str, tmp_path: Path) -> None:
    """Registering, chatting, a picture, a sticker, the frame in another site's page, administration, logging out."""
    ann = visitor(prefix)
    ann.register("13700000001")
    group = str(ann.rest("/contact/createcommunity", name="Everybody")["id"])
    page = ann.page
    page.evaluate(f"location.hash = '#11:{group}'")
    page.locator(".composer-input").fill("hello")
    page.locator(".composer-input").press("Enter")
    sent = page.locator("li.message", has=page.locator(".text", has_text="hello"))
    expect(sent).to_have_attribute("data-state", "sent")
    picture = tmp_path / "sunset.png"
    Image.linear_gradient("L").resize((320, 200)).save(picture)
    page.set_input_files("[data-choose=picture]", [picture])
    expect(page.locator(".tray-item")).to_have_count(1)
    page.click(".send")
    expect(page.locator("li.message .picture:not(.sticker) img")).to_have_js_property("naturalWidth", 320)
    page.get_by_role("button", name="Emoji").click()
    page.locator(".emoji-tabs [data-pack]").first.click()
    page.locator(".sticker-grid button").first.click()
    sticker = page.locator("li.message .sticker img")
    page.wait_for_function("(image) => image.naturalWidth > 0", arg=sticker.element_handle())

    page.reload()
    expect(page.locator("li.message .picture:not(.sticker) img")).to_have_js_property("naturalWidth", 320)
    assert {cookie["path"] for cookie in ann.context.cookies()} == {f"{prefix}/"}
    assert ann.outside() == []

    framing = ann.tab()
    token = ann.rest("/user/login", mobile="13700000001", passwd=PASSWD)["token"]
    shop.script = MOUNTED.format(base=ann.base, token=token, group=group)
    framing.goto(f"{shop.url}/")
    inside = framing.frame_locator("#chat iframe")
    expect(inside.locator(".text", has_text="hello")).to_be_visible()
    expect(inside.locator(".picture:not(.sticker) img")).to_have_js_property("naturalWidth", 320)
    assert ann.outside(f"{shop.url}/") == []


@pytest.mark.parametrize("prefix", [TAKEN_OFF, PASSED_ON])
def test_administration(visitor: Callable[[str], Visitor], prefix: str) -> None:
    """The way to the administrators' pages leads over the log-in and back, and to the chat; the switch of the language
    is for this path alone."""
    boss = visitor(prefix)
    page = boss.page
    page.goto(boss.base + "/admin")
    page.click("[data-language=zh]")
    expect(page.locator("html")).to_have_attribute("data-lang", "zh")
    page.fill("[name=mobile]", ADMINISTRATOR)
    page.fill("[name=passwd]", PASSWD)
    page.click("[type=submit]")
    page.wait_for_url(f"{boss.base}/admin/overview.shtml")
    page.locator("nav a").nth(1).click()
    page.wait_for_url(f"{boss.base}/admin/*.shtml")
    page.locator(".admin-back").click()
    page.wait_for_url(f"{boss.base}/chat/index.shtml*")
    expect(page.locator(".state")).to_have_attribute("data-state", "online")
    assert {cookie["path"] for cookie in boss.context.cookies()} == {f"{prefix}/"}
    assert boss.outside() == []


def test_two_on_one_site(visitor: Callable[[str], Visitor]) -> None:
    """Two servers of one site each keep their own log-in in one browser."""
    ann = visitor(TAKEN_OFF)
    ann.register("13700000002")
    mine = ann.rest("/user/find", id="me")["id"]
    other = ann.base.replace(TAKEN_OFF, PASSED_ON)
    tab = ann.tab()
    tab.goto(other + "/user/register.shtml")
    tab.fill("[name=mobile]", "13700000003")
    tab.fill("[name=passwd]", PASSWD)
    tab.click("[type=submit]")
    tab.wait_for_url(f"{other}/chat/index.shtml*")
    expect(tab.locator(".state")).to_have_attribute("data-state", "online")
    assert ann.rest("/user/find", id="me")["id"] == mine
    expect(ann.page.locator(".state")).to_have_attribute("data-state", "online")
