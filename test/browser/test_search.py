"""Finding people, chats, messages and files, and coming to the message that was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person
from test.browser.test_jump import row, unbroken
from test.browser.test_reading import fill

PeopleOf = Callable[..., Person]
SIZES = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
LONG_TASKS = """() => {
    window.longTasks = [];
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)))
        .observe({ type: "longtask" });
}"""
MOST = 300
"""Rows in the page at any time."""


def finder(who: Person) -> Locator:
    """The window for finding everything."""
    return who.page.locator("dialog.find")


def look_for(who: Person, words: str) -> Locator:
    """Open the window by its button, and write what is looked for."""
    who.page.click(".find-opener")
    finder(who).locator(".find-field").fill(words)
    return finder(who)


def told(who: Person, other: Person, *texts: str) -> None:
    """Post texts to somebody."""
    who.post(*({"cmd": 10, "dstid": other.id, "media": 1, "content": text} for text in texts))


@pytest.fixture
def group_of(person: PeopleOf) -> Callable[..., tuple[Person, Person, int]]:
    """Makes two friends, and a group of both."""

    def made(phone: bool) -> tuple[Person, Person, int]:
        anna, bo = person("Anna", phone=phone), person("Bo Björk")
        anna.become_friend(bo)
        form = {"name": "Snow walkers", "join": "open"}
        group = anna.context.request.post("/contact/createcommunity", form=form).json()["data"]["id"]
        assert bo.context.request.post("/contact/joincommunity", form={"dstid": str(group)}).json()["code"] == 0
        return anna, bo, group

    return made


@SIZES
def test_everything(group_of: Callable[..., tuple[Person, Person, int]], phone: bool) -> None:
    """One field finds groups, people, messages and files, with the words marked as the server folds them."""
    anna, bo, group = group_of(phone)
    page = anna.page
    told(bo, anna, "Crème brûlée at noon", *(f"snow, {at}" for at in range(5)), "今天下雪了")
    bo.post({"cmd": 11, "dstid": group, "media": 1, "content": "The first SNOW of the year"})
    bo.post({"cmd": 11, "dstid": group, "media": 7, "content": "snow report.pdf", "url": "/mnt/x.pdf", "memo": "12 KB"})
    page.reload()
    anna.online()
    found = look_for(anna, "")
    expect(found.locator("a.row")).to_have_count(2)
    anna.shot(f"find-recent-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    field = found.locator(".find-field")
    field.fill("snow")
    expect(found.locator("section[aria-label='Chats'] a.row")).to_contain_text("Snow walkers")
    expect(found.locator("section[aria-label='Files'] mark")).to_have_text("snow")
    with_bo = found.locator("section[aria-label='Bo Björk']")
    expect(with_bo.locator("a.hit")).to_have_count(3)
    with_bo.locator(".button").click()
    expect(with_bo.locator("a.hit")).to_have_count(5)
    expect(found.locator(".find-group", has_text="Snow walkers").locator("mark")).to_have_text("SNOW")
    anna.shot(f"find-found-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    for words, marked in (("BRULEE crème", ["Crème", "brûlée"]), ("下雪", ["下雪"]), ("bjork", ["Björk"])):
        field.fill(words)
        expect(found.locator("mark")).to_have_text(marked)
    field.fill("nobody has ever said this")
    expect(found.locator(".find-note")).to_have_text("No message has these words")
    expect(found.locator(".row")).to_have_count(0)
    anna.shot(f"find-nothing-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    if phone:
        box = found.bounding_box()
        assert box and (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
    page.go_back()
    expect(found).to_have_count(0)
    expect(page.locator(".side")).to_be_visible()
