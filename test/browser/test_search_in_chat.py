"""Looking for something in one conversation, and what was shared in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from test.browser.person import Person
from test.browser.test_jump import row
from test.browser.test_reading import fill
from test.browser.test_search import in_both_themes

PeopleOf = Callable[..., Person]
SIZES = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def pair(person: PeopleOf, phone: bool) -> tuple[Person, Person]:
    """Two friends, the first with the chat open."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    return anna, bo


def choose(who: Person, words: str) -> None:
    """Open the menu of the open chat and choose from it."""
    who.page.click(".chat-more")
    who.page.locator("dialog .row", has_text=words).click()


@SIZES
def test_search_in_chat(person: PeopleOf, phone: bool) -> None:
    """From the menu of a chat: the newest message that has the words is gone to, then one after the other, of one
    person or up to a day if that is asked for."""
    anna, bo = pair(person, phone)
    page = anna.page
    fill(bo, anna, 1, 300)
    snow = {"cmd": 10, "dstid": anna.id, "media": 1}
    bo.post(snow | {"content": "snow at last"}, snow | {"content": "more snow"})
    anna.say("what snow?")
    anna.state_of("what snow?", "sent")
    choose(anna, "Search in this chat")
    bar = page.locator(".talk-find")
    field, note = bar.locator(".find-field"), bar.locator(".find-note")
    expect(field).to_be_focused()
    field.fill("snow")
    expect(note).to_have_text("1 of 3")
    expect(row(anna, 303)).to_have_class(re.compile("found"))
    anna.shot(f"in-chat-{'phone' if phone else 'desktop'}")
    in_both_themes(page)
    field.press("Enter")
    expect(note).to_have_text("2 of 3")
    expect(row(anna, 302)).to_have_class(re.compile("found"))
    bar.locator("button").nth(1).click()
    expect(note).to_have_text("1 of 3")
    expect(bar.locator("button").nth(1)).to_be_disabled()
    bar.locator("select").select_option(label="Bo")
    expect(note).to_have_text("1 of 2")
    expect(row(anna, 302)).to_have_class(re.compile("found"))
    bar.locator("[type=date]").fill("2020-01-01")
    expect(note).to_have_text("No message has these words")
    bar.locator("[type=date]").fill("")
    field.fill("line")
    expect(note).to_have_text("1 of 40+")
    for _ in range(40):
        field.press("ArrowUp")
    expect(note).to_have_text("41 of 80+")
    expect(row(anna, 260)).to_be_in_viewport()
    page.go_back()
    expect(bar).to_be_hidden()
    expect(anna.input).to_be_visible()
    choose(anna, "Search in this chat")
    expect(note).to_have_text("")
    field.press("Escape")
    expect(bar).to_be_hidden()


def shared(anna: Person, bo: Person, folder: Path) -> None:
    """Bo shares one of each kind, among many messages."""
    (folder / "a.png").write_bytes(PNG)
    (folder / "Plan for the year.pdf").write_bytes(b"%PDF-1.4 plan")
    bo.open(10, anna.id)
    bo.attach("picture", folder / "a.png")
    expect(bo.page.locator("li.message .picture")).to_have_count(1)
    bo.attach("file", folder / "Plan for the year.pdf")
    expect(bo.page.locator("li.message .card.file")).to_have_count(1)
    to = {"cmd": 10, "dstid": anna.id}
    bo.post(
        to | {"media": 1, "content": "look at https://example.com/a and that"},
        to | {"media": 7, "content": "A page", "url": "https://example.com/b", "memo": "Words about it"},
        to | {"media": 3, "url": "https://example.com/v.webm", "amount": 65},
        to | {"media": 8, "url": "https://example.com/v.mp4"},
        to | {"media": 1, "content": "httpd is no link"},
    )


@SIZES
def test_shared(person: PeopleOf, phone: bool, tmp_path: Path) -> None:
    """From the card of a friend: the pictures, videos, files, voices and links of the chat, which lead to their
    messages."""
    anna, bo = pair(person, phone)
    page = anna.page
    for who in (anna, bo):
        who.page.route("https://example.com/**", lambda route: route.fulfill(body=b"", content_type="video/mp4"))
    shared(anna, bo, tmp_path)
    fill(bo, anna, 1, 150)
    expect(anna.sees("line 150")).to_be_visible()
    page.click(".talk-who")
    page.locator("dialog .button", has_text="Pictures and files").click()
    box = page.locator("dialog.files")
    expect(box.locator("a.tile img")).to_have_count(1)
    anna.shot(f"shared-pictures-{'phone' if phone else 'desktop'}")
    in_both_themes(page)

    def tab(name: str) -> Locator:
        box.get_by_role("tab", name=name, exact=True).click()
        return box.locator("a.row")

    expect(tab("Files")).to_have_count(1)
    expect(box.locator("a.row")).to_contain_text("Plan for the year.pdf")
    expect(tab("Voice")).to_contain_text("1:05")
    expect(tab("Videos")).to_have_count(1)
    expect(tab("Links")).to_have_count(2)
    expect(box.locator("a.row b")).to_have_text(["A page", "look at https://example.com/a and that"])
    anna.shot(f"shared-links-{'phone' if phone else 'desktop'}")
    in_both_themes(page)
    box.get_by_role("tab", name="Links").press("ArrowRight")
    expect(box.get_by_role("tab", name="Pictures")).to_be_focused()
    box.locator("a.tile").click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(row(anna, 1)).to_be_in_viewport()
    expect(row(anna, 1)).to_have_class(re.compile("found"))


def test_many_shared(person: PeopleOf) -> None:
    """They are read page by page, and of too many only so many are in the page; a failure can be tried again."""
    anna, bo = pair(person, False)
    page = anna.page
    to = {"cmd": 10, "dstid": anna.id, "media": 4, "url": "https://example.com/a.png"}
    bo.post(*([to] * 400))
    page.route("https://example.com/**", lambda route: route.fulfill(body=PNG, content_type="image/png"))
    choose(anna, "Pictures and files")
    tiles, more = page.locator("a.tile"), page.locator(".shelf > .button")
    expect(tiles).to_have_count(30)
    page.route("**/message/files", lambda route: route.abort(), times=1)
    more.click()
    expect(page.locator(".shelf .find-note")).to_contain_text("The search didn't work")
    for _ in range(13):
        more.click()
        expect(page.locator(".shelf .find-note")).to_have_text("")
    expect(more).to_be_hidden()
    assert tiles.count() == 240
    tiles.last.click()
    expect(row(anna, 1)).to_be_in_viewport()
    anna.errors.clear()  # of the browser, for the request that was cut off
