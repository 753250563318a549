"""Finding people, chats, messages and files, and coming to the message that was found."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person
from test.browser.test_jump import row, unbroken
from test.browser.test_reading import fill

PeopleOf = Callable[..., Person]
SIZES = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
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


def in_both_themes(page: Page) -> None:
    """What is shown is accessible in the dark and in the light."""
    page.emulate_media(color_scheme="dark")
    check_accessible(page)
    page.emulate_media(color_scheme="light")
    check_accessible(page)


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
    in_both_themes(page)
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


@SIZES
def test_opened_message(group_of: Callable[..., tuple[Person, Person, int]], phone: bool) -> None:
    """A found message opens its chat there, marked; from it one scrolls both ways, and comes to the newest by a button.
    What is unread stays so until it is seen."""
    anna, bo, group = group_of(phone)
    page = anna.page
    fill(bo, anna, 1, 600)
    bo.post({"cmd": 11, "dstid": group, "media": 1, "content": "other"})
    page.reload()
    anna.online()
    look_for(anna, "line 77").locator("a.hit").click()
    expect(finder(anna)).to_have_count(0)
    expect(row(anna, 77)).to_be_in_viewport()
    expect(row(anna, 77)).to_have_class(re.compile("found"))
    assert page.evaluate("location.hash") == f"#10:{bo.id}"
    anna.shot(f"find-opened-{'phone' if phone else 'desktop'}")
    assert unbroken(anna)[-1] < 200
    for below, seq in ((False, 1), (True, 200)):
        page.wait_for_function(
            """([below, seq]) => {
                const box = document.querySelector(".talk-scroll");
                box.scrollTo(0, below ? box.scrollHeight : 0);
                return Boolean(document.querySelector(`li[data-seq="${seq}"]`));
            }""",
            arg=[below, seq],
        )
        assert len(unbroken(anna)) <= MOST
    if not phone:
        expect(page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_text("99+")
    page.click(".to-end")
    expect(anna.sees("line 600")).to_be_in_viewport()
    if not phone:
        expect(page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_count(0)


def test_keys(group_of: Callable[..., tuple[Person, Person, int]]) -> None:
    """The window is opened, used and closed by keys alone, and what was looked for is still there the next time."""
    anna, bo, _ = group_of(False)
    page = anna.page
    told(bo, anna, "snow one", "snow two")
    expect(page.locator(f"[data-conversation='10:{bo.id}']")).to_be_visible()
    page.keyboard.press("/")
    found = finder(anna)
    expect(found.locator(".find-field")).to_be_focused()
    page.keyboard.type("snow")
    expect(found.locator("a.hit")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(found.locator("section[aria-label='Chats'] a.row")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(found.locator("a.hit").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(found.locator(".find-field")).to_be_focused()
    page.keyboard.press("Escape")
    expect(found).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(found.locator(".find-field")).to_have_value("snow")
    expect(found.locator("a.hit")).to_have_count(2)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(found).to_have_count(0)
    expect(row(anna, 1)).to_have_class(re.compile("found"))
    anna.input.fill("a/b")
    expect(found).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("walk")
    expect(found.locator("a.row")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".talk-title")).to_have_text("Snow walkers")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.locator("dialog .keys")).to_have_count(4)
    expect(page.locator("dialog")).to_contain_text("Find")


def test_number(person: PeopleOf) -> None:
    """Who isn't a friend is looked up by a number only when that is asked for."""
    anna, cai = person("Anna"), person("Cai")
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(request.url))
    found = look_for(anna, f" {cai.mobile[:3]} {cai.mobile[3:]}")
    expect(found.locator(".row")).to_contain_text(cai.mobile)
    expect(found.locator(".find-note")).to_have_text("No message has these words")
    assert not [url for url in asked if url.endswith("/user/find")]
    found.locator(".row").click()
    expect(anna.page.locator("dialog .found")).to_contain_text("Cai")


def test_refused(group_of: Callable[..., tuple[Person, Person, int]]) -> None:
    """After too many searches it says when it goes on, and does; what fails otherwise can be tried again."""
    anna, bo, _ = group_of(False)
    told(bo, anna, "snow")
    refusals = [
        {"status": 429, "json": {"code": -5, "msg": "too many searches", "wait": 1500}},
        {"status": 503, "json": {"code": -6, "msg": "storage unavailable"}},
    ]

    def answer(route: Any) -> None:
        if refusals:
            route.fulfill(**refusals.pop(0))
        else:
            route.continue_()

    anna.page.route("**/message/search", answer)
    found = look_for(anna, "snow")
    expect(found.locator(".find-note")).to_contain_text("It goes on in 2 s")
    expect(found.locator(".find-note")).to_contain_text("The search didn't work")
    anna.shot("find-refused")
    found.locator(".find-foot .button").click()
    expect(found.locator("a.hit")).to_have_count(1)
    anna.errors.clear()  # of the browser, for the statuses


def test_pages(group_of: Callable[..., tuple[Person, Person, int]]) -> None:
    """More is read page by page, up to a bound. A friend is found by my name for them and by their own."""
    anna, bo, _ = group_of(False)
    form = {"dstid": str(bo.id), "memo": "Uncle"}
    assert anna.context.request.post("/contact/remark", form=form).json()["code"] == 0
    anna.page.reload()
    fill(bo, anna, 1, 200)
    found = look_for(anna, "uncle")
    chat = found.locator("section[aria-label='Chats'] a.row")
    expect(chat.locator("mark")).to_have_text("Uncle")
    found.locator(".find-field").fill("bjo")
    expect(chat).to_contain_text("Uncle")
    expect(chat.locator("mark")).to_have_text("Bjö")
    found.locator(".find-field").fill("line")
    expect(found.locator(".find-group .button")).to_have_text("Show all 30")
    found.locator(".find-group .button").click()
    for count in (60, 90, 120):
        found.locator(".find-foot .button").click()
        expect(found.locator("a.hit")).to_have_count(count)
    expect(found.locator(".find-foot .button")).to_have_count(0)


@SIZES
def test_address_of_a_message(group_of: Callable[..., tuple[Person, Person, int]], phone: bool) -> None:
    """The address of a message opens it: in a page that is loaded by it, after a log-in, and as a link in a message."""
    anna, bo, group = group_of(phone)
    page = anna.page
    fill(bo, anna, 1, 300)
    pair = "-".join(str(one) for one in sorted((anna.id, bo.id)))
    address = f"{page.url.split('#')[0]}#10:{pair}:40"
    page.goto("about:blank")
    page.goto(address)
    expect(row(anna, 40)).to_be_in_viewport()
    expect(row(anna, 40)).to_have_class(re.compile("found"))
    anna.online()
    expect(row(anna, 40)).to_be_in_viewport()
    unbroken(anna)
    bo.post({"cmd": 11, "dstid": group, "media": 1, "content": f"see {address} and https://example.com/"})
    anna.open(11, group)
    link = anna.sees("see").locator("a").first
    expect(anna.sees("see").locator("a").last).to_have_attribute("target", "_blank")
    link.click()
    expect(row(anna, 40)).to_be_in_viewport()
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": f"also {address}"})
    page.click(".to-end")
    anna.sees("also").locator("a").click()
    expect(row(anna, 40)).to_be_in_viewport()
    # A message of a chat of others, and one that isn't there.
    for wrong in (f"#10:1-2:{anna.id}", f"#10:{pair}:4000", "#11:77:1"):
        page.evaluate(f"location.hash = '{wrong}'")
        expect(page.locator(".toast").last).to_have_text("That message can't be shown any more")
    anna.context.clear_cookies()
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_url("**/user/login.shtml*")
    page.fill("[name=mobile]", anna.mobile)
    page.fill("[name=passwd]", "a good password")
    page.click("[type=submit]")
    expect(row(anna, 40)).to_be_in_viewport()
    # What the browser says of the status of a group that isn't there.
    anna.errors[:] = [error for error in anna.errors if "403" not in error]
