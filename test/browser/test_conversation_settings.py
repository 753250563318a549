"""Pinning, muting and hiding conversations on the page: by mouse, touch and keyboard, in both themes and languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def row(person: Person, other: Person) -> Locator:
    """The other's row in the list of conversations."""
    return person.page.locator(f'[data-conversation="10:{other.id}"]')


def choose(person: Person, other: Person, what: str) -> None:
    """Choose something in the menu of a row."""
    row(person, other).click(button="right")
    person.page.locator("dialog.dialog").get_by_role("button", name=what, exact=True).click()
    expect(person.page.locator("dialog.dialog")).to_have_count(0)


def names(person: Person) -> Locator:
    """The names in the list, in its order."""
    return person.page.locator("[data-conversation] b")


def check(page: Page) -> None:
    """axe finds nothing wrong in what is open, and nothing is wider than the window."""
    if not AXE.exists():
        pytest.skip("no axe-core: npm ci")
    page.wait_for_timeout(250)  # until colours have faded in
    page.evaluate(AXE.read_text())
    where = "document.querySelector('dialog[open]') ?? document.querySelector('.side-body')"
    found = page.evaluate(f"axe.run({where}, {{resultTypes: ['violations']}})")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def chatting(person: PeopleOf, **how: object) -> tuple[Person, Person, Person]:
    """Anna, to whom Bo wrote first and then Cy; nothing of it is read."""
    anna, bo, cy = person("Anna", **how), person("Bo"), person("Cy")
    for one in (bo, cy):
        anna.become_friend(one)
        one.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": f"hello from {one.name}"})
    expect(names(anna)).to_have_text(["Cy", "Bo"])
    return anna, bo, cy


def test_pinned(person: PeopleOf) -> None:
    """A pinned conversation stands first, whatever comes in others, after a reload and in another window too."""
    anna, bo, cy = chatting(person)
    other = anna.another_page()
    other.goto("/chat/index.shtml")
    expect(other.locator("[data-conversation] b")).to_have_text(["Cy", "Bo"])
    choose(anna, bo, "Pin to the top")
    expect(names(anna)).to_have_text(["Bo", "Cy"])
    expect(other.locator("[data-conversation] b")).to_have_text(["Bo", "Cy"])
    expect(row(anna, bo).get_by_role("img", name="Pinned")).to_be_visible()
    cy.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "again"})
    expect(row(anna, cy).locator(".row-last")).to_have_text("again")
    expect(names(anna)).to_have_text(["Bo", "Cy"])
    anna.page.reload()
    expect(names(anna)).to_have_text(["Bo", "Cy"])
    choose(anna, bo, "Unpin")
    expect(names(anna)).to_have_text(["Cy", "Bo"])


def test_muted(person: PeopleOf) -> None:
    """What is unread in a muted conversation is shown in its row, and doesn't count in the title."""
    anna, bo, _ = chatting(person)
    expect(anna.page).to_have_title("(2) twim")
    choose(anna, bo, "Mute")
    expect(anna.page).to_have_title("(1) twim")
    expect(row(anna, bo).locator(".badge")).to_have_text("1")
    expect(row(anna, bo).get_by_role("img", name="Muted")).to_be_visible()
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "again"})
    expect(row(anna, bo).locator(".badge")).to_have_text("2")
    expect(anna.page).to_have_title("(1) twim")
    choose(anna, bo, "Unmute")
    expect(anna.page).to_have_title("(3) twim")


@pytest.mark.parametrize("reloaded", [False, True])
def test_hidden(person: PeopleOf, reloaded: bool) -> None:
    """A hidden conversation is not listed, until its next message, with what was set and read of it."""
    anna, bo, _ = chatting(person)
    choose(anna, bo, "Mute")
    anna.open(10, bo.id)
    expect(row(anna, bo).locator(".badge")).to_have_count(0)
    anna.page.get_by_role("button", name="Chat settings").click()
    anna.page.locator("dialog.dialog").get_by_role("button", name="Hide until the next message").click()
    expect(names(anna)).to_have_text(["Cy"])
    expect(anna.input).to_be_hidden()
    if reloaded:
        anna.page.reload()
        anna.online()
        expect(names(anna)).to_have_text(["Cy"])
    bo.post({"cmd": 10, "dstid": anna.id, "media": 1, "content": "back again"})
    expect(names(anna)).to_have_text(["Bo", "Cy"])
    expect(row(anna, bo).locator(".row-last")).to_have_text("back again")
    expect(row(anna, bo).locator(".badge")).to_have_text("1")
    expect(row(anna, bo).get_by_role("img", name="Muted")).to_be_visible()
    anna.open(10, bo.id)
    anna.sees("hello from Bo")
    anna.sees("back again")


def test_hidden_while_away(person: PeopleOf) -> None:
    """What another device hid meanwhile is gone from the list when the connection is back."""
    anna, bo, _ = chatting(person)
    anna.offline(True)
    expect(anna.page.locator(".state")).not_to_have_attribute("data-state", "online")
    hide = {"scope": "10", "dstid": str(bo.id), "hide": "1"}
    assert anna.context.request.post("/message/setting", form=hide).json()["code"] == 0
    expect(names(anna)).to_have_text(["Cy", "Bo"])
    anna.offline(False)
    anna.online()
    expect(names(anna)).to_have_text(["Cy"])


def test_keyboard(person: PeopleOf) -> None:
    """The menu opens and is used without a mouse, and the focus is where it was when it closes."""
    anna, bo, _ = chatting(person)
    row(anna, bo).focus()
    anna.page.keyboard.press("Shift+F10")
    expect(anna.page.locator("dialog.dialog")).to_be_visible()
    for _ in range(5):  # past what closes it, searches, shows files and pins
        anna.page.keyboard.press("Tab")
        if anna.page.evaluate("document.activeElement.textContent") == "Mute":
            break
    anna.page.keyboard.press("Enter")
    expect(row(anna, bo).get_by_role("img", name="Muted")).to_be_visible()


def grouped(person: PeopleOf, **how: object) -> tuple[Person, Person, int]:
    """Anna has written and edited a message in a group, which Bo has read."""
    anna, bo = person("Anna", **how), person("Bo")
    form = {"name": "Walkers", "history": "all"}
    group = anna.context.request.post("/contact/createcommunity", form=form).json()["data"]["id"]
    joined = bo.context.request.post("/contact/joincommunity", form={"dstid": str(group)})
    assert joined.json()["code"] == 0
    anna.open(11, group)
    anna.post(
        {"cmd": 11, "dstid": group, "media": 1, "content": "at noon"},
        {"cmd": 11, "dstid": group, "media": 21, "content": "at one", "ref": 3},
    )
    return anna, bo, group


def test_readers(person: PeopleOf) -> None:
    """The author of a message in a group sees who has read it; nobody has, at first."""
    anna, bo, group = grouped(person)
    message = anna.sees("at one")
    anna.act(message, "checks")
    dialog = anna.page.locator("dialog.dialog")
    expect(dialog).to_contain_text("Nobody has read it yet")
    anna.page.keyboard.press("Escape")
    bo.open(11, group)
    bo.sees("at one")
    expect(bo.page.locator(".side .badge")).to_have_count(0)
    message.focus()
    anna.page.keyboard.press("Enter")
    anna.page.get_by_role("menuitem", name="Who has read it").press("Enter")
    expect(dialog.locator(".row b")).to_have_text(["Bo"])
    expect(dialog.locator(".row time")).to_have_count(1)
    bo.sees("at one").click(button="right")
    expect(bo.page.get_by_role("menuitem", name="Reply")).to_be_visible()
    expect(bo.page.get_by_role("menuitem", name="Who has read it")).to_have_count(0)


def test_edits(person: PeopleOf) -> None:
    """Everybody sees what an edited message has said, the newest words first."""
    _, bo, group = grouped(person)
    bo.open(11, group)
    bo.sees("at one").get_by_role("button", name="edited").click()
    expect(bo.page.locator("dialog .edits p")).to_have_text(["at one", "at noon"])


@pytest.mark.parametrize(("phone", "lang", "theme"), [(False, "en", "light"), (True, "zh", "dark")])
def test_look_of_details(person: PeopleOf, phone: bool, lang: str, theme: str) -> None:
    """Both dialogs pass axe."""
    anna, bo, group = grouped(person, phone=phone, lang=lang)
    anna.page.emulate_media(color_scheme=theme)
    bo.open(11, group)
    expect(bo.page.locator(".side .badge")).to_have_count(0)
    message = anna.sees("at one")
    name = f"details-{'phone' if phone else 'desktop'}-{lang}-{theme}"
    message.locator(".edited").click()
    expect(anna.page.locator("dialog .edits p")).to_have_count(2)
    check(anna.page)
    anna.shot(f"{name}-edits")
    anna.page.keyboard.press("Escape")
    anna.act(message, "checks")
    expect(anna.page.locator("dialog .row")).to_have_count(1)
    check(anna.page)
    anna.shot(f"{name}-readers")


@pytest.mark.parametrize("phone", [False, True])
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_look(person: PeopleOf, phone: bool, lang: str, theme: str) -> None:
    """The list and the menu, in every combination, pass axe."""
    anna, bo, cy = chatting(person, phone=phone, lang=lang)
    anna.page.emulate_media(color_scheme=theme)
    for other, what in ((bo, {"pin": "1", "mute": "1"}), (cy, {"mute": "1"})):
        form = {"scope": "10", "dstid": str(other.id)} | what
        assert anna.context.request.post("/message/setting", form=form).json()["code"] == 0
    expect(row(anna, bo).locator(".kept")).to_have_count(2)
    expect(row(anna, cy).locator(".kept")).to_have_count(1)
    name = f"settings-{'phone' if phone else 'desktop'}-{lang}-{theme}"
    check(anna.page)
    anna.shot(f"{name}-list")
    anna.open(10, bo.id)
    anna.page.locator(".chat-more").click()
    expect(anna.page.locator(".chat-menu button")).to_have_count(5)
    check(anna.page)
    anna.shot(f"{name}-menu")
