"""Two tabs of one user in one browser: each has all that the other has, and one of them tells of messages."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from test.browser.person import Person
from test.browser.test_notifications import AWAY, BACK, telling, until_shown
from test.browser.waiting import until

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]
SPEAKS = """async () => {
    const { held } = await navigator.locks.query();
    const { clientId } = held.find(({ name }) => name.endsWith(":speaks")) ?? {};
    return clientId;
}"""


def heard(*tabs: Page) -> list[int]:
    """The notes that each tab has played."""
    return [tab.evaluate("globalThis.sounds") for tab in tabs]


def counts(tab: Page, unread: str) -> None:
    """Wait until the tab counts so many unread messages."""
    expect(tab.locator("link[rel=icon]")).to_have_attribute("data-count", unread)


def test_one_tab_tells(logged_out: PeopleOf) -> None:
    """Of two tabs that nobody looks at one makes the sound and the notification; once it is closed the other does. Both
    count what is unread, and what is read in one is read in the other."""
    anna, bo = telling(logged_out, "Anna"), logged_out("Bo")
    bo.arrive()
    anna.become_friend(bo)
    first, second = anna.page, anna.another_page()
    second.goto("/chat/index.shtml")
    expect(second.locator(".state")).to_have_attribute("data-state", "online")
    for tab in (first, second):
        tab.evaluate(AWAY)
    until(first, "async () => !(await navigator.locks.query()).held.some(({ name }) => /looked-at/.test(name))")
    speaking = first.evaluate(SPEAKS)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "to both"})
    counts(first, "1")
    counts(second, "1")
    until_shown(first, ["Bo", "to both", f"10:{bo.id}"])
    until(first, "async () => globalThis.sounds === 2")
    assert heard(first, second) == [2, 0]  # one sound of two notes
    first.close()
    until(second, f"async (before) => ![before, undefined].includes(await ({SPEAKS})())", speaking)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "to the other"})
    counts(second, "2")
    until(second, "async () => globalThis.sounds === 2")
    third = anna.another_page()
    third.goto("/chat/index.shtml")
    counts(third, "2")
    third.evaluate(f"location.hash = '#10:{bo.id}'")
    counts(third, "")
    counts(second, "")
    assert heard(second, third) == [2, 0]


def test_what_is_written(friends: Friends) -> None:
    """A draft is in the list and in the open chat of the other tab, unless somebody writes there; a message that is
    sent is in the other tab, and the draft is gone from both."""
    anna, bo = friends
    first, second = anna.page, anna.another_page()
    bo.say("hello")
    anna.sees("hello")
    second.goto(f"/chat/index.shtml#10:{bo.id}")
    written = second.locator(".composer-input")
    expect(written).to_be_visible()
    second.evaluate(AWAY)
    anna.input.fill("half a sen")
    expect(written).to_have_value("half a sen")
    second.evaluate("location.hash = ''")
    expect(second.locator(".row-last em")).to_have_count(1)
    second.evaluate(f"location.hash = '#10:{bo.id}'")
    expect(written).to_have_value("half a sen")
    anna.say("half a sentence")
    bo.sees("half a sentence")
    expect(second.locator("li.message .text", has_text="half a sentence")).to_have_count(1)
    expect(written).to_have_value("")
    second.evaluate(BACK)
    first.evaluate(AWAY)
    written.fill("mine")
    expect(anna.input).to_have_value("mine")
    first.evaluate(BACK)
    anna.input.fill("ours")
    expect(second.locator(".row-last em + *", has_text="ours")).to_have_count(1)
    expect(written).to_have_value("mine")
