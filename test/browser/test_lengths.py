"""Lengths are counted as the server counts them; nothing is cut silently, and a text that is too long is reported
before it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from test.browser.person import Person

PeopleOf = Callable[..., Person]
Friends = tuple[Person, Person]

PASTE = """(input, text) => {
    input.focus();
    document.execCommand("insertText", false, text);
}"""
"""Puts a text where a paste does, through the editor of the browser, which is what a maxlength would cut."""

CHARACTERS = """(call) => import("/asset/js/page/characters.js").then((characters) => {
    const [name, ...rest] = call;
    return characters[name](...rest);
})"""


def long_text(characters: int, of: str = "x") -> str:
    """A text of so many characters, of which the last differs from the others."""
    return of * (characters - 1) + "."


@pytest.mark.parametrize("of", ["x", "😀", "雪"])
def test_message_too_long(friends: Friends, of: str) -> None:
    """A text above the limit is kept whole, isn't sent, and the page says why; shortened, it is sent."""
    anna, bo = friends
    text = long_text(8_001, of)
    anna.input.evaluate(PASTE, text)
    expect(anna.page.locator(".composer-count.bad")).to_contain_text("Too long by 1")
    expect(anna.page.locator(".send")).to_have_attribute("title", re.compile("8000"))
    anna.input.press("Enter")
    anna.page.click(".send", force=True)
    expect(anna.rows()).to_have_count(0)
    expect(anna.input).to_have_value(text)
    anna.input.press("Backspace")
    expect(anna.page.locator(".composer-count")).to_have_text("8000 / 8000")
    anna.input.press("Enter")
    expect(bo.rows()).to_have_count(1)
    assert bo.texts() == [text[:-1]]


def test_long_draft(friends: Friends) -> None:
    """A draft of any length is kept whole in its chat, also over a reload."""
    anna, bo = friends
    text = long_text(20_000, "😀")
    anna.input.evaluate(PASTE, text)
    anna.open(10, anna.id)
    expect(anna.input).to_have_value("")
    anna.open(10, bo.id)
    expect(anna.input).to_have_value(text)
    anna.page.reload()
    expect(anna.input).to_have_value(text)
    expect(anna.page.locator(".composer-count.bad")).to_be_visible()


def test_draft_larger_than_the_storage(friends: Friends) -> None:
    """A draft that the browser can't store is still kept while the page is open."""
    anna, bo = friends
    text = long_text(6_000_000)
    anna.input.evaluate("(input, text) => { input.value = text; input.dispatchEvent(new Event('input')); }", text)
    anna.open(10, anna.id)
    anna.open(10, bo.id)
    assert anna.input.evaluate("(input) => input.value.length") == 6_000_000
    anna.input.fill("short")
    anna.page.reload()
    expect(anna.input).to_have_value("short")


def test_edit_too_long(friends: Friends) -> None:
    """An edit has the same limit as a message, and its text isn't lost."""
    anna, bo = friends
    anna.say("short")
    anna.act(anna.sees("short"), "edit")
    anna.input.fill(long_text(8_002, "😀"))
    anna.input.press("Enter")
    expect(anna.page.locator(".composer-about")).to_be_visible()
    expect(anna.page.locator(".composer-count.bad")).to_contain_text("Too long by 2")
    anna.input.fill(long_text(8_000, "😀"))
    anna.input.press("Enter")
    expect(anna.page.locator(".composer-about")).to_be_hidden()
    expect(bo.page.locator("li.message .text")).to_have_text(long_text(8_000, "😀"))


def test_half_a_character(friends: Friends) -> None:
    """A text with half of a surrogate pair, which some programs put on the clipboard, can be sent all the same."""
    anna, bo = friends
    anna.input.evaluate("(input) => { input.value = 'half \\ud83d'; input.dispatchEvent(new Event('input')); }")
    anna.input.press("Enter")
    bo.sees("half \ufffd")
    expect(anna.page.locator("[data-state=refused]")).to_have_count(0)


def bounded(page: Page, name: str, text: str) -> Locator:
    """The field of a dialog, after `text` was pasted into it."""
    field = page.locator(f"dialog [name={name}], form [name={name}]").last
    field.evaluate("(input) => { input.focus(); input.select(); }")
    field.evaluate(PASTE, text)
    return field


@pytest.mark.parametrize(("name", "most"), [("nickname", 20), ("memo", 140)])
def test_profile(person: PeopleOf, name: str, most: int) -> None:
    """Each text of a profile is accepted up to its limit in whole characters; one more is reported before sending."""
    anna = person("Anna")
    anna.panel("me")
    anna.page.locator(".me-actions button").first.click()
    field = bounded(anna.page, name, "🦉" * (most + 1))
    expect(field).to_have_value("🦉" * (most + 1))
    expect(anna.page.locator("dialog .count.bad")).to_contain_text("Too long by 1")
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator("dialog")).to_be_visible()
    assert field.evaluate("(input) => input.validationMessage").startswith("Too long by 1")
    bounded(anna.page, name, "🦉" * most + "  ")
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator("dialog")).to_have_count(0)
    found = anna.context.request.post("/user/find", form={"id": str(anna.id)}).json()
    assert found["data"][name] == "🦉" * most


@pytest.mark.parametrize(("name", "most"), [("name", 30), ("memo", 120)])
def test_group(person: PeopleOf, name: str, most: int) -> None:
    """The texts of a group have the same limits."""
    anna = person("Anna")
    anna.panel("groups")
    anna.page.locator(".side-tools .round").click()
    anna.page.fill("dialog [name=name]", "Choir")
    bounded(anna.page, name, "👨‍👩‍👧" * (most // 5) + "a" * (most % 5 + 1))
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator("dialog .count.bad")).to_be_visible()
    bounded(anna.page, name, "👨‍👩‍👧" * (most // 5) + "a" * (most % 5))
    anna.page.locator("dialog [type=submit]").click()
    expect(anna.page.locator("dialog")).to_have_count(0)
    anna.page.wait_for_url("**#11:*")


def test_registration(logged_out: PeopleOf) -> None:
    """The registration counts characters in the same way, also of the password: three emoji aren't six characters."""
    anna = logged_out("Anna")
    page = anna.page
    page.goto("/user/register.shtml")
    page.fill("[name=mobile]", anna.mobile)
    bounded(page, "nickname", "🦉" * 21)
    expect(page.locator(".count.bad")).to_have_count(1)
    bounded(page, "nickname", "🦉" * 20)
    expect(page.locator(".count.bad")).to_have_count(0)
    bounded(page, "passwd", "🔑" * 3)
    page.click("[type=submit]")
    assert page.locator("[name=passwd]").evaluate("(input) => input.validationMessage") == "At least 6 characters"
    bounded(page, "passwd", "🔑" * 129)
    expect(page.locator(".count.bad")).to_have_count(1)
    bounded(page, "passwd", "🔑" * 128)
    page.click("[type=submit]")
    page.wait_for_url("**/chat/index.shtml*")
    page.goto("/user/login.shtml")
    page.fill("[name=mobile]", anna.mobile)
    bounded(page, "passwd", "🔑" * 128)
    page.click("[type=submit]")
    page.wait_for_url("**/chat/index.shtml*")


FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("x" * 195 + ".jpeg", "x" * 195 + ".jpeg"),
        ("😀" * 196 + ".pdf", "😀" * 196 + ".pdf"),
        ("😀" * 300 + ".pdf", "😀" * 195 + "….pdf"),
        ("a" + "😀" * 300, "a" + "😀" * 198 + "…"),
        (FAMILY * 60 + ".zip", FAMILY * 39 + "….zip"),
        ("🇩🇪" * 150 + ".txt", "🇩🇪" * 97 + "….txt"),
        ("e\u0301" * 150, "e\u0301" * 99 + "…"),
        ("a\ud83d.txt", "a\ufffd.txt"),
        ("two\nlines\u0007.txt", "two lines .txt"),
    ],
)
def test_file_names(person: PeopleOf, name: str, kept: str) -> None:
    """A file's name is kept whole, or shortened between visible characters, and keeps its extension."""
    page = person("Anna").page
    assert page.evaluate(CHARACTERS, ["fileName", name, 200]) == kept
    assert len(kept) <= 200


def test_file_with_a_long_name(friends: Friends) -> None:
    """A file with a long name arrives under the name that was shown; the chat shows both ends of it."""
    anna, bo = friends
    anna.page.set_input_files(
        "[data-choose=file]", {"name": "😀" * 199 + "ß.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    anna.page.click(".send")
    expect(bo.page.locator("li.message .file").last).to_have_attribute("download", "😀" * 195 + "….txt")
    expect(bo.page.locator("li.message .file b").last).to_have_text(re.compile("^😀.*…😀.*….txt$"))
    expect(anna.page.locator(".upload, [data-state=refused]")).to_have_count(0)


def test_initial_is_a_whole_character(person: PeopleOf) -> None:
    """The letter that stands for a missing picture is the first visible character of the name."""
    anna = person("🇩🇪 Anna")
    anna.panel("me")
    expect(anna.page.locator(".me-card .avatar")).to_have_text("🇩🇪")


def test_full_outbox_keeps_the_text(friends: Friends) -> None:
    """A text that can't even wait to be sent stays in the input field."""
    anna, _ = friends
    anna.offline(True)
    for number in range(200):
        anna.page.evaluate(
            """([text]) => {
            const input = document.querySelector(".composer-input");
            input.value = text;
            input.dispatchEvent(new Event("input"));
            document.querySelector(".send").click();
        }""",
            [f"waiting {number}"],
        )
    anna.say("one too many")
    expect(anna.page.locator(".toast.bad").last).to_contain_text("Too many messages")
    expect(anna.input).to_have_value("one too many")
    anna.offline(False)
