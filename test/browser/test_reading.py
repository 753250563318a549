"""The messages that somebody is reading stay in view and don't move, whatever happens in the chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from test.browser.person import Person
from test.running.server import Server

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]

SCROLL = ".talk-scroll"
VIEW = """(box) => {
    const { top, bottom } = box.getBoundingClientRect();
    const rows = [...box.querySelectorAll("li[data-seq]")].map((row) => [row.dataset.seq, row.getBoundingClientRect()]);
    const seen = rows.filter(([, at]) => at.top >= top && at.bottom <= bottom);
    return Object.fromEntries(seen.map(([seq, at]) => [seq, at.top]));
}"""
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


def view(page: Page) -> dict[str, float]:
    """The top positions of the rows that are completely in view, once the window has stopped moving."""
    page.evaluate(FRAMES)
    found: dict[str, float] = page.locator(SCROLL).evaluate(VIEW)
    return found


def assert_same(page: Page, before: dict[str, float], but: str = "") -> None:
    """Every row that was in view is at the same pixel as before."""
    after = view(page)
    assert {seq: after.get(seq) for seq in before if seq != but} == {
        seq: pytest.approx(top, abs=0.6) for seq, top in before.items() if seq != but
    }


def fill(writer: Person, reader: Person, first: int, last: int) -> None:
    """Post so many numbered messages by REST."""
    to = {"cmd": 10, "dstid": reader.id, "media": 1}
    for start in range(first, last + 1, 500):
        writer.post(*(to | {"content": f"line {at}"} for at in range(start, min(start + 500, last + 1))))


def up_to(reader: Person, seq: int) -> None:
    """Scroll up until the message is loaded, and show it in the middle."""
    reader.page.wait_for_function(
        """(seq) => {
            const row = document.querySelector(`li[data-seq="${seq}"]`);
            if (row) row.scrollIntoView({ block: "center" });
            else document.querySelector(".talk-scroll").scrollTo(0, 0);
            return Boolean(row);
        }""",
        arg=seq,
        timeout=60_000,
    )
    reader.page.evaluate(FRAMES)


def new(reader: Person, count: str) -> None:
    """Wait until the button that leads to the end says how many messages are new there."""
    expect(reader.page.locator(".to-end .badge")).to_have_text(count)


def unbroken(reader: Person) -> list[int]:
    """The numbers of the lines in the page, which are few and among which none is missing."""
    numbers = [int(text.split()[1]) for text in reader.texts()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) <= 300
    return numbers


def test_nothing_read_is_trimmed(friends: Friends) -> None:
    """Older messages that somebody is reading stay, while others write more than a conversation keeps in the page."""
    anna, bo = friends
    for who in friends:  # a page that shows each message as it comes takes long for so many
        who.page.evaluate("location.hash = '#'")
    fill(bo, anna, 1, 2_200)
    anna.open(10, bo.id)
    anna.sees("line 2200")
    up_to(anna, 120)
    before = view(anna.page)
    assert "120" in before
    for number in range(3):
        bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": f"meanwhile {number}"})
        new(anna, str(number + 1))
        assert_same(anna.page, before)
    fill(bo, anna, 3_000, 3_030)
    new(anna, "34")
    assert_same(anna.page, before)
    anna.page.click(".to-end")
    expect(anna.page.locator(".to-end")).to_be_hidden()
    expect(anna.sees("line 3030")).to_be_in_viewport()
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "after the end"})
    expect(anna.sees("after the end")).to_be_in_viewport()
    assert anna.page.locator("li[data-seq]").count() <= 300


def test_long_outage(friends: Friends, server: Server) -> None:
    """Hundreds of messages that were missed without a network are added below what is being read."""
    anna, bo = friends
    fill(bo, anna, 1, 300)
    anna.sees("line 300")
    up_to(anna, 60)
    before = view(anna.page)
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    fill(bo, anna, 301, 900)
    anna.offline(False)
    anna.online()
    new(anna, "99+")
    assert_same(anna.page, before)
    unbroken(anna)
    anna.page.click(".to-end")
    expect(anna.sees("line 900")).to_be_in_viewport()
    assert unbroken(anna)[-1] == 900


def test_outage_at_the_end(friends: Friends) -> None:
    """Somebody who was at the end before an outage is at the end after it."""
    anna, bo = friends
    fill(bo, anna, 1, 300)
    anna.sees("line 300")
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    fill(bo, anna, 301, 900)
    anna.offline(False)
    anna.online()
    expect(anna.sees("line 900")).to_be_in_viewport()
    expect(anna.page.locator(".to-end")).to_be_hidden()


def test_rows_that_change(friends: Friends) -> None:
    """Edits, reactions and recalls above, in and below the view move only the rows that they change."""
    anna, bo = friends
    fill(bo, anna, 1, 120)
    anna.sees("line 120")
    up_to(anna, 60)
    before = view(anna.page)
    shown = sorted(map(int, before))
    to: dict[str, Any] = {"cmd": 10, "dstid": anna.id}
    long = "much longer " * 40
    for seq in (shown[0] - 5, shown[0] - 1, shown[-1] + 3):
        bo.post(to | {"media": 21, "ref": seq, "content": long})
        expect(anna.page.locator(f"li[data-seq='{seq}'] .text")).to_contain_text("much longer")
        assert_same(anna.page, before)
    bo.post(to | {"media": 20, "ref": shown[0] - 5}, to | {"media": 22, "ref": shown[0] - 2, "content": "🎉"})
    expect(anna.page.locator(f"li.notice[data-seq='{shown[0] - 5}']")).to_have_count(1)
    expect(anna.page.locator(f"li[data-seq='{shown[0] - 2}'] .reaction")).to_have_count(1)
    assert_same(anna.page, before)
    bo.post(to | {"media": 22, "ref": shown[-1], "content": "🎉"})
    expect(anna.page.locator(f"li[data-seq='{shown[-1]}'] .reaction")).to_have_count(1)
    assert_same(anna.page, before, but=str(shown[-1]))
    bo.post(to | {"media": 20, "ref": shown[0]})
    expect(anna.page.locator(f"li.notice[data-seq='{shown[0]}']")).to_have_count(1)
    kept = {str(seq): before[str(seq)] for seq in shown[2:]}
    assert_same(anna.page, kept)


def test_pictures_that_load_late(friends: Friends, server: Server) -> None:
    """A picture above the view that loads late doesn't move the view."""
    anna, bo = friends
    to = {"cmd": 10, "dstid": anna.id}
    held: list[Any] = []
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300"/></svg>'
    anna.page.route("**/late*.svg", lambda route: held.append(route))
    bo.page.route("**/late*.svg", lambda route: route.fulfill(body=picture, content_type="image/svg+xml"))
    for number in range(4):
        lines = [to | {"media": 1, "content": f"line {number} {at}"} for at in range(10)]
        bo.post(*lines, to | {"media": 4, "url": f"{server.url}/asset/late{number}.svg"})
    bo.post(*(to | {"media": 1, "content": f"end {at}"} for at in range(30)))
    anna.sees("end 29")
    up_to(anna, 62)
    before = view(anna.page)
    assert len(held) == 4
    for route in held:
        route.fulfill(body=picture, content_type="image/svg+xml")
    anna.page.wait_for_function("[...document.images].filter(({naturalHeight}) => naturalHeight === 300).length >= 4")
    assert_same(anna.page, before)


def test_older_pages(friends: Friends) -> None:
    """A page of older messages that loads above the view moves nothing in the view."""
    anna, bo = friends
    fill(bo, anna, 1, 200)
    anna.page.reload()
    anna.sees("line 200")
    held: list[Any] = []
    anna.page.route("**/message/history", lambda route: held.append(route))
    anna.page.locator(SCROLL).evaluate("(box) => box.scrollTo(0, 200)")
    anna.page.evaluate(FRAMES)
    before = view(anna.page)
    count = anna.rows().count()
    for _ in range(100):
        if held:
            break
        anna.page.wait_for_timeout(50)
    held[0].continue_()
    anna.page.wait_for_function("(count) => document.querySelectorAll('li.message').length > count", arg=count)
    first = min(map(int, before))
    assert_same(anna.page, before, but=str(first))


def test_window_that_changes(friends: Friends) -> None:
    """When the window becomes narrower or the composer grows, the first row stays in view."""
    anna, bo = friends
    to = {"cmd": 10, "dstid": anna.id, "media": 1}
    bo.post(*(to | {"content": f"line {at} " + "word " * (at * 7 % 60)} for at in range(100)))
    anna.sees("line 99 ")
    up_to(anna, 50)
    before = view(anna.page)
    anna.input.fill("one\ntwo\nthree\nfour\nfive")
    after = view(anna.page)
    assert {seq: before[seq] for seq in after} == after
    first = min(before, key=lambda seq: before[seq])
    anna.page.set_viewport_size({"width": 900, "height": 700})
    assert view(anna.page)[first] == pytest.approx(before[first], abs=1)


def test_place_belongs_to_its_chat(friends: Friends) -> None:
    """Back from another chat, the scroll position is as before, and newer messages aren't marked read."""
    anna, bo = friends
    fill(bo, anna, 1, 120)
    anna.sees("line 120")
    up_to(anna, 60)
    before = view(anna.page)
    anna.open(10, anna.id)
    bo.say("meanwhile")
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_text("1")
    anna.open(10, bo.id)
    new(anna, "1")
    assert_same(anna.page, before)
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_text("1")
    anna.page.click(".to-end")
    expect(anna.page.locator(f"[data-conversation='10:{bo.id}'] .badge")).to_have_count(0)
    anna.open(10, anna.id)
    anna.open(10, bo.id)
    expect(anna.page.locator(".to-end")).to_be_hidden()
    expect(anna.sees("meanwhile")).to_be_in_viewport()


def test_own_upload_does_not_move_the_reader(friends: Friends) -> None:
    """A finished upload doesn't scroll its sender to the end; writing a message does."""
    anna, bo = friends
    fill(bo, anna, 1, 120)
    anna.sees("line 120")
    held: list[Any] = []
    anna.page.route("**/attach/upload", lambda route: held.append(route))
    anna.page.set_input_files("[data-choose=file]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    anna.page.click(".send")
    expect(anna.page.locator(".upload")).to_have_count(1)
    up_to(anna, 60)
    before = view(anna.page)
    held[0].continue_()
    expect(anna.page.locator("li.message .file")).to_have_count(1)
    after = view(anna.page)
    assert {seq: after.get(seq) for seq in before} == before
    anna.say("there")
    expect(anna.sees("there")).to_be_in_viewport()
