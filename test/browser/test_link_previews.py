"""Previews of links in the chat page, where the server reads pages for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import expect

from test.browser.accessible import check_accessible
from test.browser.person import Person
from test.running.server import Server

PAGE = b"""<title>Snow in the <b>hills</title><meta name=description content='Thirty centimetres, and more to come.'>
<meta property=og:site_name content='The Weather'>"""


class Page(BaseHTTPRequestHandler):
    """Answers with a page, or, where the path says so, with none."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a site on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks sites of this machine."""
    with Server(tmp_path_factory.mktemp("server"), ["--previews", "private"]) as running:
        yield running


@pytest.mark.parametrize(("phone", "theme"), [(False, "light"), (True, "dark")])
def test_preview(person: Callable[..., Person], site: str, phone: bool, theme: str) -> None:
    """Below a message stands what its first link leads to, once it comes near the view; below one without, nothing."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    page = anna.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    anna.become_friend(bo)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "/preview" in request.url else None)
    to = {"cmd": 10, "dstid": bo.id, "media": 1}
    lines = [to | {"content": f"line {at}"} for at in range(40)]
    anna.post(to | {"content": f"{site}/above"}, *lines, to | {"content": f"look: {site}/page {site}/second"})
    anna.post(to | {"content": f"{site}/none"}, to | {"content": f"`{site}/code`"}, to | {"content": "the end"})
    anna.open(10, bo.id)
    preview = page.locator("li.message .link-preview")
    expect(preview.locator("b")).to_have_text("Snow in the <b>hills")
    expect(preview.locator("small")).to_have_text("The Weather")
    expect(preview.locator("span")).to_have_text("Thirty centimetres, and more to come.")
    expect(preview).to_have_attribute("href", f"{site}/page")
    expect(preview).to_have_attribute("rel", "noopener noreferrer")
    expect(anna.sees("the end")).to_be_in_viewport()
    check_accessible(page)
    anna.shot(f"preview-{'phone' if phone else 'desktop'}-{theme}")
    assert not any("above" in one or "second" in one or "code" in one for one in asked)
    page.locator(".talk-scroll").evaluate("(box) => box.scrollTo(0, 0)")
    expect(preview).to_have_count(2)
    assert sum("above" in one for one in asked) == 1
