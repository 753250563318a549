"""Pictures in the chat: their metadata is removed, animations move, and the page knows the size limit."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Page, expect

from test.browser.person import Person
from test.running.server import Server
from test.storage.files import telling

Friends = tuple[Person, Person]
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that accepts files up to one MiB."""
    with Server(tmp_path_factory.mktemp("server"), ["--upload-limit", "1"]) as running:
        yield running


def choose(page: Page, name: str, mime: str, content: bytes, chooser: str = "picture") -> None:
    payload: FilePayload = {"name": name, "mimeType": mime, "buffer": content}
    page.set_input_files(f"[data-choose={chooser}]", [payload])


def send(page: Page, name: str, mime: str, content: bytes, chooser: str = "picture") -> None:
    choose(page, name, mime, content, chooser)
    page.click(".send")


def moving(form: str) -> bytes:
    """An animation that is larger than a thumbnail would be."""
    first, *more = [frame.resize((600, 400)) for frame in telling.frames()]
    return telling.saved(first, form, save_all=True, append_images=more, duration=80, loop=0)


@pytest.mark.parametrize(("name", "mime"), [("a.gif", "image/gif"), ("a.webp", "image/webp"), ("a.png", "image/png")])
def test_moving(friends: Friends, name: str, mime: str) -> None:
    """An animation is shown itself and not as a still thumbnail, in the chat and in full size."""
    anna, bo = friends
    content = moving(name[2:].upper())
    send(anna.page, name, mime, content)
    image = bo.page.locator("li.message .picture img")
    expect(image).to_have_attribute("src", re.compile(rf"/mnt/[0-9a-f/]+\.{name[2:]}[?]e="))
    expect(image).to_have_js_property("naturalWidth", 600)
    assert bo.context.request.get(image.get_attribute("src") or "").body() == content


@pytest.mark.parametrize(
    ("name", "mime", "content", "size"),
    [
        ("a.jpg", "image/jpeg", telling.jpeg(6, size=(600, 400)), (400, 600)),
        ("a.png", "image/png", telling.png(8), (32, 48)),
        ("a.webp", "image/webp", telling.webp(5), (32, 48)),
        ("a.avif", "image/avif", telling.avif(6), (32, 48)),
        ("a.png", "image/png", telling.png(6, save_all=True, append_images=telling.frames()[1:]), (32, 48)),
    ],
)
def test_upright_and_silent(friends: Friends, name: str, mime: str, content: bytes, size: tuple[int, int]) -> None:
    """A photograph is shown upright, and a saved copy doesn't tell where it was taken."""
    anna, bo = friends
    send(anna.page, name, mime, content)
    bo.page.locator("li.message .picture").click()
    large = bo.page.locator(".lightbox img")
    expect(large).to_have_js_property("naturalWidth", size[0])
    expect(large).to_have_js_property("naturalHeight", size[1])
    answer = bo.context.request.get(large.get_attribute("src") or "")
    assert answer.headers["content-type"] == mime
    for word in telling.TOLD[:2]:
        assert word not in answer.body()


def test_known_limit(friends: Friends) -> None:
    """A file above this server's limit is refused before it is uploaded; one below it is sent."""
    anna, bo = friends
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(request.url))
    choose(anna.page, "a.bin", "", bytes(MIB + 1), "file")
    expect(anna.page.locator(".upload.bad")).to_contain_text("Too large (> 1.0 MB)")
    assert not [url for url in asked if url.endswith("/attach/upload")]
    send(anna.page, "b.bin", "", bytes(MIB), "file")
    expect(bo.page.locator("li.message .file")).to_contain_text("1.0 MB")


def test_what_it_is(friends: Friends) -> None:
    """A file that only claims to be a picture is offered for saving; a picture under another name is shown."""
    anna, bo = friends
    send(anna.page, "a.png", "image/png", b"no picture at all")
    expect(bo.page.locator("li.message .file")).to_contain_text("a.png")
    send(anna.page, "b.bin", "application/octet-stream", telling.jpeg(), "file")
    expect(bo.page.locator("li.message .picture img")).to_have_js_property("naturalWidth", 48)
