"""The chat, the pages before it and the main dialogs are accessible, in both themes and on both sizes of windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]
KINDS = [
    pytest.param(False, "en", False, id="desktop"),
    pytest.param(False, "zh", True, id="desktop-dark"),
    pytest.param(True, "zh", False, id="phone"),
    pytest.param(True, "en", True, id="phone-dark"),
]


def look(who: Person, name: str, phone: bool, dark: bool) -> None:
    """Check what is shown, and keep a picture of it."""
    who.shot(f"{name}-{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}")
    check_accessible(who.page)


def closed(dialog: Locator) -> None:
    """Close a dialog."""
    dialog.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize(("phone", "lang", "dark"), KINDS)
def test_before_the_chat(logged_out: PeopleOf, phone: bool, lang: str, dark: bool) -> None:
    """The pages for logging in and registering."""
    who = logged_out("Anna", phone=phone, lang=lang)
    who.page.emulate_media(color_scheme="dark" if dark else "light")
    for name in ("login", "register"):
        who.page.goto(f"/user/{name}.shtml")
        look(who, name, phone, dark)


@pytest.mark.parametrize(("phone", "lang", "dark"), KINDS)
def test_chat(person: PeopleOf, phone: bool, lang: str, dark: bool, tmp_path: Path) -> None:
    """The lists, a chat with every sign a message can have, and the dialogs."""
    anna, bo = person("Anna", phone=phone, lang=lang), person("Bo")
    page = anna.page
    page.emulate_media(color_scheme="dark" if dark else "light")
    look(anna, "empty", phone, dark)
    anna.become_friend(bo)
    group = anna.context.request.post("/contact/createcommunity", form={"name": "Walkers"}).json()["data"]["id"]
    assert bo.context.request.post("/contact/joincommunity", form={"dstid": str(group)}).json()["code"] == 0
    to: dict[str, Any] = {"cmd": 11, "dstid": group}
    bo.post(*(to | {"media": 1, "content": f"line {number}"} for number in range(40)))
    anna.post(to | {"media": 1, "content": "mine"}, {"cmd": 10, "dstid": bo.id, "media": 1, "content": "hello"})
    bo.post(
        to | {"media": 1, "content": f"@Anna https://example.com {'x' * 90}", "mentions": [anna.id], "ref": 5},
        to | {"media": 22, "ref": 42, "content": "🎉"},
        to | {"media": 21, "ref": 40, "content": "changed"},
        to | {"media": 20, "ref": 39},
        to | {"media": 6, "content": "🎉"},
        to | {"media": 7, "content": "A title", "url": "https://example.com/", "memo": "Words about it"},
    )
    mentioned = page.locator(f"[data-conversation='11:{group}'] .mentioned")
    expect(mentioned).to_be_visible()
    page.evaluate(f"localStorage.setItem('im:{anna.id}:drafts', JSON.stringify({{'10:{bo.id}': 'half a sentence'}}))")
    page.reload()
    anna.online()
    expect(mentioned).to_be_visible()
    look(anna, "list", phone, dark)
    anna.open(11, group)
    expect(page.locator("li.message .quote")).to_contain_text("line")
    look(anna, "talk", phone, dark)
    page.locator("li.message.mine").first.focus()
    look(anna, "focus", phone, dark)
    page.evaluate("document.activeElement.blur()")
    page.locator(".chat-more").click()
    dialog = page.locator("dialog.dialog")
    look(anna, "menu", phone, dark)
    closed(dialog)
    page.locator(".talk-who").click()
    expect(dialog.locator(".row").first).to_be_visible()
    look(anna, "group", phone, dark)
    closed(dialog)
    page.locator("li.message.first .speaker").last.click()
    look(anna, "user", phone, dark)
    closed(dialog)
    page.evaluate("location.hash = '#'")
    for panel in ("friends", "groups", "me"):
        anna.panel(panel)
        look(anna, panel, phone, dark)
    page.locator(".me-actions button").first.click()
    look(anna, "profile", phone, dark)
    closed(dialog)
    anna.panel("chats")
    page.locator(".side-tools .round").last.click()
    look(anna, "new", phone, dark)
    closed(dialog)
    page.keyboard.press("?")
    look(anna, "keys", phone, dark)
    closed(dialog)
