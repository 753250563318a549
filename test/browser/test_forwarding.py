"""Several messages are chosen and sent on to several conversations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)])
def test_several_to_several(person: PeopleOf, phone: bool, dark: bool) -> None:
    """Messages are chosen by a tap or by keyboard, go to a friend and a group in their order, and each is stored once;
    one that was recalled meanwhile doesn't go."""
    anna, bo, cleo = person("Anna", phone=phone), person("Bo"), person("Cleo")
    page = anna.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    for friend in (bo, cleo):
        anna.become_friend(friend)
    group = cleo.context.request.post("/contact/createcommunity", form={"name": "Walkers"}).json()["data"]["id"]
    assert anna.context.request.post("/contact/joincommunity", form={"dstid": str(group)}).json()["code"] == 0
    bo.post(
        *({"cmd": 10, "dstid": anna.id, "media": 1, "content": text} for text in ("one", "two", "three")),
        {"cmd": 10, "dstid": anna.id, "media": 4, "url": "/asset/icon.svg"},
    )
    anna.open(10, bo.id)
    anna.say("mine")
    bar, told = page.locator(".select-bar"), page.locator(".select-told")
    if phone:
        anna.sees("three").focus()
        page.keyboard.press("Enter")
        page.locator(".message-menu [data-action=check]").click()
    else:
        anna.act(anna.sees("three"), "check")
    expect(bar).to_be_visible()
    expect(anna.input).to_be_hidden()
    expect(told).to_have_text("1 selected")
    anna.sees("one").click()
    page.locator("li.message .picture").click(force=True)
    expect(page.locator(".lightbox")).to_have_count(0)
    anna.sees("two").focus()
    page.keyboard.press("Space")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    expect(told).to_have_text("5 selected")
    anna.sees("mine").click()
    expect(told).to_have_text("4 selected")
    anna.shot(f"select-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 20, "ref": 2})
    expect(page.locator("li.notice:not(.message)")).to_have_count(1)
    bar.locator(".primary").click()
    dialog = page.locator("dialog")
    dialog.locator(".target-filter").fill("cle")
    expect(dialog.locator(".target-list .row")).to_have_count(1)
    dialog.locator(".row", has_text="Cleo").click()
    dialog.locator(".target-filter").fill("")
    dialog.locator(".row", has_text="Walkers").click()
    expect(dialog.locator(".row", has_text="Cleo").locator("input")).to_be_checked()
    anna.shot(f"forward-{'phone' if phone else 'desktop'}")
    check_accessible(page)
    dialog.locator(".primary").click()
    expect(bar).to_be_hidden()
    expect(anna.input).to_be_visible()
    for scope, dstid in ((10, anna.id), (11, group)):
        cleo.open(scope, dstid)
        expect(cleo.page.locator("li.message .text")).to_have_text(["one", "three"])
        expect(cleo.page.locator("li.message .picture")).to_have_count(1)
        cids = cleo.page.locator("li.message").evaluate_all("(rows) => rows.map((row) => row.dataset.seq)")
        assert len(set(cids)) == 3


def test_selection_ends(person: PeopleOf) -> None:
    """Escape ends it, and so does leaving the chat; the composer is there again, and rows can be clicked."""
    anna = person("Anna")
    anna.open(10, anna.id)
    anna.say("https://example.com/a")
    row = anna.sees("example")
    for end in ("escape", "leave"):
        anna.act(row, "check")
        expect(row.locator(".select-box")).to_be_checked()
        if end == "escape":
            anna.page.keyboard.press("Escape")
        else:
            anna.page.evaluate("location.hash = ''")
            expect(anna.input).to_have_count(0)
            anna.open(10, anna.id)
        expect(anna.page.locator(".select-box")).to_have_count(0)
        expect(anna.input).to_be_visible()
