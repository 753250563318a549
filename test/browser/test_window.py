"""The page has rows only for what is near the view: of a long conversation, and of a long list of conversations."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from test.browser.person import Person
from test.browser.test_reading import FRAMES, SCROLL, assert_same, fill, new, unbroken, up_to, view

PeopleOf = Callable[..., Person]

MOST = 300
"""Rows of messages in the page at any time."""
CHATS = 40

# Scrolls back and forth in steps, as a wheel does, and looks at each step whether what was in view is exactly that much
# further down. Gives the rows that stood elsewhere, the most rows in the page, and the messages that were reached.
STEPS = """async ([steps, by]) => {
    const box = document.querySelector(".talk-scroll");
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const places = () => {
        const { top, bottom } = box.getBoundingClientRect();
        const rows = [...document.querySelectorAll("li[data-seq]")];
        const tops = rows.map((row) => [row.dataset.seq, row.getBoundingClientRect().top]);
        return new Map(tops.filter(([, at]) => at >= top && at < bottom));
    };
    const [wrong, seqs] = [[], []];
    let most = 0;
    for (let step = 0; step < steps; step++) {
        const before = places();
        const start = box.scrollTop;
        box.scrollTop += by;
        const moved = box.scrollTop - start; // less at an end
        await frame();
        await frame();
        const after = places();
        for (const [seq, at] of before) {
            const now = after.get(seq);
            if (now !== undefined && Math.abs(now - (at - moved)) > 0.6) wrong.push([step, seq, at, now, moved]);
        }
        if (![...before.keys()].some((seq) => after.has(seq))) wrong.push([step, "nothing is left in view"]);
        most = Math.max(most, document.querySelectorAll("li[data-seq]").length);
        seqs.push(Math.min(...[...after.keys()].map(Number)));
    }
    return { wrong, most, seqs };
}"""


@pytest.fixture(params=[False, True], ids=["desktop", "phone"])
def reader(person: PeopleOf, request: pytest.FixtureRequest) -> tuple[Person, Person]:
    """Anna, on a desktop or a phone, who has 700 messages from Bo that she has read to their end."""
    anna, bo = person("Anna", phone=request.param), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    fill(bo, anna, 1, 700)
    expect(anna.sees("line 700")).to_be_in_viewport()
    return anna, bo


def test_scrolling_back(reader: tuple[Person, Person]) -> None:
    """On the way back and forth there are few rows, none is missing, and each step moves the view by its length."""
    anna, _ = reader
    back = anna.page.evaluate(STEPS, [70, -330])
    assert (back["wrong"], back["most"] <= MOST) == ([], True)
    assert back["seqs"][-1] < 400 < back["seqs"][0]
    unbroken(anna)
    forth = anna.page.evaluate(STEPS, [40, 330])
    assert (forth["wrong"], forth["most"] <= MOST) == ([], True)
    assert forth["seqs"][-1] > back["seqs"][-1] + 100
    unbroken(anna)
    up_to(anna, 1)
    assert unbroken(anna)[0] == 1
    anna.page.click(".to-end")
    expect(anna.sees("line 700")).to_be_in_viewport()
    assert unbroken(anna)[-1] == 700


def test_somebody_writes_meanwhile(reader: tuple[Person, Person]) -> None:
    """Nothing moves while others write, edit, react and recall; the button that leads to the end counts what is new."""
    anna, bo = reader
    up_to(anna, 300)
    before = view(anna.page)
    to = {"cmd": 10, "dstid": anna.id}
    for number in range(1, 4):
        bo.post(to | {"media": 1, "content": f"line {700 + number}"})
        new(anna, str(number))
        assert_same(anna.page, before)
    shown = sorted(map(int, before))
    bo.post(
        to | {"media": 21, "ref": shown[0] - 2, "content": "much longer " * 40},
        to | {"media": 22, "ref": shown[0] - 3, "content": "🎉"},
        to | {"media": 20, "ref": shown[0] - 6},
        to | {"media": 21, "ref": 600, "content": "of what has no row"},
    )
    expect(anna.page.locator(f"li.notice[data-seq='{shown[0] - 6}']")).to_have_count(1)
    assert_same(anna.page, before)
    expect(anna.page.locator(".to-end")).to_have_attribute("aria-label", re.compile("3 of them new"))
    anna.shot(f"jump-{anna.page.viewport_size['width']}")
    anna.page.click(".to-end")
    expect(anna.page.locator(".to-end")).to_be_hidden()
    expect(anna.sees("line 703")).to_be_in_viewport()
    expect(anna.page.locator("li.new")).to_have_count(1)
    anna.say("seen")
    expect(anna.page.locator("li.new")).to_have_count(0)


def test_days(reader: tuple[Person, Person]) -> None:
    """The day of what is at the top of the window stands there, but where its own line does."""
    anna, _ = reader
    mark = anna.page.locator(".day-mark")
    expect(mark).to_have_text("Today")
    expect(mark).to_be_in_viewport()
    up_to(anna, 1)
    anna.page.locator(SCROLL).evaluate("(box) => box.scrollTo(0, 0)")
    expect(mark).to_be_hidden()
    expect(anna.page.locator("li.day")).to_have_text("Today")


def test_new_messages(friends: tuple[Person, Person]) -> None:
    """A chat with more new messages than fit opens at the first of them, under a line; it is gone the next time."""
    anna, bo = friends
    bo.say("read")
    anna.sees("read")
    anna.page.evaluate("location.hash = '#'")
    fill(bo, anna, 1, 40)
    badge = anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")
    expect(badge).to_have_text("40")
    anna.open(10, bo.id)
    expect(anna.page.locator("li.new")).to_be_in_viewport()
    expect(anna.page.locator("li.new + li .text")).to_have_text("line 1")
    new(anna, "40")
    expect(badge).to_have_text("40")
    anna.shot("new-messages")
    anna.page.click(".to-end")
    expect(anna.sees("line 40")).to_be_in_viewport()
    expect(badge).to_have_count(0)
    anna.page.evaluate("location.hash = '#'")
    anna.open(10, bo.id)
    expect(anna.sees("line 40")).to_be_in_viewport()
    expect(anna.page.locator("li.new")).to_have_count(0)


def test_what_is_spoken(friends: tuple[Person, Person]) -> None:
    """New messages of others are spoken, once; the history and one's own aren't."""
    anna, bo = friends
    log = anna.page.locator(".talk [role=log]")
    bo.say("old")
    expect(log.locator("p")).to_have_text(["Bo: old"])
    anna.page.reload()
    anna.sees("old")
    anna.say("mine")
    anna.state_of("mine", "read")
    expect(log.locator("p")).to_have_count(0)
    bo.say("new")
    expect(log.locator("p")).to_have_text(["Bo: new"])
    fill(bo, anna, 1, 60)
    anna.sees("line 60")
    assert log.locator("p").count() <= 5


@pytest.fixture(params=[False, True], ids=["desktop", "phone"])
def popular(person: PeopleOf, request: pytest.FixtureRequest) -> Person:
    """Anna, on a desktop or a phone, who has written to many friends, the last of them last."""
    anna = person("Anna", phone=request.param)
    made = anna.context.browser.new_context(base_url=anna.page.url.split("/chat")[0])
    for number in range(CHATS):
        mobile = str(int(anna.mobile) * 100 + number)
        fields = {"mobile": mobile, "nickname": f"Friend {number}", "passwd": "a good password"}
        friend = made.request.post("/user/register", form=fields).json()["data"]["id"]
        assert anna.context.request.post("/contact/addfriend", form={"dstid": str(friend)}).json()["code"] == 0
        anna.post({"cmd": 10, "dstid": friend, "media": 1, "content": f"to {number}"})
    made.close()
    anna.page.reload()
    anna.online()
    return anna


def test_many_conversations(popular: Person) -> None:
    """A long list has few rows in the page, all of them can be scrolled to, and arrow keys go through all of it."""
    anna, page = popular, popular.page
    rows = page.locator(".side-body [data-conversation]")
    expect(rows.first.locator(".row-last")).to_have_text(f"You: to {CHATS - 1}")
    assert rows.count() < CHATS
    side = page.locator(".side-body")
    tall = side.evaluate("(box) => box.scrollHeight")
    row = rows.first.evaluate("(row) => row.parentElement.getBoundingClientRect().height")
    assert tall == pytest.approx(CHATS * row, abs=20)
    side.evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    expect(rows.last.locator(".row-last")).to_have_text("You: to 0")
    expect(rows.last).to_be_in_viewport()
    assert rows.count() < CHATS
    assert side.evaluate("(box) => box.scrollHeight") == pytest.approx(tall, abs=2)
    side.evaluate("(box) => box.scrollTo(0, 0)")
    expect(rows.first.locator(".row-last")).to_have_text(f"You: to {CHATS - 1}")
    rows.first.focus()
    assert page.locator(".side-body [data-conversation][tabindex='0']").count() == 1
    for key in ("End", "ArrowUp"):
        page.keyboard.press(key)
    focused = page.locator("[data-conversation]:focus")
    expect(focused.locator(".row-last")).to_have_text("You: to 1")
    expect(focused).to_be_in_viewport()
    side.evaluate("(box) => box.scrollTo(0, 0)")
    page.evaluate(FRAMES)
    expect(focused.locator(".row-last")).to_have_text("You: to 1")
    assert side.evaluate("(box) => box.scrollHeight") == pytest.approx(tall, abs=2)
    page.keyboard.press("Home")
    expect(focused.locator(".row-last")).to_have_text(f"You: to {CHATS - 1}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".talk-name b")).to_have_text(f"Friend {CHATS - 2}")
    anna.sees(f"to {CHATS - 2}")


def test_keys(friends: tuple[Person, Person]) -> None:
    """The messages are one stop of the Tab key, arrow keys go through them, Tab leads to what can be done with one."""
    anna, bo = friends
    page = anna.page
    fill(bo, anna, 1, 30)
    anna.sees("line 30")
    assert page.locator("li.message[tabindex='0']").count() == 1
    assert page.locator("li.message:not([tabindex='0']) :is(a, button):not([tabindex='-1'])").count() == 0
    anna.sees("line 30").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    focused = page.locator("li.message:focus")
    expect(focused.locator(".text")).to_have_text("line 29")
    bo.post({"cmd": 10, "dstid": anna.id, "media": 21, "ref": 29, "content": "changed"})
    expect(focused.locator(".text")).to_have_text("changed")
    page.keyboard.press("Tab")
    expect(page.locator("li.message[data-seq='29'] button:focus")).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    expect(anna.input).to_be_focused()


@pytest.mark.parametrize(("phone", "lang"), [(False, "en"), (True, "zh")])
def test_help(person: PeopleOf, phone: bool, lang: str) -> None:
    """A question mark shows the keys, Back closes them; in a field it is a question mark."""
    anna, bo = person("Anna", phone=phone, lang=lang), person("Bo")
    anna.become_friend(bo)
    anna.open(10, bo.id)
    page = anna.page
    sheet = page.locator("dialog .keys")
    anna.input.press("?")
    expect(anna.input).to_have_value("?")
    expect(sheet).to_have_count(0)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(sheet.first).to_be_visible()
    page.go_back()
    expect(sheet).to_have_count(0)
    expect(anna.input).to_be_visible()


def test_chat_above_and_below(person: PeopleOf) -> None:
    """Alt and an arrow key open the chat above or below in the list."""
    anna, bo, cy = person("Anna"), person("Bo"), person("Cy")
    for friend in (bo, cy):
        anna.become_friend(friend)
        anna.post({"cmd": 10, "dstid": friend.id, "media": 1, "content": "hello"})
    expect(anna.page.locator("[data-conversation]")).to_have_count(2)
    name = anna.page.locator(".talk-name b")
    for key, whom in (("ArrowDown", "Cy"), ("ArrowDown", "Bo"), ("ArrowDown", "Bo"), ("ArrowUp", "Cy")):
        anna.page.keyboard.press(f"Alt+{key}")
        expect(name).to_have_text(whom)
