"""Files that are pasted, dropped or chosen are previewed before they are sent, in their own chat and in the chosen
order."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]

BRING = """async ([way, texts, names]) => {
    const data = new DataTransfer();
    for (const [type, text] of Object.entries(texts)) data.setData(type, text);
    for (const name of names) {
        const canvas = new OffscreenCanvas(40, 30);
        canvas.getContext("2d").fillRect(0, 0, 20, 20);
        const blob = /png$/.test(name) ? await canvas.convertToBlob() : new Blob(["words"], { type: "text/plain" });
        data.items.add(new File([blob], name, { type: blob.type }));
    }
    const input = document.querySelector(".composer-input");
    const target = way === "paste" ? input : document.querySelector(".talk-scroll");
    const both = { bubbles: true, cancelable: true };
    const event = way === "paste" ? new ClipboardEvent(way, { clipboardData: data, ...both })
        : new DragEvent(way, { dataTransfer: data, ...both });
    input.focus();
    // A script's paste does nothing by itself: the browser's own part, done where it isn't prevented.
    if (target.dispatchEvent(event) && way === "paste") document.execCommand("insertText", false, texts["text/plain"]);
}"""


def bring(who: Person, way: str, texts: dict[str, str], *names: str) -> None:
    """Paste or drop texts by their type, and files of these names."""
    who.page.evaluate(BRING, [way, texts, list(names)])


def sources(who: Person) -> list[str]:
    """The pictures in the window in order, each by its colour."""
    colour = """(images) => Promise.all(images.map(async (image) => {
        await image.decode();
        const canvas = new OffscreenCanvas(1, 1);
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0, 1, 1);
        return Math.round(context.getImageData(0, 0, 1, 1).data[0] / 20);
    }))"""
    return [str(found) for found in who.page.locator("li.message .picture img").evaluate_all(colour)]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Five pictures, each a little brighter."""
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.new("L", (60, 40), number * 20).save(path)
    return paths


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_text_wins(friends: Friends, way: str) -> None:
    """Of a text that is copied together with its picture, as word processors do, the text is used; nothing is sent
    yet."""
    anna, bo = friends
    anna.input.fill("seen: ")
    bring(anna, way, {"text/plain": "figures of May", "text/html": "<b>figures of May</b>"}, "image.png")
    expect(anna.input).to_have_value("seen: figures of May")
    expect(anna.page.locator(".tray-item, .upload")).to_have_count(0)
    anna.input.press("Enter")
    bo.sees("seen: figures of May")
    expect(bo.rows()).to_have_count(1)


@pytest.mark.parametrize("way", ["paste", "drop"])
@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"text/html": "<img src='https://example.org/a.png'>"},
        {"text/plain": "a.png\nb.txt"},
        {"text/plain": "/home/anna/a.png\n/home/anna/b.txt"},
        {"text/plain": "https://example.org/cat", "text/uri-list": "https://example.org/cat"},
    ],
)
def test_files_without_a_text_of_their_own(friends: Friends, way: str, texts: dict[str, str]) -> None:
    """Files wait in the tray; the names or addresses that the clipboard adds aren't used as text."""
    anna, bo = friends
    bring(anna, way, texts, "a.png", "b.txt")
    expect(anna.page.locator(".tray-item bdi")).to_have_text(["a.png", "b.txt"])
    expect(anna.input).to_have_value("")
    expect(anna.page.locator(".upload")).to_have_count(0)
    anna.say("and these")
    expect(bo.page.locator("li.message .picture, li.message .file")).to_have_count(2)
    bo.sees("and these")
    expect(anna.page.locator(".tray-item")).to_have_count(0)


def test_taken_out(friends: Friends) -> None:
    """A file that is removed from the tray isn't sent; the others are."""
    anna, bo = friends
    bring(anna, "paste", {}, "a.png", "b.txt", "c.png")
    for name in ("a.png", "c.png"):
        anna.page.locator(".tray-item", has_text=name).locator(".tray-remove").click()
    anna.shot("tray")
    anna.page.click(".send")
    expect(bo.page.locator("li.message")).to_have_count(1)
    expect(bo.page.locator("li.message .file")).to_contain_text("b.txt")


def test_tray_belongs_to_its_chat(friends: Friends) -> None:
    """A tray stays with its chat while another is open, and can't be sent there."""
    anna, bo = friends
    bring(anna, "paste", {}, "a.png")
    anna.open(10, anna.id)
    expect(anna.page.locator(".tray-item")).to_have_count(0)
    anna.page.click(".send", force=True)
    anna.open(10, bo.id)
    expect(anna.page.locator(".tray-item")).to_have_count(1)
    anna.page.click(".send")
    expect(bo.page.locator("li.message .picture")).to_have_count(1)


def test_cannot_be_sent(friends: Friends, tmp_path: Path) -> None:
    """An empty or too large file is marked before sending, and doesn't delay the others."""
    anna, bo = friends
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "large.bin").write_bytes(b"\0" * (20 * 1024 * 1024 + 1))
    (tmp_path / "good.txt").write_bytes(b"good")
    anna.page.set_input_files(
        "[data-choose=file]", [tmp_path / f"{name}" for name in ("empty.txt", "large.bin", "good.txt")]
    )
    expect(anna.page.locator(".upload.bad")).to_have_count(2)
    expect(anna.page.locator(".tray-item bdi")).to_have_text(["good.txt"])
    anna.page.click(".send")
    expect(bo.page.locator("li.message .file")).to_contain_text("good.txt")


def test_many(friends: Friends, tmp_path: Path) -> None:
    """Thirty files that are added at once are all sent, in order."""
    anna, bo = friends
    paths = [tmp_path / f"{number}.txt" for number in range(30)]
    for path in paths:
        path.write_text(path.name)
    anna.attach("file", *paths)
    expect(bo.page.locator("li.message .file b:not(.ending)")).to_have_text([path.name for path in paths])


class Line:
    """Uploads that are held until the test releases them."""

    def __init__(self, who: Person) -> None:
        self.held: list[Route] = []
        self._page = who.page
        who.page.route("**/attach/upload", lambda route: self.held.append(route))

    def wait(self, count: int) -> None:
        """Wait until so many uploads are held."""
        for _ in range(100):
            if len(self.held) >= count:
                return
            self._page.wait_for_timeout(50)
        raise AssertionError(len(self.held))


def test_order_is_the_persons(friends: Friends, pictures: list[Path]) -> None:
    """Pictures arrive in the order in which they were chosen, even if the first uploads end last."""
    anna, bo = friends
    line = Line(anna)
    anna.attach("picture", *pictures[:3])
    line.wait(3)
    for route in reversed(line.held):
        with anna.page.expect_response("**/attach/upload"):
            route.continue_()
    expect(bo.page.locator("li.message .picture")).to_have_count(3)
    assert sources(bo) == ["0", "1", "2"]


def test_order_after_a_failure(friends: Friends, pictures: list[Path]) -> None:
    """A failed file delays the later ones: tried again it keeps its position, given up it delays them no longer."""
    anna, bo = friends
    line = Line(anna)
    anna.attach("picture", *pictures[:3])
    line.wait(3)
    line.held[0].abort()
    failed = anna.page.locator(".upload.bad")
    expect(failed).to_contain_text("No connection")
    for route in line.held[1:]:
        route.continue_()
    anna.page.unroute("**/attach/upload")
    expect(bo.rows()).to_have_count(0)
    failed.get_by_text("Try again").click()
    expect(bo.page.locator("li.message .picture")).to_have_count(3)
    assert sources(bo) == ["0", "1", "2"]
    line = Line(anna)
    anna.attach("picture", *pictures[3:])
    line.wait(2)
    line.held[0].abort()
    line.held[1].continue_()
    anna.page.locator(".upload.bad").get_by_label("Discard").click()
    expect(bo.page.locator("li.message .picture")).to_have_count(4)
    assert sources(bo) == ["0", "1", "2", "4"]
    anna.errors.clear()  # the browser wrote down what this test broke


def test_upload_belongs_to_its_chat(friends: Friends, pictures: list[Path]) -> None:
    """An upload that ends while another chat is open is sent and shown in its own chat only."""
    anna, bo = friends
    line = Line(anna)
    anna.attach("picture", pictures[0])
    line.wait(1)
    anna.open(10, anna.id)
    expect(anna.page.locator(".upload")).to_have_count(0)
    line.held[0].continue_()
    expect(bo.page.locator("li.message .picture")).to_have_count(1)
    expect(anna.rows()).to_have_count(0)
    anna.open(10, bo.id)
    line.held.clear()
    anna.attach("picture", pictures[1])
    line.wait(1)
    anna.page.evaluate("location.hash = '#'")
    line.held[0].continue_()
    expect(bo.page.locator("li.message .picture")).to_have_count(2)


def test_failure_in_another_chat_is_told(friends: Friends, pictures: list[Path]) -> None:
    """An upload that fails while another chat is open is reported there, and can be tried again in its own."""
    anna, bo = friends
    line = Line(anna)
    anna.attach("picture", pictures[0])
    line.wait(1)
    anna.open(10, anna.id)
    line.held[0].abort()
    expect(anna.page.locator(".toast.bad")).to_contain_text("0.png: No connection")
    anna.page.unroute("**/attach/upload")
    anna.open(10, bo.id)
    anna.page.locator(".upload.bad").get_by_text("Try again").click()
    expect(bo.page.locator("li.message .picture")).to_have_count(1)
    anna.errors.clear()  # the browser wrote down what this test broke


def test_reply_with_a_picture(friends: Friends, pictures: list[Path]) -> None:
    """The reply is the text if there is one, else the first picture; only one message refers to the quoted one."""
    anna, bo = friends
    bo.say("show me")
    for text in ("", "here"):
        row = anna.page.locator("li.message", has_text="show me").first
        row.hover()
        row.locator("[data-action=reply]").click()
        anna.input.fill(text)
        anna.attach("picture", *pictures[:2])
        expect(anna.page.locator(".composer-about")).to_be_hidden()
        expect(anna.page.locator(".upload")).to_have_count(0)
    expect(bo.page.locator("li.message.theirs")).to_have_count(5)
    answers = bo.page.locator("li.message.theirs").evaluate_all(
        "(rows) => rows.map((row) => !!row.querySelector('.quote'))"
    )
    assert answers == [True, False, True, False, False]


def test_recording_is_kept_in_its_chat(friends: Friends) -> None:
    """A recording that runs while another chat is opened waits in its own chat's tray, and is sent from there."""
    anna, bo = friends
    anna.page.click(".record")
    expect(anna.page.locator(".recording b")).to_have_text("0:01")
    anna.open(10, anna.id)
    expect(anna.page.locator(".recording")).to_be_hidden()
    expect(anna.page.locator(".tray-item")).to_have_count(0)
    anna.open(10, bo.id)
    expect(anna.page.locator(".tray-item")).to_contain_text("[Voice]")
    anna.page.click(".send")
    expect(bo.page.locator("li.message .voice")).to_have_attribute("data-seconds", re.compile("^[23]$"))


def test_microphone_given_too_late(friends: Friends) -> None:
    """A microphone that is granted after another chat was opened records nothing, and is released."""
    anna, _ = friends
    anna.page.evaluate("""() => {
        const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (what) => new Promise((given) => {
            window.give = async () => { window.stream = await get(what); given(window.stream); };
        });
    }""")
    anna.page.click(".record")
    anna.open(10, anna.id)
    anna.page.evaluate("window.give()")
    anna.page.wait_for_function("window.stream?.getTracks().every(({readyState}) => readyState === 'ended')")
    expect(anna.page.locator(".recording")).to_be_hidden()


@pytest.mark.parametrize("phone", [False, True])
def test_looks(person: PeopleOf, phone: bool, pictures: list[Path], tmp_path: Path) -> None:
    """With everything above the input open, the chat has room and nothing overlaps."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    lines = [{"cmd": 10, "dstid": anna.id, "media": 1, "content": f"line {number}"} for number in range(40)]
    bo.post(*lines)
    anna.open(10, bo.id)
    anna.sees("line 39")
    file = tmp_path / "A very long name of a document that somebody wrote.pdf"
    file.write_bytes(b"%PDF")
    anna.page.locator(".talk-scroll").evaluate("(box) => box.scrollTo(0, 100)")
    expect(anna.page.locator(".to-end")).to_be_visible()
    anna.page.set_input_files("[data-choose=file]", [*pictures, file])
    anna.open_emoji()
    anna.input.fill("x" * 8_001)
    anna.shot(f"tray-{'phone' if phone else 'desktop'}")
    boxes: list[Any] = [
        anna.page.locator(name).bounding_box() for name in (".to-end", ".composer", ".tray-box", ".emoji-panel")
    ]
    end, composer, tray, panel = boxes
    assert end["y"] + end["height"] <= composer["y"]
    assert tray["y"] + tray["height"] <= panel["y"]
    assert composer["y"] + composer["height"] <= anna.page.viewport_size["height"] + 0.5
    assert composer["x"] + composer["width"] <= anna.page.viewport_size["width"]
