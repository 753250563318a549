"""The menu of a message: what can be done with it, in words, by mouse, by keys and by a long press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]
WORDS = "**so** it is"
ANYBODYS = ["Reply", "Copy text", "Copy link", "Forward", "Select"]  # what the menu has for every text


def grouped(person: PeopleOf, phone: bool = False) -> tuple[Person, Person, int]:
    """Anna, who has a group open in which she and Bo said something, and Bo has edited and reacted."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    group = anna.context.request.post("/contact/createcommunity", form={"name": "Choir", "join": "open"}).json()[
        "data"
    ]["id"]
    assert bo.context.request.post("/contact/joincommunity", form={"dstid": str(group)}).json()["code"] == 0
    to: dict[str, Any] = {"cmd": 11, "dstid": group}
    bo.post(to | {"media": 1, "content": "first"}, to | {"media": 7, "content": "A title", "url": "https://x.example/"})
    anna.post(to | {"media": 1, "content": "mine"})
    bo.post(to | {"media": 21, "content": WORDS, "ref": 3}, to | {"media": 22, "content": "🎉", "ref": 3})
    anna.open(11, group)
    expect(anna.page.locator("li.message .reaction")).to_have_count(1)
    return anna, bo, group


def menu(page: Page) -> Locator:
    return page.locator(".message-menu")


def entries(page: Page) -> list[str]:
    """The words of the open menu, but for the faces."""
    expect(menu(page)).to_be_visible()
    return page.locator(".menu-entry").all_inner_texts()


def corner(page: Page) -> dict[str, float]:
    """A point within the first message of the user's own."""
    box = page.locator("li.message.mine .bubble").bounding_box()
    assert box
    return {"x": box["x"] + 10, "y": box["y"] + 10}


def test_by_mouse(person: PeopleOf) -> None:
    """A right click opens the menu there; it copies, lists who reacted, shows the history, reacts and forwards. Links
    and selected words keep the browser's own menu."""
    anna, bo, group = grouped(person)
    page = anna.page
    anna.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row = page.locator("li.message.theirs").first
    row.locator(".bubble").click(button="right")
    assert entries(page) == [*ANYBODYS, "Who reacted", "Edit history", "Recall"]
    box, at = menu(page).bounding_box(), row.locator(".bubble").bounding_box()
    assert box and at and at["x"] <= box["x"] <= at["x"] + at["width"]
    check_accessible(page)
    anna.shot("menu-desktop")
    page.get_by_role("menuitem", name="Copy text").click()
    expect(page.locator(".toast").last).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == WORDS
    anna.act(row, "link")
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    assert page.evaluate("navigator.clipboard.readText()") == f"{page.url.partition('#')[0]}#11:{group}:3"
    anna.act(row, "emoji")
    expect(page.locator("dialog .row b")).to_have_text(["Bo"])
    expect(page.locator("dialog .reacted")).to_have_text(["🎉"])
    page.keyboard.press("Escape")
    anna.act(row, "clock")
    expect(page.locator("dialog .edits p")).to_have_text([WORDS, "first"])
    page.keyboard.press("Escape")
    row.locator(".bubble").click(button="right")
    page.locator(".face-choice").first.click()
    expect(row.locator(".reaction")).to_have_text(["🎉 1", "👍 1"])
    mine = page.locator("li.message.mine")
    mine.locator(".bubble").click(button="right")
    assert entries(page) == [*ANYBODYS, "Edit", "Who has read it", "Recall"]
    page.mouse.click(5, 5)
    expect(menu(page)).to_have_count(0)
    prevented = (
        "(one) => !one.dispatchEvent(new MouseEvent('contextmenu', {bubbles: true, cancelable: true, button: 2}))"
    )
    assert page.locator("li.message .card").evaluate(prevented) is False
    row.locator(".text").select_text()
    assert row.locator(".text").evaluate(prevented) is False
    expect(menu(page)).to_have_count(0)
    page.evaluate("getSelection().empty()")
    anna.act(row, "forward")
    dialog = page.locator("dialog.dialog")
    expect(dialog.locator(".row b")).to_have_text(["Choir", "Bo"])
    dialog.locator(".target-filter").fill("bO")
    dialog.locator(".row", has_text="Bo").click()
    dialog.locator(".primary").click()
    expect(page.locator(".toast").last).to_have_text("Forwarded")
    bo.open(10, anna.id)
    expect(bo.sees("so it is").locator("strong")).to_have_text("so")


def test_by_keys(person: PeopleOf) -> None:
    """Enter or the key for menus opens it, arrow keys go through it; Escape leads back to the row, and so does Back."""
    anna, _, group = grouped(person)
    page = anna.page
    row = page.locator("li.message.mine")
    row.focus()
    for key in ("Enter", "Shift+F10"):
        page.keyboard.press(key)
        expect(page.get_by_role("menuitem", name="Reply")).to_be_focused()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".face-choice").nth(1)).to_be_focused()
        page.keyboard.press("End")
        expect(page.get_by_role("menuitem", name="Recall")).to_be_focused()
        page.keyboard.press("Escape")
        expect(menu(page)).to_have_count(0)
        expect(row).to_be_focused()
    page.keyboard.press("Enter")
    expect(menu(page)).to_be_visible()
    page.go_back()
    expect(menu(page)).to_have_count(0)
    assert page.url.endswith(f"#11:{group}")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Edit", exact=True).press("Enter")
    expect(anna.input).to_be_focused()
    expect(anna.input).to_have_value("mine")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_long_press(person: PeopleOf, theme: str) -> None:
    """On a phone a long press opens the menu as a sheet from below, and the finger that lets go chooses nothing."""
    anna, _, _ = grouped(person, phone=True)
    page = anna.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    touch = page.context.new_cdp_session(page)
    point = corner(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    expect(menu(page)).to_be_visible()
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert entries(page) == [*ANYBODYS, "Edit", "Who has read it", "Recall"]
    sheet = menu(page).bounding_box()
    assert sheet and (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 390, 780)
    check_accessible(page)
    anna.shot(f"menu-phone-{theme}")
    page.get_by_role("menuitem", name="Reply").tap()
    expect(page.locator(".composer-about")).to_be_visible()
    page.locator(".composer-about button").click()
    expect(page.locator(".composer-about")).to_be_hidden()
    page.evaluate("document.activeElement.blur()")
    point = corner(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point | {"y": point["y"] - 60}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.touchscreen.tap(point["x"], point["y"])
    expect(page.locator("li.message.mine [data-action=more]")).to_be_visible()
    expect(menu(page)).to_have_count(0)
