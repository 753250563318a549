"""Going to a quoted message far above, reading on from there, and coming back to the newest ones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from test.browser.person import Person
from test.browser.test_reading import assert_same, fill, view

Friends = tuple[Person, Person]
NUMBERS = "[...document.querySelectorAll('li.message[data-seq]')].map((row) => Number(row.dataset.seq))"


@pytest.fixture
def jumped(friends: Friends) -> Friends:
    """Anna has gone from the end of 900 messages to the hundredth, which Bo quotes."""
    anna, bo = friends
    fill(bo, anna, 1, 900)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "about it", "ref": 100})
    anna.page.reload()
    quote = anna.sees("about it").locator(".quote")
    expect(quote).to_contain_text("line 100")
    quote.click()
    found = row(anna, 100)
    expect(found).to_be_in_viewport()
    expect(found).to_have_class(re.compile("found"))
    return anna, bo


def row(person: Person, seq: int) -> Locator:
    """The row of a message."""
    return person.page.locator(f"li[data-seq='{seq}']")


def unbroken(person: Person) -> list[int]:
    """The numbers of the shown messages, among which none is missing."""
    numbers: list[int] = person.page.evaluate(NUMBERS)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    return numbers


def test_only_what_is_around(jumped: Friends) -> None:
    """The page has what is around the message, and not all that is between."""
    anna, _ = jumped
    assert len(unbroken(anna)) <= 200
    expect(anna.page.locator(".to-end")).to_be_visible()


def test_new_messages(jumped: Friends) -> None:
    """What is written meanwhile moves nothing, is in the list, and stays unread."""
    anna, bo = jumped
    before = view(anna.page)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "meanwhile"})
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .row-last")).to_have_text("meanwhile")
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_text("1")
    assert_same(anna.page, before)
    assert max(unbroken(anna)) < 901
    anna.page.click(".to-end")
    expect(anna.sees("meanwhile")).to_be_in_viewport()
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_count(0)
    unbroken(anna)


def test_reading_on(jumped: Friends) -> None:
    """Scrolling down loads page after page until the end is reached, where new messages are followed again."""
    anna, bo = jumped
    anna.page.wait_for_function(
        """() => {
            const box = document.querySelector(".talk-scroll");
            box.scrollTo(0, box.scrollHeight);
            return Boolean(document.querySelector('li[data-seq="901"]'));
        }"""
    )
    expect(anna.page.locator(".to-end")).to_be_hidden()
    unbroken(anna)
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "at the end"})
    expect(anna.sees("at the end")).to_be_in_viewport()


def test_writing(jumped: Friends) -> None:
    """Who writes is at the newest messages again."""
    anna, _ = jumped
    anna.say("I write")
    expect(anna.sees("I write")).to_be_in_viewport()
    expect(anna.sees("I write")).to_have_attribute("data-seq", "902")
    expect(anna.sees("about it")).to_be_in_viewport()
    unbroken(anna)


def test_another_chat(jumped: Friends) -> None:
    """Who comes back to the chat finds its newest messages."""
    anna, bo = jumped
    anna.page.evaluate("location.hash = '#'")
    anna.open(10, bo.id)
    expect(anna.sees("about it")).to_be_in_viewport()
    unbroken(anna)


def test_outage(jumped: Friends) -> None:
    """An outage changes nothing of what is read, and what was missed is at the end."""
    anna, bo = jumped
    before = view(anna.page)
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "missed"})
    anna.offline(False)
    anna.online()
    assert_same(anna.page, before)
    anna.page.click(".to-end")
    expect(anna.sees("missed")).to_be_in_viewport()
    unbroken(anna)
