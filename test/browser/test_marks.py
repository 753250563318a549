"""Marks of Markdown in text messages: the page shows them; the words that are stored and listed stay as written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from test.browser.accessible import check_accessible
from test.browser.person import Person

PeopleOf = Callable[..., Person]
CODE = (
    "see:\n```js\nconst a = 'b'; // so\nreturn 5\n```\n> **quoted** words\n> and _more_\n\n"
    "- milk\n- eggs\n  - brown\n\n2. two\n3. three\ndone"
)
INLINE = "**bold** *italic* ~~gone~~ `code` @Anna **https://x.example/a_b_c** <b>no tag</b> &amp; 2*3*4"
RAW = [
    INLINE,
    CODE,
    "\u05e9\u05dc\u05d5\u05dd **\u05e2\u05d5\u05dc\u05dd** " * 9,
    "👍🏽 👨‍👩‍👧‍👦🇨🇳",
    "👍 yes",
    "*" * 8000,
    "**a *b " * 1100,
]


@pytest.mark.parametrize(("phone", "theme"), [(False, "light"), (True, "dark")])
def test_marks(person: PeopleOf, phone: bool, theme: str) -> None:
    """A message has its marks as elements, never as HTML; its words stay raw in lists, in quotes and in the store."""
    anna, bo = person("Anna", phone=phone), person("Bo")
    page = anna.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    anna.become_friend(bo)
    to = {"cmd": 10, "dstid": anna.id, "media": 1}
    bo.post(*(to | {"content": one, "mentions": [anna.id] if one is INLINE else []} for one in RAW))
    anna.post({"cmd": 10, "dstid": bo.id, "media": 1, "content": CODE, "ref": 1})
    if not phone:
        expect(page.locator(".row-last")).to_contain_text("see: ```js const")
    anna.open(10, bo.id)
    rows = page.locator("li.message")
    expect(rows).to_have_count(len(RAW) + 1)
    inline = rows.nth(0).locator(".text")
    for tag, words in (("strong", "bold"), ("em", "italic"), ("del", "gone"), ("code", "code"), (".mention", "@Anna")):
        expect(inline.locator(tag).first).to_have_text(words)
    expect(inline.locator("strong a")).to_have_attribute("href", "https://x.example/a_b_c")
    expect(inline).to_contain_text("<b>no tag</b> &amp; 2*3*4")
    code = rows.nth(1).locator(".text")
    expect(code.locator("pre")).to_have_text("const a = 'b'; // so\nreturn 5")
    expect(code.locator("pre .keyword")).to_have_text(["const", "return"])
    expect(code.locator("blockquote strong")).to_have_text("quoted")
    expect(code.locator("ul ul li")).to_have_text("brown")
    expect(code.locator("ol")).to_have_attribute("start", "2")
    assert rows.nth(2).locator(".text").evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    expect(rows.nth(3).locator(".few-emoji")).to_have_text(RAW[3])
    expect(rows.nth(4).locator(".few-emoji")).to_have_count(0)
    expect(rows.nth(5).locator(".text")).to_have_text("*" * 8000)
    expect(rows.last.locator(".quote span")).to_have_text(INLINE)
    stored = anna.context.request.post("/message/history", form={"scope": "10", "dstid": str(bo.id)}).json()["rows"]
    assert [row["content"] for row in stored] == [*RAW, CODE]
    check_accessible(page)
    page.locator(".talk-scroll").evaluate("(box) => box.scrollTo(0, 0)")
    anna.shot(f"marks-{'phone' if phone else 'desktop'}-{theme}")
    rows.nth(7).scroll_into_view_if_needed()
    anna.shot(f"marks-end-{'phone' if phone else 'desktop'}-{theme}")
