"""Writing: the field of a phone and of a desktop, what is sent with pictures, and what outlasts a reload."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]


@pytest.mark.parametrize(("phone", "dark"), [(True, True), (False, False)])
def test_field(person: PeopleOf, phone: bool, dark: bool) -> None:
    """On a phone the field has the width, with one button before it, and Enter makes a line; on a desktop Enter sends
    and Shift+Enter makes a line. What is behind the button of the phone is told in words."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    page = anna.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    send = page.locator(".send")
    assert send.is_visible() is not phone
    if phone:
        box = anna.input.bounding_box()
        assert box is not None and box["width"] > 320
        page.click(".compose-more")
        sheet = page.locator("dialog.sheet")
        expect(sheet.locator(".row")).to_have_count(5)
        anna.shot("more-phone")
        check_accessible(page)
        with page.expect_file_chooser() as chooser:
            sheet.locator("[data-more=camera]").click()
        assert chooser.value.element.get_attribute("capture") == "environment"
        expect(sheet).to_have_count(0)
    anna.input.fill("one")
    expect(send).to_be_visible()
    anna.input.press("Enter" if phone else "Shift+Enter")
    page.keyboard.type("two")
    expect(anna.input).to_have_value("one\ntwo")
    anna.shot(f"field-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    anna.send()
    bo.sees("one\ntwo")
    assert page.evaluate("document.activeElement.matches('.composer-input')")
    assert send.is_visible() is not phone


def test_arrow_up_edits_the_last(friends: Friends) -> None:
    """Arrow-up in an empty field edits my last message; what is begun stays with its chat over another chat
    and a reload."""
    anna, bo = friends
    anna.say("the frist")
    bo.say("of yours")
    anna.sees("of yours")
    anna.input.press("ArrowUp")
    expect(anna.input).to_have_value("the frist")
    about = anna.page.locator(".composer-about")
    expect(about).to_contain_text("Edit")
    anna.input.fill("the first")
    anna.open(10, anna.id)
    expect(about).to_be_hidden()
    anna.page.reload()
    anna.open(10, bo.id)
    expect(about).to_contain_text("Edit")
    expect(anna.input).to_have_value("the first")
    anna.input.press("Enter")
    bo.sees("the first")
    anna.input.fill("words")
    anna.input.press("ArrowUp")
    expect(anna.input).to_have_value("words")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A large photograph on its side, as cameras make them, with the place where it was taken."""
    image = Image.effect_noise((2600, 1200), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    path = tmp_path / "large.jpg"
    image.save(path, exif=exif, quality=92)
    return path


@pytest.mark.parametrize("phone", [False, True])
def test_order_and_captions(person: PeopleOf, phone: bool, tmp_path: Path, large: Path) -> None:
    """Pictures are put into another order by keyboard and, with a mouse, by dragging; words stand below the picture
    that they were written for."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    for name in ("a", "b"):
        Image.new("RGB", (60, 40), {"a": "teal", "b": "orange"}[name]).save(tmp_path / f"{name}.png")
    anna.page.set_input_files("[data-choose=file]", [tmp_path / "a.png", tmp_path / "b.png", large])
    names = anna.page.locator(".tray-item bdi")
    expect(names).to_have_text(["a.png", "b.png", "large.jpg"])
    first = anna.page.locator(".tray-item").first
    first.locator(".later").focus()
    anna.page.keyboard.press("Enter")
    expect(names).to_have_text(["b.png", "a.png", "large.jpg"])
    anna.page.keyboard.press("Enter")
    expect(names).to_have_text(["b.png", "large.jpg", "a.png"])
    assert anna.page.evaluate("document.activeElement.classList.contains('earlier')")
    if not phone:
        faces = anna.page.locator(".tray-face")
        faces.nth(2).drag_to(faces.nth(0))
        expect(names).to_have_text(["a.png", "b.png", "large.jpg"])
    anna.page.locator(".tray-item", has_text="b.png").locator(".tray-caption").fill("the sun")
    anna.shot(f"tray-words-{'phone' if phone else 'desktop'}")
    check_accessible(anna.page)
    anna.page.locator(".tray-item", has_text="b.png").locator(".tray-caption").press("Enter")
    bo.sees("the sun")
    expect(bo.page.locator("li.message .picture")).to_have_count(3)
    bo.shot("captions")
    expect(bo.page.locator("li.message .captioned")).to_have_count(1)


UPLOADED = """() => {
    window.uploaded = [];
    const { send } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.send = function (body) {
        body.get("file").arrayBuffer().then((bytes) => {
            window.uploaded.push(btoa(Array.from(new Uint8Array(bytes), (one) => String.fromCharCode(one)).join("")));
        });
        return send.call(this, body);
    };
}"""


def test_pictures_are_made_smaller_by_choice(friends: Friends, large: Path) -> None:
    """A large picture goes with fewer pixels, upright and without what its camera wrote; as it is where that is
    chosen."""
    anna, bo = friends
    anna.page.evaluate(UPLOADED)
    for original in (False, True):
        anna.page.set_input_files("[data-choose=picture]", large)
        switch = anna.page.locator(".tray-original input")
        expect(switch).not_to_be_checked()
        switch.set_checked(original)
        anna.page.click(".send")
        expect(bo.page.locator("li.message .picture")).to_have_count(1 + original)
    small, whole = (base64.b64decode(text) for text in anna.page.evaluate("window.uploaded"))
    assert whole == large.read_bytes()
    with Image.open(io.BytesIO(small)) as image:
        assert image.size == (945, 2048)
        assert not image.getexif()


def test_uploads_outlast_a_reload_and_an_outage(friends: Friends, tmp_path: Path) -> None:
    """Files that were sent without a connection wait over a reload, in their order, are sent by themselves once there
    is one, and stand there once. Those of a user who logs out are removed."""
    anna, bo = friends
    paths = [tmp_path / f"{number}.txt" for number in range(3)]
    for path in paths:
        path.write_text(path.name)
    anna.page.route("**/attach/upload", lambda route: route.abort())
    anna.attach("file", *paths)
    rows = anna.page.locator(".upload")
    expect(anna.page.locator(".upload.bad")).to_have_count(3)
    anna.page.unroute("**/attach/upload")
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    anna.offline(False)
    files = bo.page.locator("li.message .file b:not(.ending)")
    expect(files).to_have_text([path.name for path in paths])
    held: list[Route] = []
    anna.page.route("**/attach/upload", lambda route: held.append(route))
    anna.attach("file", *paths)
    expect(rows).to_have_count(3)
    kept = """() => new Promise((done) => {
        const request = indexedDB.open("twim-uploads");
        request.onsuccess = () => {
            const all = request.result.transaction("uploads").objectStore("uploads").getAll();
            all.onsuccess = () => { request.result.close(); done(all.result.length); };
        };
    })"""
    anna.page.wait_for_function(f"async () => (await ({kept})()) === 3")
    anna.page.unroute("**/attach/upload")
    anna.page.reload()
    expect(files).to_have_text([path.name for path in paths] * 2)
    anna.page.wait_for_function(f"async () => (await ({kept})()) === 0")
    anna.open(10, bo.id)
    expect(rows).to_have_count(0)
    anna.page.route("**/attach/upload", lambda route: route.abort())
    anna.attach("file", paths[0])
    expect(anna.page.locator(".upload.bad")).to_have_count(1)
    anna.panel("me")
    anna.page.get_by_text("Log out", exact=True).click()
    expect(anna.page.locator("dialog .unsent")).to_contain_text("1")
    anna.page.locator("dialog .bad").last.click()
    anna.page.wait_for_url("**/user/login.shtml*")
    assert anna.page.evaluate(kept) == 0
    anna.errors.clear()  # the browser wrote down what this test broke


SWIPE = """([by]) => {
    const bar = document.querySelector(".recording");
    const at = (type, clientX) => bar.dispatchEvent(new PointerEvent(type,
        { clientX, clientY: 5, pointerType: "touch", bubbles: true }));
    at("pointerdown", 300);
    at("pointermove", 300 - by);
    at("pointerup", 300 - by);
}"""


@pytest.mark.parametrize("phone", [True, False])
def test_voice(person: PeopleOf, phone: bool) -> None:
    """A recording shows how loud it is and can be paused; Escape cancels it, and on a phone a wide swipe. It is played
    at a chosen speed, and its bars become those of its sound."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    bo.open(10, anna.id)
    page, recording = anna.page, anna.page.locator(".recording")

    def record() -> None:
        if phone:
            page.click(".compose-more")
            page.click("[data-more=mic]")
        else:
            page.click(".record")
        expect(recording).to_be_visible()

    record()
    page.locator(".recording-level i:not(.bar-1)").first.wait_for(state="attached")
    page.click(".recording-pause")
    expect(recording).to_have_class("recording paused")
    expect(page.locator(".recording-pause")).to_have_attribute("aria-label", "Go on recording")
    anna.shot(f"recording-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    page.click(".recording-pause")
    expect(recording).to_have_class("recording")
    if phone:
        page.evaluate(SWIPE, [40])
        expect(recording).to_be_visible()
        page.evaluate(SWIPE, [160])
    else:
        page.keyboard.press("Escape")
    expect(recording).to_be_hidden()
    record()
    expect(page.locator(".recording b")).to_have_text("0:01")
    page.locator(".recording .primary").click()
    voice = bo.page.locator("li.message .voice")
    expect(voice).to_have_count(1)
    bo.page.evaluate("""() => {
        const { play } = HTMLMediaElement.prototype;
        HTMLMediaElement.prototype.play = function () { window.played = this; return play.call(this); };
    }""")
    speed = voice.locator(".voice-speed")
    expect(speed).to_have_text("1×")
    speed.click()
    expect(speed).to_have_text("1.5×")
    voice.locator(".voice-play").click()
    expect(voice.locator(".voice-bars")).to_have_attribute("data-real", "")
    assert bo.page.evaluate("window.played.playbackRate") == 1.5
    speed.click()
    assert bo.page.evaluate("window.played.playbackRate") == 2
    bo.shot("voice")
    check_accessible(bo.page)


@pytest.mark.parametrize(("phone", "lang", "dark"), [(True, "zh", True), (False, "en", False)])
def test_emoji(person: PeopleOf, phone: bool, lang: str, dark: bool) -> None:
    """Emoji are in groups, are found by words of either language, have a skin tone, and those used last come first
    the next time. The panel lies over nothing that is in use, and arrow keys go through it."""
    anna = person("Anna", phone=phone, lang=lang)
    page = anna.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    anna.open(10, anna.id)
    anna.input.fill("hello")
    anna.send()
    anna.sees("hello")
    anna.open_emoji()
    tabs, faces = page.locator(".emoji-tabs button"), page.locator(".emoji-grid button")
    expect(tabs).to_have_count(11)
    expect(faces.first).to_have_text("😀")
    anna.shot(f"emoji-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    panel, field = page.locator(".emoji-panel").bounding_box(), anna.input.bounding_box()
    row = anna.sees("hello").bounding_box()
    assert panel is not None and field is not None and row is not None
    assert row["y"] + row["height"] <= panel["y"] + 1 and panel["y"] + panel["height"] <= field["y"] + 1
    tabs.nth(2).click()
    for _ in range(3):
        page.locator(".emoji-tone").click()
    expect(faces.first).to_have_text("👋🏽")
    faces.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(anna.input).to_have_value("👍🏽")
    page.locator(".emoji-search").fill("猫")
    page.locator(".emoji-grid button", has_text="🐱").click()
    expect(anna.input).to_have_value("👍🏽🐱")
    page.locator(".emoji-search").fill("qqq")
    expect(faces).to_have_count(0)
    page.locator(".emoji-search").fill("germany")
    expect(faces).to_have_text(["🇩🇪"])
    page.reload()
    anna.online()
    anna.open_emoji()
    expect(faces).to_have_text(["🐱", "👍🏽"])
