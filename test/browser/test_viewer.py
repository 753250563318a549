"""The picture viewer: a picture is enlarged and moved, the others of its conversation are one step away. Players."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Callable

from playwright.sync_api import CDPSession, FilePayload, Locator, Page, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]
PICTURES = [f"/asset/{name}" for name in ("icon.svg", "badge.png", "icon-192.png", "icon-512.png", "icon-maskable.png")]


def looking(person: PeopleOf, phone: bool = False) -> tuple[Person, Person]:
    """Anna, who looks at the last of her pictures for Bo. The first three are further up than what her page holds."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    to = {"cmd": 10, "dstid": bo.id}
    lines = [to | {"media": 1, "content": f"line {at}"} for at in range(120)]
    old, new = (
        [to | {"media": 4, "url": url, "memo": "a name.png"} for url in urls] for urls in (PICTURES[:3], PICTURES[3:])
    )
    anna.post(*old, *lines, *new, to | {"media": 4, "url": "/asset/stickers/twimmy/love.svg"})
    anna.open(10, bo.id)
    anna.page.locator(f"li.message .picture img[src$='{PICTURES[-1]}']").click()
    shows(anna.page, -1)
    return anna, bo


def shows(page: Page, index: int) -> Locator:
    """Wait until the viewer shows this one of the pictures."""
    image = page.locator(".lightbox img")
    expect(image).to_have_attribute("src", re.compile(re.escape(PICTURES[index]) + "$"))
    return image


def enlarged(page: Page, times: float) -> None:
    """Wait until the picture is so many times as large as the window lets it be."""
    found = "() => new DOMMatrix(getComputedStyle(document.querySelector('.lightbox img')).transform).a"
    page.wait_for_function(f"(times) => Math.abs(({found})() - times) < 0.01", arg=times)


def moved(page: Page) -> list[float]:
    """How far the picture is from the middle, in pixels across and down."""
    found: list[float] = page.locator(".lightbox img").evaluate(
        "(one) => { const {e, f} = new DOMMatrix(one.style.transform); return [e, f]; }"
    )
    return found


def test_by_mouse_and_keys(person: PeopleOf) -> None:
    """Keys and buttons go from picture to picture, also to those that have to be fetched; keys, wheel and double clicks
    enlarge; the mouse moves what is enlarged. The focus stays inside, and is back at the picture in the end."""
    anna, _ = looking(person)
    page = anna.page
    expect(page.locator(".viewer-about b")).to_have_text("Anna")
    expect(page.locator(".viewer-about time")).not_to_be_empty()
    expect(page.locator(".viewer-side.after")).to_be_hidden()
    check_accessible(page)
    anna.shot("viewer-desktop")
    for index in (3, 2, 1):
        page.keyboard.press("ArrowLeft")
        shows(page, index)
    expect(page.get_by_role("link", name="Download")).to_have_attribute("download", "a name.png")
    page.locator(".viewer-side.before").click()
    shows(page, 0)
    expect(page.locator(".viewer-side.before")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    shows(page, 0)
    for index in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        image = shows(page, index)
    expect(image).to_have_js_property("naturalWidth", 512)
    for key, times in (("+", 1.5), ("+", 2.25), ("-", 1.5), ("0", 1), ("-", 1)):
        page.keyboard.press(key)
        enlarged(page, times)
    image.dblclick()
    enlarged(page, 2.5)
    box = page.locator(".viewer-stage").bounding_box()
    assert box
    x, y = box["width"] / 2, box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=3)
    page.mouse.up()
    assert moved(page) == [30, 20]
    anna.shot("viewer-desktop-enlarged")
    page.mouse.wheel(0, -350)
    enlarged(page, 2.5 * 2.01375)
    image.dblclick()
    enlarged(page, 1)
    for _ in range(9):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "[document.body, null].includes(document.activeElement) || !!document.activeElement.closest('.lightbox')"
        )
    page.keyboard.press("Escape")
    expect(page.locator(".lightbox")).to_have_count(0)
    expect(page.locator("li.message .picture").nth(1)).to_be_focused()
    page.locator("li.message .picture").first.click()
    page.mouse.click(200, 700)
    expect(page.locator(".lightbox")).to_have_count(0)


def drag(touch: CDPSession, *ways: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Move a finger for each of the ways, from its first point to its second."""
    for part in (0, 0.5, 1):
        points = [{"x": a + (c - a) * part, "y": b + (d - b) * part} for (a, b), (c, d) in ways]
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if part else "touchStart", "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_by_fingers(person: PeopleOf) -> None:
    """On a phone fingers go to the sides, enlarge, and put the viewer away; Back does so, too."""
    anna, bo = looking(person, phone=True)
    page = anna.page
    check_accessible(page)
    anna.shot("viewer-phone")
    touch = page.context.new_cdp_session(page)
    drag(touch, ((100, 400), (300, 400)))
    shows(page, 3)
    drag(touch, ((300, 400), (100, 400)))
    shows(page, 4)
    drag(touch, ((170, 390), (120, 390)), ((220, 390), (270, 390)))
    enlarged(page, 3)
    drag(touch, ((200, 390), (210, 390)))
    assert moved(page)[0] > 5
    shows(page, 4)
    for _ in range(2):
        page.touchscreen.tap(200, 390)
    enlarged(page, 1)
    drag(touch, ((200, 300), (200, 500)))
    expect(page.locator(".lightbox")).to_have_count(0)
    page.locator("li.message .picture").first.click()
    expect(page.locator(".lightbox")).to_be_visible()
    page.go_back()
    expect(page.locator(".lightbox")).to_have_count(0)
    expect(page).to_have_url(re.compile(f"#10:{bo.id}$"))


def sound() -> bytes:
    """A second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(8_000)
        writer.writeframes(b"\x80" * 8_000)
    return file.getvalue()


def test_players(friends: tuple[Person, Person]) -> None:
    """A file of sound has a player that waits for its reader; one that only has the name of such a file has none."""
    anna, bo = friends
    for name, content in (("a song.wav", sound()), ("none.mp3", b"no sound")):
        file: FilePayload = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        url = anna.context.request.post("/attach/upload", multipart={"file": file}).json()["data"]
        anna.post({"cmd": 10, "dstid": bo.id, "media": 7, "url": url, "content": name, "memo": "8 KB"})
        expect(bo.page.locator("li.message .file", has_text=name.split(".")[0])).to_be_visible()
    player = bo.page.locator("li.message audio")
    expect(player).to_have_count(1)
    expect(player).to_have_js_property("paused", True)
    bo.page.wait_for_function("document.querySelector('li.message audio').duration > 0.9")
    check_accessible(bo.page)
    bo.shot("players")
